// What is going on in this process now, row by row, for who asks on the manager port of Squid: plain data that travels
// between processes. Called by proxy.ts; admin/ prints it.

import { formatAuthority } from '../core/authority.ts';
import { plainAddress } from '../core/session.ts';
import type { Connection } from '../http/connection.ts';
import { loggedUrl } from '../log/logged-url.ts';
import { type ClientCounts, joinClients } from '../metrics/client-tally.ts';
import { type OpenFile, openFiles } from '../metrics/open-files.ts';
import { clientKey } from '../net/client-key.ts';
import type { KnownName } from '../net/resolver.ts';
import type { Services } from './services.ts';

/** Something under way. */
export interface ActiveRequest {
  readonly id: string;
  /** `address:port` of the client, and of us as it came; of a tunnel the address alone, and nothing. */
  readonly client: string;
  readonly local: string;
  readonly method: string;
  /** Without user and query, as the log has it. */
  readonly url: string;
  readonly user: string | undefined;
  /** When it began, milliseconds since the epoch, and how long ago that is. */
  readonly begin: number;
  readonly age: number;
  /** Bytes of its connection so far: of all requests on it, and as they are on the wire; of a tunnel those within. */
  readonly received: number;
  readonly sent: number;
  /** Requests on its connection so far. */
  readonly requests: number;
}

export interface Listing {
  readonly requests: readonly ActiveRequest[];
  readonly clients: readonly ClientCounts[];
  readonly names: readonly KnownName[];
  readonly files: readonly OpenFile[];
}

export type ListingPart = keyof Listing;

export const EMPTY_LISTING: Listing = { requests: [], clients: [], names: [], files: [] };

/** Rows of one kind from one process: more are no reading matter, and the answer has to fit into memory. */
const MOST_ROWS = 2_000;

/** The rows of these kinds; the others are left empty. */
export function listing(services: Services, parts: readonly ListingPart[]): Listing {
  return {
    requests: parts.includes('requests') ? activeRequests(services) : [],
    clients: parts.includes('clients')
      ? services.tally.clients.read(MOST_ROWS, (client) => services.places.of(clientKey(client)))
      : [],
    names: parts.includes('names') ? services.upstream.resolver.names(MOST_ROWS) : [],
    files: parts.includes('files') ? openFiles(MOST_ROWS) : [],
  };
}

export function joinListings(all: readonly Listing[]): Listing {
  return {
    requests: all.flatMap(({ requests }) => requests),
    clients: joinClients(all.map(({ clients }) => clients)),
    names: all.flatMap(({ names }) => names),
    files: all.flatMap(({ files }) => files),
  };
}

function activeRequests({ underWay, tunnels }: Services): ActiveRequest[] {
  const now = performance.now();
  const rows: ActiveRequest[] = [];
  for (const { connection, request, id, begin, identity } of underWay) {
    if (rows.length >= MOST_ROWS) break;
    const { tunnel } = connection;
    const url =
      tunnel && request.url.startsWith('/')
        ? `https://${formatAuthority(tunnel.authority, 443)}${request.url}`
        : request.url;
    rows.push({
      ...rowOf(connection, now, begin),
      id,
      method: request.method,
      url: loggedUrl(url),
      user: identity?.user,
    });
  }
  for (const { socket, subject } of tunnels.spliced) {
    if (rows.length >= MOST_ROWS) break;
    const { id, authority, begin, identity, client = '' } = subject;
    const { bytesRead: sent, bytesWritten: received } = socket;
    const base = { ...timesOf(begin, now), id, client, local: '', received, sent, requests: 1 };
    rows.push({ ...base, method: 'CONNECT', url: formatAuthority(authority), user: identity?.user });
  }
  return rows;
}

function rowOf({ session, socket, carrier, exchanges }: Connection, now: number, begin: number) {
  const { localAddress, localPort, bytesRead, bytesWritten } = carrier ?? socket;
  const { address, port } = session.client;
  return {
    client: endpoint(address, port),
    local: endpoint(plainAddress(localAddress), localPort ?? 0),
    ...timesOf(begin, now),
    received: bytesRead,
    sent: bytesWritten,
    requests: exchanges,
  };
}

/** Both by the monotonic clock. */
function timesOf(begin: number, now: number): { begin: number; age: number } {
  return { begin: Date.now() - (now - begin), age: Math.max(0, now - begin) };
}

function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
