// Compares passwords with hashes off the event loop: one thread, a line of bounded length, and each client in its turn, so
// that who guesses passwords keeps nobody waiting but itself. Called by the authenticator.

import { Worker } from 'node:worker_threads';
import { HASH_THREAD, HASH_THREAD_URL, type HashQuestion } from './hash-thread.ts';
import type { PasswordHash } from './password-hash.ts';

/** Questions in line, of all clients together. */
const MAX_WAITING = 64;
/** Milliseconds from question to answer. */
const PATIENCE = 10_000;

/** `busy`: there was no answer in time, or no place in the line. */
export type Compared = 'fits' | 'wrong' | 'busy';

interface Job extends HashQuestion {
  readonly client: string;
  readonly answer: (compared: Compared) => void;
}

export class HashPool {
  readonly #patience: number;
  #thread: Worker | undefined;
  #current: Job | undefined;
  #waiting = 0;
  /** By client; the one whose turn comes next stands first. */
  readonly #lines = new Map<string, Job[]>();

  constructor(patience = PATIENCE) {
    this.#patience = patience;
  }

  /** Never rejects. */
  compare(client: string, hash: PasswordHash, password: string): Promise<Compared> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => job.answer('busy'), this.#patience);
      timer.unref();
      const job: Job = {
        client,
        hash,
        password,
        answer: (compared) => {
          clearTimeout(timer);
          this.#leave(job);
          resolve(compared);
        },
      };
      if (this.#makePlaceFor(client)) this.#enter(job);
      else job.answer('busy');
    });
  }

  /** Questions that wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Ends the thread; whoever waits is told `busy`. */
  async close(): Promise<void> {
    for (const line of [...this.#lines.values()]) for (const job of [...line]) job.answer('busy');
    const thread = this.#thread;
    this.#thread = undefined;
    this.#current?.answer('busy');
    this.#current = undefined;
    await thread?.terminate();
  }

  /** Where all places are taken, the client with the longest line gives its last one up, if that is somebody else. */
  #makePlaceFor(client: string): boolean {
    if (this.#waiting < MAX_WAITING) return true;
    let longest: Job[] = [];
    for (const line of this.#lines.values()) if (line.length > longest.length) longest = line;
    if ((this.#lines.get(client)?.length ?? 0) + 1 >= longest.length) return false;
    longest.at(-1)?.answer('busy');
    return true;
  }

  #enter(job: Job): void {
    const line = this.#lines.get(job.client);
    if (line) line.push(job);
    else this.#lines.set(job.client, [job]);
    this.#waiting += 1;
    this.#next();
  }

  #leave(job: Job): void {
    const line = this.#lines.get(job.client);
    const at = line?.indexOf(job) ?? -1;
    if (!line || at < 0) return;
    line.splice(at, 1);
    this.#waiting -= 1;
    if (line.length === 0) this.#lines.delete(job.client);
  }

  #next(): void {
    if (this.#current) return;
    for (const [client, line] of this.#lines) {
      const [job] = line;
      if (!job) continue;
      this.#leave(job);
      // Behind all others.
      if (this.#lines.delete(client)) this.#lines.set(client, line);
      this.#current = job;
      try {
        this.#start().postMessage({ hash: job.hash, password: job.password } satisfies HashQuestion);
        return;
      } catch {
        // No memory for a thread.
        this.#current = undefined;
        job.answer('busy');
      }
    }
  }

  #start(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(HASH_THREAD_URL, { workerData: HASH_THREAD, name: 'passwords', execArgv: [] });
    thread.unref();
    this.#thread = thread;
    const over = (compared: Compared): void => {
      if (this.#thread !== thread) return;
      const job = this.#current;
      this.#current = undefined;
      job?.answer(compared);
      this.#next();
    };
    const lost = (): void => {
      if (this.#thread !== thread) return;
      const job = this.#current;
      this.#current = undefined;
      this.#thread = undefined;
      job?.answer('busy');
      this.#next();
    };
    thread.on('message', (answer: unknown) => over(answer === true ? 'fits' : 'wrong'));
    thread.on('error', lost).on('exit', lost);
    return thread;
  }
}
