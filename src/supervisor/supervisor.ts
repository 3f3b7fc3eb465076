// The process above the workers: it opens what they share, starts them and keeps them, and holds no data of any client.
// Called by cli/ where there is more than one worker.
//
// Each worker has a copy of the CA key. One holder who signs for all would make the key no safer, since a worker that is
// taken over could ask it for any signature; and a signature takes about as long as the question would (0.1 ms), with a
// queue before it.

import { availableParallelism } from 'node:os';
import type { Config } from '../config/config.ts';
import type { ServiceLog } from '../log/service-log.ts';
import { Listener } from '../net/listener.ts';
import { openCertificateAuthority } from '../pki/certificate-authority.ts';
import { handOver } from '../pki/handed-ca.ts';
import type { Served } from '../proxy.ts';
import { Crew } from './crew.ts';

/** How many processes carry traffic. Only Linux is known to deal the connections of one port out among several. */
export function workersOf({ workers }: Pick<Config, 'workers'>, platform = process.platform): number {
  if (workers !== 'auto') return workers;
  return platform === 'linux' ? availableParallelism() : 1;
}

/**
 * Throws ProxyError as startProxy does, whichever process found it, and the reason of `abandoned` when that is aborted
 * before all workers listen. Then nothing is left open, nor running.
 */
export async function startSupervised(
  config: Config,
  service: ServiceLog,
  workers: number,
  abandoned = new AbortController().signal,
): Promise<Served> {
  const { ca, created, warnings } = await openCertificateAuthority(config.ca);
  for (const warning of warnings) service.warn({}, warning);
  const { addresses, listen } = await findPorts(config);
  abandoned.throwIfAborted();
  const crew = await Crew.start({ workers, config: { ...config, listen }, ca: handOver(ca), service, abandoned });
  return {
    addresses,
    ca,
    caCreated: created,
    reopenLogs: () => crew.reopenLogs(),
    stopAccepting: () => crew.stopAccepting(),
    close: (grace) => crew.close(grace),
  };
}

/**
 * Opens the ports alone for a moment. What workers open together would let the workers of another proxy in as well, and
 * two proxies on one port would both go unnoticed; and where the system may choose the port, all must have the same.
 */
async function findPorts({ listen }: Config): Promise<Pick<Served, 'addresses'> & Pick<Config, 'listen'>> {
  const listener = await Listener.open(listen, (socket) => socket.destroy());
  listener.stop();
  const { addresses } = listener;
  return { addresses, listen: listen.map((one, index) => ({ ...one, port: addresses[index]?.port ?? one.port })) };
}
