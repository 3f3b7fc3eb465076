// Compares passwords with hashes off the event loop: threads for it where there are cores, a line of bounded length, and each client in its turn, so
// that who guesses passwords keeps nobody waiting but itself. Called by the authenticator.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { HASH_THREAD, HASH_THREAD_URL, type HashQuestion } from './hash-thread.ts';
import type { PasswordHash } from './password-hash.ts';

/** Questions in line, of all clients together. */
const MAX_WAITING = 64;
/**
 * Milliseconds from question to answer: what a whole line takes where a hash takes half a second. After a restart all users
 * come at once, and nobody's password is known yet.
 */
const PATIENCE = 30_000;
/** One core of two is left to the rest of the proxy. */
const MOST_THREADS = 4;
const THREADS = Math.max(1, Math.min(MOST_THREADS, Math.floor(availableParallelism() / 2)));

/** `busy`: there was no answer in time, or no place in the line. */
export type Compared = 'fits' | 'wrong' | 'busy';

interface Job extends HashQuestion {
  readonly client: string;
  readonly answer: (compared: Compared) => void;
}

/** A thread, started when there is something to do, and what it is busy with. */
interface Seat {
  thread: Worker | undefined;
  job: Job | undefined;
}

export class HashPool {
  readonly #patience: number;
  readonly #seats: readonly Seat[];
  #waiting = 0;
  /** By client; the one whose turn comes next stands first. */
  readonly #lines = new Map<string, Job[]>();

  constructor(patience = PATIENCE, threads = THREADS) {
    this.#patience = patience;
    this.#seats = Array.from({ length: threads }, () => ({ thread: undefined, job: undefined }));
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

  /** Ends the threads; whoever waits is told `busy`. */
  async close(): Promise<void> {
    for (const line of [...this.#lines.values()]) for (const job of [...line]) job.answer('busy');
    const threads = this.#seats.map(({ thread }) => thread);
    for (const seat of this.#seats) {
      seat.thread = undefined;
      seat.job?.answer('busy');
      seat.job = undefined;
    }
    await Promise.all(threads.map((thread) => thread?.terminate()));
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
    const seat = this.#seats.find(({ job }) => job === undefined);
    if (!seat) return;
    for (const [client, line] of this.#lines) {
      const [job] = line;
      if (!job) continue;
      this.#leave(job);
      // Behind all others.
      if (this.#lines.delete(client)) this.#lines.set(client, line);
      seat.job = job;
      try {
        this.#start(seat).postMessage({ hash: job.hash, password: job.password } satisfies HashQuestion);
        return;
      } catch {
        // No memory for a thread.
        seat.job = undefined;
        job.answer('busy');
      }
    }
  }

  #start(seat: Seat): Worker {
    if (seat.thread) return seat.thread;
    const thread = new Worker(HASH_THREAD_URL, { workerData: HASH_THREAD, name: 'passwords', execArgv: [] });
    thread.unref();
    seat.thread = thread;
    const over = (compared: Compared): void => {
      if (seat.thread !== thread) return;
      const { job } = seat;
      seat.job = undefined;
      job?.answer(compared);
      this.#next();
    };
    const lost = (): void => {
      if (seat.thread !== thread) return;
      seat.thread = undefined;
      const { job } = seat;
      seat.job = undefined;
      job?.answer('busy');
      this.#next();
    };
    thread.on('message', (answer: unknown) => over(answer === true ? 'fits' : 'wrong'));
    thread.on('error', lost).on('exit', lost);
    return thread;
  }
}
