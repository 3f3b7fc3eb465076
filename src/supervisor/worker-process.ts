// One worker as the supervisor sees it: a child process that is told things and answers. Made by crew.ts.

import { type ChildProcess, fork } from 'node:child_process';
import { extname, join } from 'node:path';
import { ProxyError } from '../core/errors.ts';
import { EMPTY_LISTING, type Listing, type ListingPart } from '../flow/listing.ts';
import { type Activity, IDLE } from '../log/activity.ts';
import { type Measures, NO_MEASURES } from '../metrics/measures.ts';
import { type FromWorker, isFromWorker, type Prepare, type Start, type ToWorker } from './messages.ts';

/** The entry of this program, as source or compiled. */
const MAIN = join(import.meta.dirname, `../main${extname(import.meta.filename)}`);
/** Behind standard streams and the channel. */
export const FIRST_GIVEN = 4;
/** Milliseconds from its start order to open ports: a second or two on a busy machine. */
const START_LIMIT = 30_000;
/** Milliseconds for what takes no time, unless it waits for something that does. */
const SOON = 2_000;

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
  /** Resolves when no worker may go on. */
  readonly fatal: Promise<ProxyError>;
  /** Which place it has, from 1; undefined: none yet. */
  #number: number | undefined;
  /** By the monotonic clock; undefined before. */
  #listeningAt: number | undefined;
  #isReady = false;
  /** How often nothing was heard of it between two looks. */
  #missed = 0;
  #slow: NodeJS.Timeout | undefined;
  #hasLeft = false;
  #measures: Measures = NO_MEASURES;

  /**
   * The process loads its code, then waits for `begin`. `fds`: sockets of ours, which it has from `FIRST_GIVEN` on.
   * `onAskReport` makes the reports of the manager that its clients want.
   */
  constructor(
    fds: readonly number[] = [],
    onAskReport: (name: string) => Promise<string | undefined> = async () => undefined,
  ) {
    // Nothing on standard input; what it logs goes where ours goes.
    this.#child = fork(MAIN, ['worker'], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...fds],
      // A signal to rotate logs that comes before main.ts has a handler would open a debugger's door.
      execArgv: [...process.execArgv, '--disable-sigusr1'],
    });
    const gone = Promise.withResolvers<string>();
    const leaving = Promise.withResolvers<string>();
    const ready = Promise.withResolvers<void>();
    const listening = Promise.withResolvers<void>();
    const fatal = Promise.withResolvers<ProxyError>();
    this.fatal = fatal.promise;
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
      } else if (message.type === 'fatal') {
        fatal.resolve(new ProxyError(message.code, message.detail));
      } else if (message.type === 'leaving') {
        this.#hasLeft = true;
        leaving.resolve('a fault');
      } else if (message.type === 'ask-report') {
        void onAskReport(message.name).then((text) => this.tell({ type: 'report', id: message.id, text }));
      } else if (message.type !== 'beat') {
        if (message.type === 'measured') this.#measures = message.measures;
        for (const hear of this.#waiting) hear(message);
      }
    });
    const end = (how: string): void => {
      this.#hasLeft = true;
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

  /** Whether it has a place, and lets clients in or will. */
  get isServing(): boolean {
    return this.#number !== undefined && !this.#hasLeft;
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

  /** Resolves with what keeps it from using another config; one that has ended is kept by nothing. */
  async prepare(order: Omit<Prepare, 'type'>, limit = START_LIMIT): Promise<ProxyError | undefined> {
    const answer = await inTime(limit, this.#ask({ type: 'prepare', ...order }, 'prepared', 'refused'));
    if (answer === 'late') return new ProxyError('internal', `Worker ${this.#number} does not answer.`);
    return answer?.type === 'refused' ? new ProxyError(answer.code, answer.detail) : undefined;
  }

  /** What it was offered is in use. One that does not say so would go on by the config of before: it is killed. */
  async commit(offer: number, limit = START_LIMIT): Promise<void> {
    const answer = await inTime(limit, this.#ask({ type: 'commit', offer }, 'committed'));
    if (answer === 'late') this.kill();
  }

  /** One that is slow gives it up when it comes to it; nobody waits for that. */
  async abandon(offer: number, limit = SOON): Promise<void> {
    await inTime(limit, this.#ask({ type: 'abandon', offer }, 'abandoned'));
  }

  /** Its place is gone: it ends when what it has is done. */
  dismiss(grace: number): void {
    this.#hasLeft = true;
    this.tell({ type: 'close', grace });
  }

  /** Resolves when it has, or has ended; with the reason where it could not. */
  async reopenLogs(): Promise<string | undefined> {
    const answer = await this.#ask({ type: 'reopen-logs' }, 'logs-reopened');
    return answer?.type === 'logs-reopened' ? answer.failure : undefined;
  }

  /** Resolves with the connections that it has; none, when it has ended. */
  async count(): Promise<number> {
    const answer = await this.#ask({ type: 'count' }, 'counted');
    return answer?.type === 'counted' ? answer.connections : 0;
  }

  /** Resolves with what it is busy with. */
  async activity(): Promise<Activity> {
    const answer = await this.#ask({ type: 'activity' }, 'active');
    return answer?.type === 'active' ? answer.activity : IDLE;
  }

  /** The connections that it has, when it lets nobody in any more. */
  async stopAccepting(): Promise<number> {
    const answer = await this.#ask({ type: 'stop-accepting' }, 'stopped-accepting');
    return answer?.type === 'stopped-accepting' ? answer.connections : 0;
  }

  /** As it last told: it may have ended since. */
  get lastMeasures(): Measures {
    return this.#measures;
  }

  /** Whether it has ever let clients in. */
  get isListening(): boolean {
    return this.#listeningAt !== undefined;
  }

  /** Has it tell what it has measured; resolves when it has, or has ended. */
  async measure(): Promise<void> {
    await this.#ask({ type: 'measure' }, 'measured');
  }

  /** Resolves with the rows of these kinds; none, when it has ended. */
  async list(parts: readonly ListingPart[]): Promise<Listing> {
    const answer = await this.#ask({ type: 'list', parts }, 'listed');
    return answer?.type === 'listed' ? answer.listing : EMPTY_LISTING;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #ask(order: ToWorker, ...wanted: readonly FromWorker['type'][]): Promise<FromWorker | undefined> {
    if (!this.#child.connected) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const hear = (answer: FromWorker | undefined): void => {
        if (answer !== undefined && !(wanted.includes(answer.type) && offerOf(answer) === offerOf(order))) return;
        this.#waiting.delete(hear);
        resolve(answer);
      };
      this.#waiting.add(hear);
      this.tell(order);
    });
  }
}

/** Of those messages that are about one. */
function offerOf(message: ToWorker | FromWorker): number | undefined {
  return 'offer' in message ? message.offer : undefined;
}

async function inTime<T>(limit: number, answer: Promise<T>): Promise<T | 'late'> {
  const late = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => late.resolve('late'), limit);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
