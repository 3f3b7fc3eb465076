// Facts about one client connection and the tunnel opened on it: no sockets, nothing that can leak.

import { randomBytes } from 'node:crypto';
import type { Authority } from './authority.ts';
import type { Denial, Permit } from './decision.ts';
import type { ProxyError } from './errors.ts';
import type { Identity } from './identity.ts';
import { Memo } from './memo.ts';
import type { Seat } from './roster.ts';

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
  /** When it was accepted, by the monotonic clock in milliseconds. */
  readonly begin: number;
  /** Set when the client speaks TLS to the proxy itself. */
  proxyTls?: TlsFacts;
  /** Whom the certificate names that the client has shown to the proxy itself, once that is verified. */
  certificateUser?: string;
  /** Where it has come in; only where a log format asks for it. */
  local?: Endpoint;
  /** The names in that certificate; likewise. */
  names?: { readonly subject: string; readonly issuer: string };
}

/** What is answered inside a bumped tunnel in place of the origin. */
export type Instead =
  | { readonly kind: 'own' }
  | { readonly kind: 'denied'; readonly denial: Denial }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** A CONNECT as it came; names and values of its fields in turn. */
export interface ConnectHead {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

/** The inside of one CONNECT. */
export interface Tunnel {
  readonly id: string;
  readonly authority: Authority;
  /** The decision on the CONNECT; a denial at the hello takes its place. */
  decision: Permit | Denial;
  /** When the CONNECT came, by the monotonic clock in milliseconds. */
  readonly begin: number;
  sni?: string;
  /** The Via fields of the CONNECT, for the CONNECT to a parent: by them a loop is seen. */
  vias?: readonly string[];
  /** There was no CONNECT: a firewall has turned the connection around to us. */
  intercepted?: boolean;
  clientTls?: TlsFacts;
  /** What the client has offered, as code points of RFC 8446 section 4.2.1; only where a log format asks for it. */
  versions?: readonly number[];
  /** What the client has sent; only where a log format asks for it. */
  head?: ConnectHead;
  /** Address of the client, once it passes unread: a reload may have to decide on it anew. */
  client?: string;
  /** Who sent the CONNECT, and with it all that comes inside. */
  identity?: Identity;
  /** The client was told that it is open. */
  answered?: boolean;
  /** Among those whose CONNECT has no line in the access log yet. */
  untold?: Seat;
  /** Its CONNECT has its line in the access log. */
  logged?: boolean;
  /** Absent when each request goes to the origin. */
  instead?: Instead;
}

const prefix = randomBytes(6).toString('base64url');
let counter = 0;

/** A short id that sorts by birth within a process, as text too: seven digits are good for 78 thousand million. */
export function nextId(): string {
  counter += 1;
  return `${prefix}-${counter.toString(36).padStart(7, '0')}`;
}

export function beginSession(client: Endpoint): Session {
  return { id: nextId(), client, begin: performance.now() };
}

export function beginTunnel(authority: Authority, decision: Permit | Denial, begin: number): Tunnel {
  return { id: nextId(), authority, decision, begin };
}

/** As many clients as come again. */
const addresses = new Memo<string>(1_024);

/**
 * An address as it is compared and logged: IPv4 that came in over a dual-stack socket loses its `::ffff:`. Of a client that
 * comes again it is the same string, which V8 need not look up anew for each count that is kept by it.
 */
export function plainAddress(address = ''): string {
  const known = addresses.get(address);
  if (known !== undefined) return known;
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  addresses.set(address, plain);
  return plain;
}
