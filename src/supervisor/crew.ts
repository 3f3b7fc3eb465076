// The workers: starts them all or none, fills the place of one that ends, and passes on what is asked of the proxy. Made by
// supervisor.ts.

import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { messageOf, ProxyError } from '../core/errors.ts';
import type { Endpoint } from '../core/session.ts';
import { type Activity, IDLE, joinActivities } from '../log/activity.ts';
import type { ServiceLog } from '../log/service-log.ts';
import { descriptorLimit } from '../net/descriptors.ts';
import type { GivenFds } from '../net/given-sockets.ts';
import type { HandedCa } from '../pki/handed-ca.ts';
import { MASTER_LIFE, makeTicketMaster } from '../pki/ticket-keys.ts';
import { BackOff } from './back-off.ts';
import { Collector } from './collector.ts';
import { SILENCE, watch } from './watch.ts';
import { FIRST_GIVEN, WorkerProcess } from './worker-process.ts';

export interface CrewOptions {
  readonly workers: number;
  /** With the ports that all shall open. */
  readonly config: Config;
  readonly ca: HandedCa;
  readonly service: ServiceLog;
  /** Makes the reports of the manager that clients of the workers want. */
  readonly report?: (name: string) => Promise<string | undefined>;
  /** Sockets that were handed to us, for all of them. */
  readonly given?: GivenFds;
  /** Where operators are answered over TCP as long as the proxy runs. */
  readonly admin?: Endpoint | undefined;
  /** Aborted when the start is not wanted any more. */
  readonly abandoned?: AbortSignal;
  /** Milliseconds without a sign of life after which a worker is taken for dead. */
  readonly silence?: number;
}

/** Milliseconds in which a worker says what it is busy with, unless it is stuck. */
const ATTENTIVE = 2_000;
/** Milliseconds beyond the grace after which a worker that has not ended is killed. */
const LAST_WORDS = 3_000;
/** Milliseconds that what is in flight has when a start comes to nothing: while it starts, no second signal hastens it. */
export const EARLY_GRACE = 5_000;

/** Milliseconds between two processes of a group that are sent one signal. */
const SAME_MOMENT = 100;

export class Crew {
  #options: CrewOptions;
  /** All that have not ended, also those that have left their place. */
  readonly #workers = new Set<WorkerProcess>();
  /** One of them, which has loaded its code and waits for a place: that takes longer than all the rest of a start. */
  #spare: WorkerProcess | undefined;
  readonly #places = new Map<number, symbol>();
  readonly #closing = new AbortController();
  readonly #collector = new Collector(this.#workers, descriptorLimit());
  #ticketMaster = makeTicketMaster();
  /** How often they were offered another config. */
  #offer = 0;
  #renewal: NodeJS.Timeout | undefined;
  #endWatch = (): void => undefined;
  readonly #fatal = Promise.withResolvers<ProxyError>();
  #killAt = Number.POSITIVE_INFINITY;
  #killer: NodeJS.Timeout | undefined;

  get #given(): GivenFds {
    return this.#options.given ?? new Map();
  }

  private constructor(options: CrewOptions) {
    this.#options = options;
  }

  /**
   * Resolves when all of them listen. Throws the ProxyError of one that cannot, or the reason why the start was abandoned;
   * then none is left.
   */
  static async start(options: CrewOptions): Promise<Crew> {
    const { workers, abandoned } = options;
    const crew = new Crew(options);
    const first: WorkerProcess[] = [];
    try {
      for (let number = 1; number <= workers; number += 1) first.push(crew.#begin(number, false));
      await unless(abandoned, Promise.all(first.map((worker) => worker.listening)));
    } catch (error) {
      // Who waited at a port that was open before us may be in already.
      await crew.close(EARLY_GRACE);
      // A signal to all of a group may be heard here only after it has ended some that could not hear it yet, or all.
      if (abandoned) await wait(SAME_MOMENT, undefined, { signal: abandoned }).catch(() => undefined);
      abandoned?.throwIfAborted();
      throw error;
    }
    first.forEach((worker, index) => void crew.#keep(index + 1, worker));
    crew.#makeSpare();
    crew.#renewal = setInterval(() => crew.#renewTickets(), MASTER_LIFE).unref();
    crew.#watchAll();
    return crew;
  }

  /** Resolves when none of them may go on. */
  get fatal(): Promise<ProxyError> {
    return this.#fatal.promise;
  }

  /**
   * All of them use another config, or none does: then it throws the ProxyError of one that cannot. There may be more of them
   * or fewer; those that are too many have `grace` milliseconds for what is in flight.
   */
  async reload(next: Pick<CrewOptions, 'workers' | 'config' | 'ca'>, grace: number): Promise<void> {
    const asked = this.#serving();
    this.#offer += 1;
    const offer = this.#offer;
    const { workers, config, ca } = next;
    const failures = await Promise.all(asked.map((worker) => worker.prepare({ offer, workers, config, ca })));
    const failure = failures.find((each) => each !== undefined);
    if (failure) {
      await Promise.all(asked.map((worker) => worker.abandon(offer)));
      throw failure;
    }
    const { workers: before } = this.#options;
    // Whoever takes a place from now on begins with it.
    this.#options = { ...this.#options, ...next };
    await Promise.all(asked.map((worker) => worker.commit(offer)));
    const late = this.#serving().filter((worker) => !asked.includes(worker));
    await Promise.all(late.map((worker) => this.#catchUp(worker)));
    this.#resize(before, grace);
  }

  #serving(): WorkerProcess[] {
    return [...this.#workers].filter((worker) => worker.isServing);
  }

  /** One that took its place while the others were asked. */
  async #catchUp(worker: WorkerProcess): Promise<void> {
    const { workers, config, ca } = this.#options;
    const offer = this.#offer;
    if (await worker.prepare({ offer, workers, config, ca })) worker.kill();
    else await worker.commit(offer);
  }

  #resize(before: number, grace: number): void {
    const { workers } = this.#options;
    for (let number = workers + 1; number <= before; number += 1) this.#places.delete(number);
    for (const worker of this.#workers) if (worker.isServing && (worker.number ?? 0) > workers) worker.dismiss(grace);
    for (let number = before + 1; number <= workers && !this.#closing.signal.aborted; number += 1) {
      const worker = this.#replace(number);
      void this.#keep(number, worker);
    }
  }

  /** What all have measured, and what goes on in them. */
  get collector(): Collector {
    return this.#collector;
  }

  /** Places, and workers that let clients in. */
  get places(): { readonly wanted: number; readonly listening: number } {
    const isOpen = !this.#closing.signal.aborted;
    const listening = [...this.#workers].filter((worker) => isOpen && worker.isListening && worker.isServing).length;
    return { wanted: this.#options.workers, listening };
  }

  /** Resolves when all of them write to the new files. Throws ProxyError where one cannot. */
  async reopenLogs(): Promise<void> {
    // The spare has none open, and may still be loading its code.
    const writing = [...this.#workers].filter(({ number }) => number !== undefined);
    const failures = await Promise.all(writing.map((worker) => worker.reopenLogs()));
    const failed = new Set(failures.filter((failure) => failure !== undefined));
    if (failed.size > 0) throw new ProxyError('log-failed', [...failed].join('; '));
  }

  /** Connections of clients, all workers together. */
  async count(): Promise<number> {
    // One that still loads its code has none, and would be long in saying so.
    const ready = [...this.#workers].filter(({ isReady }) => isReady);
    const counts = await Promise.all(ready.map((worker) => worker.count()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** What all of them are busy with; of one that does not say in time, nothing. */
  async activity(): Promise<Activity> {
    const late = (): Promise<Activity> => wait(ATTENTIVE, IDLE, { ref: false });
    return joinActivities(await Promise.all(this.#serving().map((one) => Promise.race([one.activity(), late()]))));
  }

  /** No place is filled any more. Resolves with the connections that are left, all workers together. */
  async stopAccepting(): Promise<number> {
    this.#closing.abort();
    const counts = await Promise.all([...this.#workers].map((worker) => worker.stopAccepting()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** As `close` of a proxy; a worker that does not obey is killed, and at once one that serves nobody yet. */
  async close(grace: number): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#renewal);
    const killAt = performance.now() + grace + LAST_WORDS;
    if (killAt < this.#killAt) {
      this.#killAt = killAt;
      clearTimeout(this.#killer);
      this.#killer = setTimeout(() => this.#killAll(), grace + LAST_WORDS);
    }
    for (const worker of this.#workers) {
      if (worker.isReady) worker.tell({ type: 'close', grace });
      else worker.kill();
    }
    await this.#allEnded();
    clearTimeout(this.#killer);
    this.#endWatch();
    this.#collector.end();
  }

  /** `later`: others have served already. */
  #begin(number: number, later: boolean): WorkerProcess {
    const { workers, config, ca, admin } = this.#options;
    const worker = this.#spare ?? this.#fork();
    this.#spare = undefined;
    // As they are numbered there.
    const given = new Map([...this.#given.keys()].map((asked, index) => [asked, FIRST_GIVEN + index]));
    const start = { workers, config, ca, ticketMaster: this.#ticketMaster, given, admin, later } as const;
    worker.begin({ type: 'start', worker: number, ...start });
    return worker;
  }

  #fork(): WorkerProcess {
    const worker = new WorkerProcess([...this.#given.values()], this.#options.report);
    this.#workers.add(worker);
    void worker.fatal.then((error) => this.#fatal.resolve(error));
    void worker.ended.then(() => {
      this.#collector.keep(worker);
      this.#workers.delete(worker);
      if (this.#spare === worker) this.#spare = undefined;
    });
    return worker;
  }

  #makeSpare(): void {
    if (this.#closing.signal.aborted || this.#spare) return;
    const { service } = this.#options;
    try {
      const spare = this.#fork();
      this.#spare = spare;
      void spare.ready.then(() => service.debug({ workerPid: spare.pid }, 'a spare stands by'));
    } catch (error) {
      service.debug({ error: messageOf(error) }, 'there is no spare');
    }
  }

  /** Keeps a place filled until the end, or until there is no such place any more. */
  async #keep(number: number, first: WorkerProcess | undefined): Promise<void> {
    const { service } = this.#options;
    const backOff = new BackOff();
    // There may be one of this number again before this one has ended.
    const place = Symbol();
    this.#places.set(number, place);
    const isOver = (): boolean => this.#closing.signal.aborted || this.#places.get(number) !== place;
    for (let worker: WorkerProcess | undefined = first; ; worker = this.#replace(number)) {
      const reason = worker ? await worker.left : 'it could not be made';
      if (isOver()) return;
      const delay = backOff.after(worker?.age ?? 0);
      service.warn({ worker: number, reason, delay }, 'a worker has left, another takes its place');
      try {
        await wait(delay, undefined, { signal: this.#closing.signal });
      } catch {
        return;
      }
      if (isOver()) return;
    }
  }

  /** Node throws where the system has no room for a process. */
  #replace(number: number): WorkerProcess | undefined {
    try {
      const worker = this.#begin(number, true);
      void this.#tellBegin(number, worker);
      return worker;
    } catch (error) {
      this.#options.service.error({ worker: number, error: messageOf(error) }, 'a worker cannot start');
      return undefined;
    }
  }

  async #tellBegin(number: number, worker: WorkerProcess): Promise<void> {
    const { service } = this.#options;
    const facts = { worker: number, workerPid: worker.pid };
    try {
      await worker.listening;
      service.info(facts, 'a worker has taken the place');
    } catch (error) {
      if (!this.#closing.signal.aborted) service.error({ ...facts, error: messageOf(error) }, 'a worker cannot start');
    }
    this.#makeSpare();
  }

  #renewTickets(): void {
    this.#ticketMaster = makeTicketMaster();
    for (const worker of this.#workers) worker.tell({ type: 'renew-tickets', ticketMaster: this.#ticketMaster });
  }

  #watchAll(): void {
    const { service, silence = SILENCE } = this.#options;
    this.#endWatch = watch(this.#workers, silence, (worker) => {
      const facts = { worker: worker.number, workerPid: worker.pid, silence };
      service.error(facts, 'a worker gives no sign of life and is killed');
      worker.kill();
    });
  }

  #killAll(): void {
    for (const worker of this.#workers) worker.kill();
  }

  async #allEnded(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.ended));
  }
}

/** What `promise` gives, unless the signal comes first: then its reason is thrown. */
async function unless<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
