// What the client is to do for a workload against one proxy.

import { readFileSync } from 'node:fs';
import type { Plan } from './client/job.ts';
import { DOMAIN, type Ground, HOSTS } from './ground.ts';
import type { RunningPeer } from './peers/peer.ts';
import type { Workload } from './workloads.ts';

/** What the bulk is. */
export const BULK = '/bulk';

export function planOf(workload: Workload, peer: RunningPeer, ground: Ground, connections: number): Plan {
  const { way, operation, resumed } = workload;
  const { origin, certificates } = ground;
  return {
    operation,
    resumed,
    connections,
    streams: workload.streams ?? 1,
    entry: way === 'plain' ? 'absolute' : peer.reverse ? 'tls' : 'connect',
    proxyPort: peer.portFor(workload),
    originPort: way === 'plain' ? origin.plainPort : operation === 'stream' ? origin.h2Port : origin.tlsPort,
    host: workload.host === 'new' ? { newBelow: DOMAIN } : HOSTS[way],
    path: operation === 'download' ? BULK : '/1k',
    trust: readFileSync(way === 'splice' ? certificates.root : peer.ca, 'utf8'),
  };
}
