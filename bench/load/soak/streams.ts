// What a soak is made of: each stream has a client process of its own and goes at a fixed rate, together about half of
// what one core carries, so that the proxy keeps up on a machine that does other things as well.

export interface Stream {
  readonly name: string;
  /** One of the load bench's. */
  readonly workload: string;
  /** Operations per second. */
  readonly rate: number;
  readonly connections: number;
}

export const STREAMS: readonly Stream[] = [
  { name: 'new hosts, bumped', workload: 'bump-full-new-get1', rate: 15, connections: 4 },
  { name: 'known host, bumped, full handshake', workload: 'bump-full-known-get1', rate: 10, connections: 4 },
  { name: 'GETs on bumped connections that are kept', workload: 'bump-keepalive-get1k', rate: 100, connections: 32 },
  { name: 'spliced', workload: 'splice-full-get1', rate: 15, connections: 4 },
  { name: 'refused CONNECTs', workload: 'refuse-connect', rate: 50, connections: 4 },
];
