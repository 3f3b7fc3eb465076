// One worker as the supervisor sees it: a child process that is told things and answers. Made by crew.ts.

import { type ChildProcess, fork } from 'node:child_process';
import { extname, join } from 'node:path';
import { ProxyError } from '../core/errors.ts';
import { type FromWorker, isFromWorker, type Start, type ToWorker } from './messages.ts';

/** The entry of this program, as source or compiled. */
const MAIN = join(import.meta.dirname, `../main${extname(import.meta.filename)}`);
/** Milliseconds from its start order to open ports: a second or two on a busy machine. */
const START_LIMIT = 30_000;

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Set<(answer: FromWorker | undefined) => void>();
  /** Resolves when its code is loaded: from then on a start takes no time to speak of. */
  readonly ready: Promise<void>;
  /** Resolves when its ports are open; rejects with the ProxyError that kept it from that. */
  readonly listening: Promise<void>;
  /** Resolves when it lets nobody in any more, with what happened: it has ended, or says that it will. */
  readonly left: Promise<string>;
  readonly ended: Promise<void>;
  /** Which place it has, from 1; undefined: none yet. */
  #number: number | undefined;
  /** By the monotonic clock; undefined before. */
  #listeningAt: number | undefined;
  #isReady = false;
  /** How often nothing was heard of it between two looks. */
  #missed = 0;
  #slow: NodeJS.Timeout | undefined;

  /** The process loads its code, then waits for `begin`. */
  constructor() {
    // Nothing on standard input; what it logs goes where ours goes.
    this.#child = fork(MAIN, ['worker'], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const gone = Promise.withResolvers<string>();
    const leaving = Promise.withResolvers<string>();
    const ready = Promise.withResolvers<void>();
    const listening = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.listening = listening.promise;
    // Whoever does not ask learns of it by its end.
    this.listening.catch(() => undefined);

    this.#child.on('message', (message: unknown) => {
      if (!isFromWorker(message)) return;
      this.#missed = 0;
      if (message.type === 'ready') {
        this.#isReady = true;
        ready.resolve();
      } else if (message.type === 'listening') {
        clearTimeout(this.#slow);
        this.#listeningAt = performance.now();
        listening.resolve();
      } else if (message.type === 'failed') {
        listening.reject(new ProxyError(message.code, message.detail));
      } else if (message.type === 'leaving') {
        leaving.resolve('a fault');
      } else if (message.type !== 'beat') {
        for (const hear of this.#waiting) hear(message);
      }
    });
    const end = (how: string): void => {
      clearTimeout(this.#slow);
      listening.reject(new ProxyError('internal', `A worker ended before it listened: ${how}.`));
      for (const hear of this.#waiting) hear(undefined);
      gone.resolve(how);
    };
    this.#child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    // It could not even be made: no memory, no process left.
    this.#child.on('error', (error) => {
      if (this.#child.pid === undefined) end(error.message);
    });
    this.left = Promise.race([leaving.promise, gone.promise]);
    this.ended = gone.promise.then(() => undefined);
  }

  begin(start: Start): void {
    this.#number = start.worker;
    this.#slow = setTimeout(() => this.kill(), START_LIMIT);
    this.tell(start);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get number(): number | undefined {
    return this.#number;
  }

  /** Whether its code is loaded, so that it obeys; before that it cannot have served anybody. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Milliseconds for which it has let clients in: one that never did was not well, however long it took to start. */
  get age(): number {
    return this.#listeningAt === undefined ? 0 : performance.now() - this.#listeningAt;
  }

  tell(order: ToWorker): void {
    // One that is gone hears nothing, and is known by its end.
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }

  /** How often in a row it was asked here and nothing had been heard of it meanwhile; 0 until it is ready. */
  look(): number {
    if (this.#isReady) this.#missed += 1;
    return this.#missed;
  }

  /** Resolves when it has, or has ended. */
  async reopenLogs(): Promise<void> {
    await this.#ask({ type: 'reopen-logs' }, 'logs-reopened');
  }

  /** Resolves with the connections that it has. */
  async stopAccepting(): Promise<number> {
    const answer = await this.#ask({ type: 'stop-accepting' }, 'stopped-accepting');
    return answer?.type === 'stopped-accepting' ? answer.connections : 0;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #ask(order: ToWorker, wanted: FromWorker['type']): Promise<FromWorker | undefined> {
    if (!this.#child.connected) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const hear = (answer: FromWorker | undefined): void => {
        if (answer !== undefined && answer.type !== wanted) return;
        this.#waiting.delete(hear);
        resolve(answer);
      };
      this.#waiting.add(hear);
      this.tell(order);
    });
  }
}
