// `sallyport run`: starts the proxy and keeps it until it is told to stop. `up` is this with a card.

import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { createServiceLog, type ServiceLog } from '../log/service-log.ts';
import { GRACE, type Served, startProxy } from '../proxy.ts';
import { startSupervised, workersOf } from '../supervisor/supervisor.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { StopSignals } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

export interface RunOptions {
  readonly config: string;
}

export async function run(terminal: Terminal, options: RunOptions): Promise<ExitCode> {
  return keepRunning(terminal, options, () => undefined);
}

/** `onStarted` is called once, when the ports are open. Resolves when the proxy has stopped. */
export async function keepRunning(
  terminal: Terminal,
  { config: file }: RunOptions,
  onStarted: (proxy: Served, config: Config) => void,
): Promise<ExitCode> {
  const config = await loadConfig(file);
  const service = createServiceLog(config.log.service);
  const hangUp = (): void => {
    service.warn({ config: config.file }, 'the config is not read anew: reload is not supported yet, restart instead');
  };
  // From the first worker on, to end by a signal would leave workers behind, and CA files half written.
  process.on('SIGHUP', hangUp);
  const signals = new StopSignals();
  let proxy: Served;
  try {
    proxy = await start(config, service, signals.asked);
  } catch (error) {
    signals.forget();
    process.off('SIGHUP', hangUp);
    if (!signals.asked.aborted || error !== signals.asked.reason) throw error;
    service.info({ signal: signals.asked.reason }, 'stopped before it had started');
    return EXIT.ok;
  }
  // A fault must cost one connection, not all of them: the stack is kept, the process goes on.
  process.on('uncaughtException', (error) => service.error({ err: error }, 'uncaught exception'));
  process.on('unhandledRejection', (error) => service.error({ err: error }, 'unhandled rejection'));
  process.on('SIGUSR1', () => void proxy.reopenLogs().then(() => service.info({}, 'logs reopened')));
  const stopped = untilStopped(terminal, service, proxy, signals);
  for (const { address, port } of proxy.addresses) service.info({ address, port }, 'listening');
  onStarted(proxy, config);
  return stopped;
}

/** Throws the reason of `asked` when that is aborted before the proxy runs; then nothing is left of it. */
async function start(config: Config, service: ServiceLog, asked: AbortSignal): Promise<Served> {
  const workers = workersOf(config);
  if (workers > 1) return startSupervised(config, service, workers, asked);
  const proxy = await startProxy(config, service);
  if (!asked.aborted) return proxy;
  await proxy.close(0);
  throw asked.reason;
}

/** Until SIGINT or SIGTERM; a second one ends what is in flight at once. */
function untilStopped(terminal: Terminal, service: ServiceLog, proxy: Served, signals: StopSignals): Promise<ExitCode> {
  return new Promise((resolve) => {
    signals.listen(async (signal, first) => {
      const left = proxy.stopAccepting();
      const closed = proxy.close(first ? GRACE : 0);
      // Only now: whoever reads this line may count on it that nobody is let in any more.
      const connections = await left;
      service.info({ signal, connections }, first ? 'stopping' : 'stopping at once');
      if (!first) return;
      if (connections > 0 && terminal.watched.err) {
        terminal.err(`Waiting ${GRACE / 1000} s at most for what is in flight. Ctrl-C again ends it at once.\n`);
      }
      await closed;
      service.info({}, 'stopped');
      resolve(EXIT.ok);
    });
  });
}
