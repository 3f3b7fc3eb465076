// The life of a worker: it is told what to serve, serves, and ends when it is told to, when the supervisor is gone, or
// after a fault. Called by cli/worker.

import { asProxyError } from '../core/errors.ts';
import { createServiceLog } from '../log/service-log.ts';
import { takeOver } from '../pki/handed-ca.ts';
import { GRACE, type RunningProxy, startProxy } from '../proxy.ts';
import { type FromWorker, isToWorker, type Start, type ToWorker } from './messages.ts';

/** Milliseconds that what is in flight has after a fault, of which nobody knows what else it has spoilt. */
const BRIEF = 5_000;
/** Milliseconds between two beats: several in what the supervisor takes for silence. */
const BEAT = 1_000;

export type WorkerEnd = 'told' | 'failed';

/** Resolves when it has ended; undefined: nobody is there to tell it anything. */
export async function work(): Promise<WorkerEnd | undefined> {
  if (process.send === undefined) return undefined;
  // A terminal and many a service manager tell all processes of a group; what is to be done then, the supervisor says.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const end = await new Promise<WorkerEnd>((resolve) => {
    let proxy: Promise<RunningProxy | undefined> = Promise.resolve(undefined);
    const close = async (grace: number, how: WorkerEnd): Promise<void> => {
      await (await proxy)?.close(grace);
      resolve(how);
    };
    const start = async (order: Start): Promise<RunningProxy | undefined> => {
      try {
        const running = await startPart(order, () => void close(BRIEF, 'failed'));
        await say({ type: 'listening' });
        return running;
      } catch (thrown) {
        const { code, detail } = asProxyError(thrown);
        await say({ type: 'failed', code, detail });
        resolve('failed');
        return undefined;
      }
    };
    const obey = async (order: ToWorker): Promise<void> => {
      switch (order.type) {
        case 'start':
          proxy = start(order);
          return;
        case 'renew-tickets':
          return (await proxy)?.renewTickets(order.ticketMaster);
        case 'reopen-logs':
          await (await proxy)?.reopenLogs();
          return say({ type: 'logs-reopened' });
        case 'stop-accepting':
          return say({ type: 'stopped-accepting', connections: (await (await proxy)?.stopAccepting()) ?? 0 });
        case 'close':
          return close(order.grace, 'told');
      }
    };
    process.on('message', (message: unknown) => {
      if (isToWorker(message)) void obey(message);
    });
    process.once('disconnect', () => void close(GRACE, 'told'));
    void say({ type: 'ready' });
    void beat();
    // It may have died while we came up.
    if (!process.connected) resolve('told');
  });
  if (process.connected) process.disconnect?.();
  return end;
}

/** `onFault` is called when the process is not to be trusted any longer. */
async function startPart(start: Start, onFault: () => void): Promise<RunningProxy> {
  const { worker, workers, config, ticketMaster } = start;
  const service = createServiceLog(config.log.service, undefined, { worker });
  const ca = takeOver(start.ca, config.ca.cert);
  const proxy = await startProxy(config, service, { ca, workers, ticketMaster });
  process.on('uncaughtException', (error) => {
    service.error({ err: error }, 'uncaught exception');
    void proxy.stopAccepting().then(() => say({ type: 'leaving' }));
    onFault();
  });
  // It cost the one promise that nobody waited for.
  process.on('unhandledRejection', (error) => service.error({ err: error }, 'unhandled rejection'));
  return proxy;
}

/** As long as somebody hears it. The next one waits until this one is out, so that none pile up. */
async function beat(): Promise<void> {
  await say({ type: 'beat' });
  if (process.connected) setTimeout(() => void beat(), BEAT).unref();
}

/** Resolves when it is on its way, or nobody hears it. */
function say(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}
