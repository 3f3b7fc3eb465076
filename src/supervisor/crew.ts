// The workers: starts them all or none, fills the place of one that ends, and passes on what is asked of the proxy. Made by
// supervisor.ts.

import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { messageOf } from '../core/errors.ts';
import type { ServiceLog } from '../log/service-log.ts';
import type { HandedCa } from '../pki/handed-ca.ts';
import { MASTER_LIFE, makeTicketMaster } from '../pki/ticket-keys.ts';
import { BackOff } from './back-off.ts';
import { SILENCE, watch } from './watch.ts';
import { WorkerProcess } from './worker-process.ts';

export interface CrewOptions {
  readonly workers: number;
  /** With the ports that all shall open. */
  readonly config: Config;
  readonly ca: HandedCa;
  readonly service: ServiceLog;
  /** Aborted when the start is not wanted any more. */
  readonly abandoned?: AbortSignal;
  /** Milliseconds without a sign of life after which a worker is taken for dead. */
  readonly silence?: number;
}

/** Milliseconds beyond the grace after which a worker that has not ended is killed. */
const LAST_WORDS = 3_000;

export class Crew {
  readonly #options: CrewOptions;
  /** All that have not ended, also those that have left their place. */
  readonly #workers = new Set<WorkerProcess>();
  /** One of them, which has loaded its code and waits for a place: that takes longer than all the rest of a start. */
  #spare: WorkerProcess | undefined;
  readonly #closing = new AbortController();
  #ticketMaster = makeTicketMaster();
  #renewal: NodeJS.Timeout | undefined;
  #endWatch = (): void => undefined;
  #killAt = Number.POSITIVE_INFINITY;
  #killer: NodeJS.Timeout | undefined;

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
      for (let number = 1; number <= workers; number += 1) first.push(crew.#begin(number));
      await unless(abandoned, Promise.all(first.map((worker) => worker.listening)));
    } catch (error) {
      // Nobody was told yet that they serve; who came nevertheless is cut, with a line in the log.
      await crew.close(0);
      throw error;
    }
    first.forEach((worker, index) => void crew.#keep(index + 1, worker));
    crew.#makeSpare();
    crew.#renewal = setInterval(() => crew.#renewTickets(), MASTER_LIFE).unref();
    crew.#watchAll();
    return crew;
  }

  /** Resolves when all of them write to the new files. */
  async reopenLogs(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.reopenLogs()));
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
  }

  #begin(number: number): WorkerProcess {
    const { workers, config, ca } = this.#options;
    const worker = this.#spare ?? this.#fork();
    this.#spare = undefined;
    worker.begin({ type: 'start', worker: number, workers, config, ca, ticketMaster: this.#ticketMaster });
    return worker;
  }

  #fork(): WorkerProcess {
    const worker = new WorkerProcess();
    this.#workers.add(worker);
    void worker.ended.then(() => {
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

  /** Keeps a place filled until the end. */
  async #keep(number: number, first: WorkerProcess): Promise<void> {
    const { service } = this.#options;
    const backOff = new BackOff();
    for (let worker: WorkerProcess | undefined = first; ; worker = this.#replace(number)) {
      const reason = worker ? await worker.left : 'it could not be made';
      if (this.#closing.signal.aborted) return;
      const delay = backOff.after(worker?.age ?? 0);
      service.warn({ worker: number, reason, delay }, 'a worker has left, another takes its place');
      try {
        await wait(delay, undefined, { signal: this.#closing.signal });
      } catch {
        return;
      }
    }
  }

  /** Node throws where the system has no room for a process. */
  #replace(number: number): WorkerProcess | undefined {
    try {
      const worker = this.#begin(number);
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
