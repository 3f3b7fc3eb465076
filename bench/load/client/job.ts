// What the bench tells its client process, and what that answers. Both sides of the pipe import it.

import type { Operation } from '../workloads.ts';

/** How the client comes in: by CONNECT, by TLS to the port itself (a reverse proxy), or with absolute http:// URLs. */
export type Entry = 'connect' | 'tls' | 'absolute';

export interface Plan {
  readonly operation: Operation;
  readonly entry: Entry;
  /** Port of the proxy on loopback. */
  readonly proxyPort: number;
  readonly originPort: number;
  /** The host; or the domain below which each operation takes a name never used before. */
  readonly host: string | { readonly newBelow: string };
  readonly path: string;
  /** PEM of the CA that the client trusts. */
  readonly trust: string;
  readonly resumed: boolean;
  /** Workers; with streams, that many share a connection. */
  readonly connections: number;
  readonly streams: number;
}

export interface Pace {
  readonly milliseconds: number;
  readonly maxOperations: number;
  /** Operations per second, each started when it is due whatever became of those before; none: as fast as they end. */
  readonly rate?: number;
  /**
   * With a rate: sleeps between operations, which leaves its core to the others. The timer is late by up to a millisecond
   * or two, for which it is not the proxy that is charged.
   */
  readonly sleeps?: boolean;
  /** A path that is fetched again and again meanwhile, on one more stream of the first connection. */
  readonly beside?: string;
}

export type Job = { readonly prepare: Plan } | { readonly run: Pace } | 'finish';

export interface Tally {
  readonly operations: number;
  readonly errors: number;
  readonly firstError: string | undefined;
  readonly milliseconds: number;
  /** Bytes of bodies. */
  readonly bytes: number;
  /** Of what was fetched beside, which is in no other count. */
  readonly bytesBeside: number;
  /** Handshakes, and how many of them resumed a session. */
  readonly handshakes: number;
  readonly resumed: number;
  /** Milliseconds of each operation, from when it was due. */
  readonly latencies: Float64Array;
}

export type Answer = { readonly done: Tally | true } | { readonly failed: string };
