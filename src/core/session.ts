// Facts about one client connection and the tunnel opened on it: no sockets, nothing that can leak.

import { randomBytes } from 'node:crypto';
import type { Authority } from './authority.ts';
import type { Permit } from './decision.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What was negotiated on one side of the proxy. */
export interface TlsFacts {
  /** As OpenSSL names it: `TLSv1.3`. */
  readonly version: string;
  readonly cipher: string;
}

export interface Session {
  /** Unique in this process and, by its random prefix, across processes. */
  readonly id: string;
  readonly client: Endpoint;
  /** Our own end: the address the client came to. */
  readonly local: Endpoint;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Set when the client speaks TLS to the proxy itself. */
  proxyTls?: TlsFacts;
}

/** The inside of one CONNECT. */
export interface Tunnel {
  readonly id: string;
  readonly authority: Authority;
  /** The decision that opened it. */
  readonly permit: Permit;
  readonly startedAt: number;
  sni?: string;
  clientTls?: TlsFacts;
  upstreamTls?: TlsFacts;
  /** Address the origin was dialled at. */
  peer?: string;
}

const prefix = randomBytes(6).toString('base64url');
let counter = 0;

/** A short id that sorts by birth within a process. */
export function nextId(): string {
  counter += 1;
  return `${prefix}-${counter.toString(36)}`;
}

export function beginSession(client: Endpoint, local: Endpoint): Session {
  return { id: nextId(), client, local, startedAt: Date.now() };
}

export function beginTunnel(authority: Authority, permit: Permit, startedAt: number): Tunnel {
  return { id: nextId(), authority, permit, startedAt };
}

/** An address as it is compared and logged: IPv4 that came in over a dual-stack socket loses its `::ffff:`. */
export function plainAddress(address: string | undefined): string {
  return address?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '') ?? '';
}
