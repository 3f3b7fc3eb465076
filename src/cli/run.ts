// `sallyport run`: starts the proxy and keeps it until it is told to stop. `up` is this with a card.

import { activityRoute } from '../admin/activity-route.ts';
import { AdminServer } from '../admin/admin-server.ts';
import { controlRoutes } from '../admin/control-routes.ts';
import type { AdminRoute } from '../admin/route.ts';
import { startingRoutes, watchRoutes } from '../admin/watch-routes.ts';
import type { Config } from '../config/config.ts';
import { createServiceLog, type ServiceLog } from '../log/service-log.ts';
import { assignSockets, takeGivenSockets } from '../net/given-sockets.ts';
import { type Served, startProxy } from '../proxy.ts';
import { loadNoted } from '../squid/load.ts';
import { logNotes } from '../squid/log-notes.ts';
import { EARLY_GRACE } from '../supervisor/crew.ts';
import { Operations } from '../supervisor/operations.ts';
import { ServiceManager, serving } from '../supervisor/service-manager.ts';
import { type SupervisedOptions, startSupervised, workersOf } from '../supervisor/supervisor.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { StopSignals } from './stop-signals.ts';
import { findRunning, retire } from './take-over.ts';
import type { Terminal } from './terminal.ts';
import { programVersion } from './version.ts';

export interface RunOptions {
  readonly config: string;
  /** Takes the place of the proxy that runs with this config. */
  readonly takeover?: boolean;
}

export async function run(terminal: Terminal, options: RunOptions): Promise<ExitCode> {
  return keepRunning(terminal, options, () => undefined);
}

/** `onStarted` is called once, when the ports are open. Resolves when the proxy has stopped. */
export async function keepRunning(
  terminal: Terminal,
  { config: file, takeover = false }: RunOptions,
  onStarted: (proxy: Served, config: Config) => void,
): Promise<ExitCode> {
  const { config, notes } = await loadNoted(file);
  const service = createServiceLog(config.log.service);
  logNotes(notes, file, service);
  const early = (): void => service.warn({ config: config.file }, 'not started yet: the config is not read anew');
  // From the first worker on, to end by a signal would leave workers behind, and CA files half written.
  process.on('SIGHUP', early);
  // Whoever renames the files while we start is heard, too: what comes then goes to new ones.
  let rotations = 0;
  const earlyRotation = (): void => {
    rotations += 1;
  };
  process.on('SIGUSR1', earlyRotation);
  const signals = new StopSignals();
  let proxy: Served;
  let admin: AdminServer;
  let operations: Operations;
  const manager = ServiceManager.of(service);
  const ending = new Ending(terminal, service, manager);
  try {
    const given = assignSockets(takeGivenSockets(process.env, process.pid), config.listen);
    const { socket } = config.admin;
    const before = takeover && socket !== undefined ? await findRunning(socket) : undefined;
    const routes: AdminRoute[] = [...startingRoutes()];
    const open = (take?: () => Promise<void>) =>
      AdminServer.open({ options: config.admin, routes, service, ...(take && { take }) });
    if (before === undefined) {
      // Before the ports: it says who has them.
      admin = await open();
      const { address = config.admin.listen } = admin;
      const options = { abandoned: signals.asked, given, admin: address };
      proxy = await start(config, service, options).catch(async (thrown: unknown) => {
        await admin.close();
        throw thrown;
      });
    } else {
      proxy = await start(config, service, { abandoned: signals.asked, given, beside: true });
      admin = await open(async () => {
        if (socket !== undefined) await retire(socket, before, service);
      }).catch(async (thrown: unknown) => {
        await proxy.close(0);
        throw thrown;
      });
    }
    const stop = (by: string, grace: number) => ending.begin(proxy, by, grace);
    const isStopping = (): boolean => ending.begun;
    const facts = { version: programVersion(), workers: workersOf(config) };
    operations = new Operations({ served: proxy, config, service, ...facts, admin, stop, isStopping, manager });
    proxy.overview.reload = () => operations.lastReload;
    const whenRunning = [...controlRoutes(operations, () => operations.grace), ...watchRoutes(proxy.overview)];
    routes.splice(
      0,
      routes.length,
      ...whenRunning,
      activityRoute(() => proxy.activity()),
    );
  } catch (error) {
    signals.forget();
    process.off('SIGHUP', early);
    if (!signals.asked.aborted || error !== signals.asked.reason) throw error;
    service.info({ signal: signals.asked.reason }, 'stopped before it had started');
    return EXIT.ok;
  }
  // A fault must cost one connection, not all of them: the stack is kept, the process goes on.
  process.on('uncaughtException', (error) => service.error({ err: error }, 'uncaught exception'));
  process.on('unhandledRejection', (error) => service.error({ err: error }, 'unhandled rejection'));
  process.off('SIGHUP', early).on('SIGHUP', () => void operations.reload('SIGHUP'));
  process.off('SIGUSR1', earlyRotation).on('SIGUSR1', () => void operations.rotate('SIGUSR1'));
  if (rotations > 0) void operations.rotate('SIGUSR1');
  let code: ExitCode = EXIT.ok;
  void proxy.fatal?.then((error) => {
    code = EXIT.failed;
    service.error({ error: error.message }, 'the proxy must not go on');
    void ending.begin(proxy, error.code, 0);
  });
  signals.listen((signal, first) => void ending.begin(proxy, signal, first ? operations.grace : 0));
  // It may have come while we took over.
  if (signals.asked.aborted) void ending.begin(proxy, String(signals.asked.reason), operations.grace);
  for (const { address, port } of proxy.addresses) service.info({ address, port }, 'listening');
  if (!ending.begun) void manager.ready(serving(proxy.addresses));
  onStarted(proxy, config);
  await ending.over;
  await operations.end();
  await admin.close();
  service.info({}, 'stopped');
  return code;
}

/** Throws the reason of `asked` when that is aborted before the proxy runs; then nothing is left of it. */
async function start(
  config: Config,
  service: ServiceLog,
  options: SupervisedOptions & { readonly abandoned: AbortSignal },
): Promise<Served> {
  const workers = workersOf(config);
  if (workers > 1) return startSupervised(config, service, workers, options);
  const proxy = await startProxy(config, service, options);
  const { abandoned } = options;
  if (!abandoned.aborted) return proxy;
  await proxy.close(EARLY_GRACE);
  throw abandoned.reason;
}

/** The end of a proxy, begun by a signal or an operator; a further one may hasten it. */
class Ending {
  readonly #terminal: Terminal;
  readonly #service: ServiceLog;
  readonly #manager: ServiceManager;
  readonly #over = Promise.withResolvers<void>();
  #begun = false;

  constructor(terminal: Terminal, service: ServiceLog, manager: ServiceManager) {
    this.#terminal = terminal;
    this.#service = service;
    this.#manager = manager;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** Resolves when all connections have ended. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Resolves with the connections that are left, when nobody is let in any more. */
  async begin(proxy: Served, by: string, grace: number): Promise<number> {
    const first = !this.#begun;
    this.#begun = true;
    if (first) void this.#manager.stopping('finishing what is in flight');
    const left = proxy.stopAccepting();
    const closed = proxy.close(grace);
    // Only now: whoever reads this line may count on it that nobody is let in any more.
    const connections = await left;
    this.#service.info({ signal: by, connections }, grace > 0 ? 'stopping' : 'stopping at once');
    if (first && connections > 0 && grace > 0 && this.#terminal.watched.err) {
      this.#terminal.err(`Waiting ${grace / 1000} s at most for what is in flight. Ctrl-C again ends it at once.\n`);
    }
    void closed.then(() => this.#over.resolve());
    return connections;
  }
}
