// What operators have done to a proxy that runs, by the control socket or by a signal: each once at a time, and in the audit
// log. Made by cli/run, handed to the admin server.

import type { AdminServer } from '../admin/admin-server.ts';
import type { Controls, ReloadOutcome, RotateOutcome, Status } from '../admin/controls.ts';
import type { Config } from '../config/config.ts';
import { asProxyError, messageOf, ProxyError } from '../core/errors.ts';
import { writeAudit } from '../log/audit-log.ts';
import { LogRotation } from '../log/rotation.ts';
import type { ServiceLog } from '../log/service-log.ts';
import type { Served } from '../proxy.ts';
import { loadNoted } from '../squid/load.ts';
import { logNotes } from '../squid/log-notes.ts';
import { type ConfigChange, changedKeys, configChanges } from './config-changes.ts';
import { type ServiceManager, serving } from './service-manager.ts';
import { workersOf } from './supervisor.ts';

export interface OperationsParts {
  readonly served: Omit<Served, 'overview'> & { readonly overview: Pick<Served['overview'], 'workers'> };
  readonly config: Config;
  readonly service: ServiceLog;
  readonly version: string;
  /** Processes that were to carry traffic at the start. */
  readonly workers: number;
  /** Reads its token anew. */
  readonly admin?: Pick<AdminServer, 'prepareToken' | 'releasePort'>;
  readonly isStopping: () => boolean;
  /** Begins to stop as a signal would; resolves with the connections that are left. */
  readonly stop: (by: string, grace: number) => Promise<number>;
  /** Told when a reload begins and when it is over. */
  readonly manager?: Pick<ServiceManager, 'reloading' | 'ready'>;
}

export class Operations implements Controls {
  readonly #parts: OperationsParts;
  readonly #started = new Date().toISOString();
  #config: Config;
  readonly #rotation: LogRotation;
  #generation = 1;
  #lastReload: Status['reload'];
  /** What is done to the processes that carry traffic, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: OperationsParts) {
    this.#parts = parts;
    this.#config = parts.config;
    const { served, service, config, isStopping } = parts;
    // Files that a reload is just opening would be opened by the names of before, and reopened by nobody.
    const reopen = (): Promise<void> => this.#inTurn(() => served.reopenLogs());
    this.#rotation = new LogRotation({ logs: config.log.access, reopen, isStopping, service });
  }

  /** Milliseconds that what is in flight has to finish when the proxy is stopped. */
  get grace(): number {
    return this.#config.limits.drainTimeout;
  }

  /** What became of the last reload; undefined: there was none. */
  get lastReload(): Status['reload'] {
    return this.#lastReload;
  }

  /** One after the other: each reads the file as it is then. */
  reload(by: string): Promise<ReloadOutcome> {
    const { manager, served } = this.#parts;
    return this.#inTurn(async () => {
      await manager?.reloading();
      const outcome = await this.#reload(by);
      const note = outcome.ok ? '' : ', by the config of before: the new one was refused';
      if (!this.#parts.isStopping()) void manager?.ready(serving(served.addresses) + note);
      return outcome;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #reload(by: string): Promise<ReloadOutcome> {
    const { service } = this.#parts;
    const { file } = this.#config;
    let outcome: ReloadOutcome;
    let changes: readonly ConfigChange[] = [];
    try {
      const { config, notes } = await loadNoted(file);
      const changed = changedKeys(this.#config, config);
      const useToken = await this.#parts.admin?.prepareToken();
      if (this.#parts.isStopping()) throw new ProxyError('shutting-down');
      await this.#parts.served.reload(config);
      useToken?.();
      changes = configChanges(this.#config, config);
      const waiting = this.#waitingFor(config);
      this.#config = config;
      this.#rotation.use(config.log.access);
      this.#generation += 1;
      outcome = { ok: true, generation: this.#generation, changed, waiting };
      service.info({ by, generation: this.#generation, changed }, 'the config is used anew');
      logNotes(notes, file, service);
      if (waiting.length > 0) service.warn({ waiting }, 'these keys of the config wait for a restart');
    } catch (thrown) {
      const { code, detail, message } = asProxyError(thrown);
      if (code === 'internal') service.error({ err: thrown }, 'internal fault of a reload');
      outcome = { ok: false, code, error: detail || message };
      service.error({ by, error: outcome.error }, 'the config is not used: the one before still holds');
    }
    this.#lastReload = { at: new Date().toISOString(), by, ...outcome };
    await this.#audit({ audit: 'reload', by, file, ...outcome, ...(outcome.ok ? { changes } : {}) });
    return outcome;
  }

  /** The keys that only a restart can change. */
  #waitingFor(config: Config): string[] {
    const { workers, config: begun } = this.#parts;
    const needsSupervisor = workers === 1 && workersOf(config) > 1;
    const isOther = (before: unknown, after: unknown): boolean => JSON.stringify(before) !== JSON.stringify(after);
    return [
      ...(needsSupervisor ? ['workers'] : []),
      ...(isOther({ ...begun.admin, manager: undefined }, { ...config.admin, manager: undefined }) ? ['admin'] : []),
      ...(isOther(begun.log.service, config.log.service) ? ['log.service'] : []),
    ];
  }

  async rotate(by: string): Promise<RotateOutcome> {
    const problems = await this.#rotation.rotate(by);
    const outcome = problems.length === 0 ? { ok: true } : { ok: false, error: problems.join('; ') };
    await this.#audit({ audit: 'rotate', by, ...outcome });
    return outcome;
  }

  async drain(by: string, grace: number): Promise<{ connections: number }> {
    await this.#audit({ audit: 'drain', by, grace });
    return { connections: await this.#parts.stop(by, grace) };
  }

  async retire(by: string, grace: number): Promise<{ connections: number }> {
    this.#parts.admin?.releasePort();
    return this.drain(by, grace);
  }

  async status(): Promise<Status> {
    const { served, version } = this.#parts;
    const { addresses, ca } = served;
    return {
      pid: process.pid,
      version,
      config: this.#config.file,
      started: this.#started,
      state: this.#parts.isStopping() ? 'draining' : 'running',
      generation: this.#generation,
      addresses,
      workers: served.overview.workers.wanted,
      connections: await served.count(),
      ...(this.#lastReload ? { reload: this.#lastReload } : {}),
      ca: { sha256: ca.anchor.fingerprint256, notAfter: ca.notAfter.toISOString() },
    };
  }

  /** No log is rotated any more. */
  end(): Promise<void> {
    return this.#rotation.end();
  }

  async #audit(fields: Readonly<Record<string, unknown>>): Promise<void> {
    const { audit } = this.#config.rejections;
    try {
      await writeAudit(audit, fields, new Date());
    } catch (thrown) {
      this.#parts.service.error({ file: audit, error: messageOf(thrown) }, 'the audit log cannot be written');
    }
  }
}
