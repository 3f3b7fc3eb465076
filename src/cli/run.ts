// `sallyport run`: starts the proxy and keeps it until it is told to stop. `up` is this with a card.

import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { createServiceLog } from '../log/service-log.ts';
import { type RunningProxy, startProxy } from '../proxy.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds that what is in flight has to finish after the first signal: as long as Squid gives. */
const GRACE = 30_000;

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
  onStarted: (proxy: RunningProxy, config: Config) => void,
): Promise<ExitCode> {
  const config = await loadConfig(file);
  const service = createServiceLog(config.log.service);
  // A fault must cost one connection, not all of them: the stack is kept, the process goes on.
  process.on('uncaughtException', (error) => service.error({ err: error }, 'uncaught exception'));
  process.on('unhandledRejection', (error) => service.error({ err: error }, 'unhandled rejection'));
  const proxy = await startProxy(config, service);
  for (const { address, port } of proxy.addresses) service.info({ address, port }, 'listening');
  onStarted(proxy, config);
  process.on('SIGUSR1', () => {
    proxy.reopenLogs();
    service.info({}, 'logs reopened');
  });
  return stopped(terminal, proxy);
}

/** Until SIGINT or SIGTERM; a second one ends what is in flight at once. */
function stopped(terminal: Terminal, proxy: RunningProxy): Promise<ExitCode> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) {
        terminal.err('Stopping at once.\n');
        void proxy.close(0).then(() => resolve(EXIT.ok));
        return;
      }
      asked = true;
      const open = proxy.connections;
      terminal.err(open > 0 ? `Stopping: ${open} connections have ${GRACE / 1000} s to finish.\n` : 'Stopping.\n');
      void proxy.close(GRACE).then(() => resolve(EXIT.ok));
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}
