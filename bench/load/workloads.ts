// What is measured. A name holds every variable: how the proxy treats the connection, what the client does, which host,
// how many GETs of which size on it.

export type Way = 'bump' | 'splice' | 'plain' | 'refuse';

/** What one operation is. `connection`: connect, tunnel, handshake, one GET, close. `request`: one more GET. `stream`: likewise by HTTP/2. */
export type Operation = 'connection' | 'request' | 'stream' | 'download' | 'refusal';

/**
 * How the figure is read: less is better but for `MB/s` and `requests/s`, megabytes and requests per second of CPU. `times`:
 * the p99 of latency beside a bulk stream, against that without it.
 */
export type Unit = 'ms' | 'MB/s' | 'requests/s' | 'KB' | 'times';

export interface Workload {
  readonly name: string;
  readonly says: string;
  readonly way: Way;
  readonly operation: Operation;
  /** `new`: a host name never seen before for each operation. */
  readonly host: 'known' | 'new';
  readonly resumed: boolean;
  readonly unit: Unit;
  /** What the figure is to be held to. */
  readonly goal: number;
  /** Connections at once. For an idle workload: how many are held. */
  readonly connections: number;
  /** Of these, how many are streams of one connection. */
  readonly streams?: number;
  /** Operations per second of the latency run, the same for every proxy: half of what Squid can do, or less. */
  readonly rate?: number;
  /** Throughput is also measured against the number of connections. */
  readonly sweep?: true;
}

const BUMP = { way: 'bump', host: 'known', resumed: false, unit: 'ms' } as const;

export const WORKLOADS: readonly Workload[] = [
  {
    ...BUMP,
    name: 'bump-full-known-get1',
    says: 'CONNECT, full handshake, one GET of 1 KB, close; a host known to the proxy',
    operation: 'connection',
    goal: 0.75,
    connections: 8,
    rate: 80,
    sweep: true,
  },
  {
    ...BUMP,
    name: 'bump-resumed-known-get1',
    says: 'the same, the client offers the ticket of its first connection',
    operation: 'connection',
    resumed: true,
    goal: 0.6,
    connections: 8,
    rate: 80,
  },
  {
    ...BUMP,
    name: 'bump-full-new-get1',
    says: 'the same, each time a host never seen before: DNS, dial, verify, mint',
    operation: 'connection',
    host: 'new',
    goal: 2,
    connections: 8,
    rate: 50,
  },
  {
    ...BUMP,
    name: 'bump-keepalive-get1k',
    says: 'one more GET of 1 KB on a bumped connection',
    operation: 'request',
    goal: 0.085,
    connections: 16,
    rate: 500,
    sweep: true,
  },
  {
    ...BUMP,
    name: 'h2-get1k-1-stream',
    says: 'one more GET of 1 KB on a bumped connection of HTTP/2, to an origin of HTTP/2, one stream at a time',
    operation: 'stream',
    unit: 'requests/s',
    goal: 3300,
    connections: 16,
    streams: 1,
    rate: 500,
  },
  {
    ...BUMP,
    name: 'h2-get1k-100-streams',
    says: 'the same, a hundred streams at a time on one connection',
    operation: 'stream',
    unit: 'requests/s',
    goal: 4000,
    connections: 100,
    streams: 100,
    rate: 500,
  },
  {
    ...BUMP,
    name: 'h2-beside-bulk',
    says: 'p99 of a GET of 1 KB while 64 MB after 64 MB come on another stream of the same connection, against p99 without',
    operation: 'stream',
    unit: 'times',
    goal: 5,
    connections: 20,
    streams: 20,
    rate: 200,
  },
  {
    ...BUMP,
    name: 'plain-keepalive-get1k',
    says: 'one more plain http:// GET of 1 KB on a connection',
    way: 'plain',
    operation: 'request',
    goal: 0.08,
    connections: 16,
    rate: 500,
  },
  {
    ...BUMP,
    name: 'splice-full-get1',
    says: 'CONNECT spliced, full handshake with the origin, one GET of 1 KB, close',
    way: 'splice',
    operation: 'connection',
    goal: 0.37,
    connections: 8,
    rate: 120,
  },
  {
    ...BUMP,
    name: 'bump-bytes-down',
    says: 'replies of 64 MB through a bump, one connection',
    operation: 'download',
    unit: 'MB/s',
    goal: 450,
    connections: 1,
  },
  {
    ...BUMP,
    name: 'splice-bytes-down',
    says: 'replies of 64 MB through a splice, one connection',
    way: 'splice',
    operation: 'download',
    unit: 'MB/s',
    goal: 1560,
    connections: 1,
  },
  {
    ...BUMP,
    name: 'refuse-connect',
    says: 'a CONNECT that no rule allows, on a connection of its own',
    way: 'refuse',
    operation: 'refusal',
    goal: 0.07,
    connections: 8,
    rate: 500,
  },
  {
    ...BUMP,
    name: 'idle-bump-memory',
    says: 'memory for each idle bumped connection that has had one GET; each proxy shares connections to the origin as it does',
    operation: 'request',
    unit: 'KB',
    goal: 30,
    connections: 1000,
  },
];

/** How many connections those at once are on. */
export function connectionsOf({ connections, streams = 1 }: Workload): number {
  return Math.ceil(connections / streams);
}

/** Of a rate, the goal is the least that is good enough. */
export function isMoreBetter({ unit }: Workload): boolean {
  return unit === 'MB/s' || unit === 'requests/s';
}

/** Throws where no workload has this name. */
export function workloadOf(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (!found) throw new Error(`no workload is called ${name}`);
  return found;
}
