// The life of a worker: it is told what to serve, serves, and ends when it is told to, when the supervisor is gone, or
// after a fault. Called by cli/worker.

import { asProxyError } from '../core/errors.ts';
import { EMPTY_LISTING } from '../flow/listing.ts';
import { IDLE } from '../log/activity.ts';
import { createServiceLog } from '../log/service-log.ts';
import { NO_MEASURES } from '../metrics/measures.ts';
import { takeOver } from '../pki/handed-ca.ts';
import { GRACE, type RunningProxy, startProxy } from '../proxy.ts';
import { AskedReports } from './asked-reports.ts';
import { type FromWorker, isToWorker, type Prepare, type Start, type ToWorker } from './messages.ts';
import { Offers } from './offers.ts';

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
    let grace = GRACE;
    const close = async (grace: number, how: WorkerEnd): Promise<void> => {
      const running = await proxy;
      await running?.close(grace);
      // What it has counted since it was last asked would be lost with it.
      await sayMeasures(running);
      resolve(how);
    };
    const reports = new AskedReports((id, name) => say({ type: 'ask-report', id, name }));
    const start = async (order: Start): Promise<RunningProxy | undefined> => {
      try {
        const running = await startPart(order, reports, () => void close(BRIEF, 'failed'));
        await say({ type: 'listening' });
        return running;
      } catch (thrown) {
        const { code, detail } = asProxyError(thrown);
        await say({ type: 'failed', code, detail });
        resolve('failed');
        return undefined;
      }
    };
    const offers = new Offers();
    const prepare = async ({ offer, config, ca, workers }: Prepare): Promise<void> => {
      try {
        const source = { config, ca: takeOver(ca, config.ca.cert), workers };
        await offers.prepare(offer, async () => (await proxy)?.prepare(source));
        grace = config.limits.drainTimeout;
        return say({ type: 'prepared', offer });
      } catch (thrown) {
        const { code, detail } = asProxyError(thrown);
        return say({ type: 'refused', offer, code, detail });
      }
    };
    const obey = async (order: ToWorker): Promise<void> => {
      switch (order.type) {
        case 'start':
          grace = order.config.limits.drainTimeout;
          proxy = start(order);
          return;
        case 'prepare':
          return prepare(order);
        case 'commit':
          await offers.commit(order.offer);
          return say({ type: 'committed', offer: order.offer });
        case 'abandon':
          await offers.abandon(order.offer);
          return say({ type: 'abandoned', offer: order.offer });
        case 'renew-tickets':
          return (await proxy)?.renewTickets(order.ticketMaster);
        case 'reopen-logs':
          return say({ type: 'logs-reopened', ...(await reopenLogs(await proxy)) });
        case 'count':
          return say({ type: 'counted', connections: (await (await proxy)?.count()) ?? 0 });
        case 'measure':
          return sayMeasures(await proxy);
        case 'list': {
          const listing = (await proxy)?.list(order.parts) ?? EMPTY_LISTING;
          return say({ type: 'listed', listing });
        }
        case 'report':
          return reports.answer(order.id, order.text);
        case 'activity':
          return say({ type: 'active', activity: (await (await proxy)?.activity()) ?? IDLE });
        case 'stop-accepting':
          return say({ type: 'stopped-accepting', connections: (await (await proxy)?.stopAccepting()) ?? 0 });
        case 'close':
          return close(order.grace, 'told');
      }
    };
    process.on('message', (message: unknown) => {
      if (isToWorker(message)) void obey(message);
    });
    process.once('disconnect', () => void close(grace, 'told'));
    void say({ type: 'ready' });
    void beat();
    // It may have died while we came up.
    if (!process.connected) resolve('told');
  });
  if (process.connected) process.disconnect?.();
  return end;
}

/** `onFault` is called when the process is not to be trusted any longer. */
async function startPart(start: Start, reports: AskedReports, onFault: () => void): Promise<RunningProxy> {
  const { worker, workers, config, ticketMaster, given, admin, later } = start;
  const service = createServiceLog(config.log.service, undefined, { worker });
  const ca = takeOver(start.ca, config.ca.cert);
  const report = (name: string): Promise<string | undefined> => reports.ask(name);
  const part = { ca, workers, ticketMaster, report, later };
  const proxy = await startProxy(config, service, { part, given, admin });
  void proxy.fatal?.then(({ code, detail }) => say({ type: 'fatal', code, detail }));
  process.on('uncaughtException', (error) => {
    service.error({ err: error }, 'uncaught exception');
    void proxy.stopAccepting().then(() => say({ type: 'leaving' }));
    onFault();
  });
  // It cost the one promise that nobody waited for.
  process.on('unhandledRejection', (error) => service.error({ err: error }, 'unhandled rejection'));
  return proxy;
}

async function reopenLogs(proxy: RunningProxy | undefined): Promise<{ failure?: string }> {
  try {
    await proxy?.reopenLogs();
    return {};
  } catch (thrown) {
    return { failure: asProxyError(thrown).detail };
  }
}

async function sayMeasures(proxy: RunningProxy | undefined): Promise<void> {
  // Nobody would ever say that it is out.
  if (process.connected) await say({ type: 'measured', measures: proxy?.measure() ?? NO_MEASURES });
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
