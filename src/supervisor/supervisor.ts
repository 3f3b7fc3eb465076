// The process above the workers: it opens what they share, starts them and keeps them, and holds no data of any client.
// Called by cli/ where there is more than one worker.
//
// Each worker has a copy of the CA key. One holder who signs for all would make the key no safer, since a worker that is
// taken over could ask it for any signature; and a signature takes about as long as the question would (0.1 ms), with a
// queue before it.

import { availableParallelism } from 'node:os';
import { Overview } from '../admin/overview.ts';
import type { Config } from '../config/config.ts';
import type { ServiceLog } from '../log/service-log.ts';
import { askedOf, type GivenFds } from '../net/given-sockets.ts';
import { Listener } from '../net/listener.ts';
import { openCertificateAuthority, reopenCertificateAuthority } from '../pki/certificate-authority.ts';
import { handOver } from '../pki/handed-ca.ts';
import type { Served, StartOptions } from '../proxy.ts';
import { Crew } from './crew.ts';

/** How many processes carry traffic. Only Linux is known to deal the connections of one port out among several. */
export function workersOf({ workers }: Pick<Config, 'workers'>, platform = process.platform): number {
  if (workers !== 'auto') return workers;
  return platform === 'linux' ? availableParallelism() : 1;
}

export interface SupervisedOptions extends Pick<StartOptions, 'given' | 'beside' | 'admin'> {
  /** Aborted when the start is not wanted any more. */
  readonly abandoned?: AbortSignal;
}

/**
 * Throws ProxyError as startProxy does, whichever process found it, and the reason of `abandoned` when that is aborted
 * before all workers listen. Then nothing is left open, nor running.
 */
export async function startSupervised(
  config: Config,
  service: ServiceLog,
  workers: number,
  options: SupervisedOptions = {},
): Promise<Served> {
  const { abandoned = new AbortController().signal, given = new Map(), beside = false } = options;
  const { admin = config.admin.listen } = options;
  const { ca, created, warnings } = await openCertificateAuthority(config.ca);
  for (const warning of warnings) service.warn({}, warning);
  const { addresses, listen } = await findPorts(config, { beside, given });
  abandoned.throwIfAborted();
  let seen: Overview | undefined;
  const report = async (name: string): Promise<string | undefined> => seen?.report(name);
  const first = { workers, config: { ...config, listen }, ca: handOver(ca) };
  const crew = await Crew.start({ ...first, service, abandoned, given, report, admin });
  let inUse = { ca, addresses, asked: config.listen };
  let draining = false;
  const overview = new Overview({
    measures: () => crew.collector.measures(),
    list: (parts) => crew.collector.list(parts),
    workers: () => crew.places,
    port: () => inUse.addresses[0]?.port ?? 0,
    ca: () => inUse.ca,
    draining: () => draining,
  });
  seen = overview;
  return {
    get addresses() {
      return inUse.addresses;
    },
    get ca() {
      return inUse.ca;
    },
    caCreated: created,
    overview,
    fatal: crew.fatal,
    count: () => crew.count(),
    activity: () => crew.activity(),
    reload: async (next) => {
      const opened = await reopenCertificateAuthority(next.ca);
      for (const warning of opened.warnings) service.warn({}, warning);
      const ports = await findPorts(next, { open: inUse, given });
      const workers = workersOf(next);
      const config = { ...next, listen: ports.listen };
      await crew.reload({ workers, config, ca: handOver(opened.ca) }, next.limits.drainTimeout);
      inUse = { ca: opened.ca, addresses: ports.addresses, asked: next.listen };
    },
    reopenLogs: () => crew.reopenLogs(),
    stopAccepting: () => {
      draining = true;
      return crew.stopAccepting();
    },
    close: async (grace) => {
      draining = true;
      await crew.close(grace);
      overview.end();
    },
  };
}

interface Ports {
  /** As the config has them, and as they are. */
  readonly asked: Config['listen'];
  readonly addresses: Served['addresses'];
}

/**
 * Opens the ports that are not `open` yet, alone and for a moment. What workers open together would let the workers of another proxy in as well, and
 * two proxies on one port would both go unnoticed; and where the system may choose the port, all must have the same.
 */
async function findPorts(
  { listen }: Config,
  { open = { asked: [], addresses: [] }, given, beside = false }: { open?: Ports; given: GivenFds; beside?: boolean },
): Promise<Pick<Served, 'addresses'> & Pick<Config, 'listen'>> {
  const left = open.asked.map((asked, index) => ({ asked, there: open.addresses[index] }));
  const known = listen.map((one) => {
    const at = left.findIndex(({ asked }) => askedOf(asked) === askedOf(one));
    if (at >= 0) return left.splice(at, 1)[0]?.there;
    const { address, port } = one;
    // Another has it, or has opened it for us.
    return given.has(askedOf(one)) || (beside && port !== 0) ? { address, port } : undefined;
  });
  const added = listen.filter((_, index) => known[index] === undefined);
  const listener = await Listener.open(added, (socket) => socket.destroy());
  listener.stop();
  const found = [...listener.addresses];
  const addresses = known.map((there) => there ?? found.shift()).flatMap((there) => (there ? [there] : []));
  return { addresses, listen: listen.map((one, index) => ({ ...one, port: addresses[index]?.port ?? one.port })) };
}
