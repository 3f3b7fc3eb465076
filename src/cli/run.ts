// `sallyport run`: starts the proxy and keeps it until it is told to stop. `up` is this with a card.

import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { createServiceLog, type ServiceLog } from '../log/service-log.ts';
import { GRACE, type Served, startProxy } from '../proxy.ts';
import { startSupervised, workersOf } from '../supervisor/supervisor.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/**
 * Milliseconds within which a second signal is the first one over again: a Ctrl-C reaches us from the terminal, and once
 * more from npm, which passes on what it got itself.
 */
const ECHO = 250;

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
  const workers = workersOf(config);
  const proxy = workers === 1 ? await startProxy(config, service) : await startSupervised(config, service, workers);
  // A fault must cost one connection, not all of them: the stack is kept, the process goes on.
  process.on('uncaughtException', (error) => service.error({ err: error }, 'uncaught exception'));
  process.on('unhandledRejection', (error) => service.error({ err: error }, 'unhandled rejection'));
  process.on('SIGUSR1', () => void proxy.reopenLogs().then(() => service.info({}, 'logs reopened')));
  process.on('SIGHUP', () => {
    service.warn({ config: config.file }, 'the config is not read anew: reload is not supported yet, restart instead');
  });
  const stopped = untilStopped(terminal, service, proxy);
  for (const { address, port } of proxy.addresses) service.info({ address, port }, 'listening');
  onStarted(proxy, config);
  return stopped;
}

/** Until SIGINT or SIGTERM; a second one ends what is in flight at once. */
function untilStopped(terminal: Terminal, service: ServiceLog, proxy: Served): Promise<ExitCode> {
  return new Promise((resolve) => {
    const heard: number[] = [];
    const stop = async (signal: NodeJS.Signals): Promise<void> => {
      const now = performance.now();
      if (now - (heard.at(-1) ?? Number.NEGATIVE_INFINITY) < ECHO) return;
      heard.push(now);
      const first = heard.length === 1;
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
    };
    process.on('SIGINT', (signal) => void stop(signal));
    process.on('SIGTERM', (signal) => void stop(signal));
  });
}
