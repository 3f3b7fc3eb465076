// What a line of access rules asks of a request, as far as one rule of ours can ask it: all keys must match, and of the
// values of a key one. The compiler cuts boxes with each other; yaml comes out of them in the end.

import {
  type Addresses,
  bothAddresses,
  EVERY_ADDRESS,
  hasAddresses,
  isNoAddress,
  otherAddresses,
} from './addresses.ts';
import { bothHosts, type Hosts, hasHosts, isEveryHost } from './hosts.ts';
import { bothRanges, hasRanges, otherRanges, type Ranges } from './ranges.ts';

/** A URL of one scheme, so that its port is known. */
export interface Url {
  readonly scheme: 'http' | 'https';
  readonly hosts: Hosts;
  readonly port: number;
  /** A path glob; empty: every path. */
  readonly path: string;
}

/** An absent key matches all. */
export interface Box {
  readonly clients?: Addresses;
  readonly ports?: Ranges;
  readonly hosts?: Hosts;
  /** Never beside `hosts` or `ports`, which are cut into it. */
  readonly urls?: readonly Url[];
  readonly methods?: readonly string[];
  /** `known`: anybody who is. */
  readonly users?: 'known' | readonly string[];
}

export const EVERYTHING: Box = {};
export const EVERY_PORT = { first: 1n, last: 65_535n } as const;

/** `unsayable`: there is such a set, and none of our rules can name it. */
export type Cut = Box | 'empty' | 'unsayable';

export function cut(a: Box, b: Box): Cut {
  const clients = a.clients && b.clients ? bothAddresses(a.clients, b.clients) : (a.clients ?? b.clients);
  const ports = a.ports && b.ports ? bothRanges(a.ports, b.ports) : (a.ports ?? b.ports);
  const methods = a.methods && b.methods ? common(a.methods, b.methods) : (a.methods ?? b.methods);
  const users = bothUsers(a.users, b.users);
  const hosts = a.hosts && b.hosts ? bothHosts(a.hosts, b.hosts) : (a.hosts ?? b.hosts);
  if (clients && isNoAddress(clients)) return 'empty';
  if (ports?.length === 0 || methods?.length === 0 || users?.length === 0 || hosts?.length === 0) return 'empty';
  if (a.hosts && b.hosts && !hosts) return 'unsayable';
  const urls = bothUrls(a.urls, b.urls);
  if (urls === 'unsayable') return urls;
  const rest = {
    ...(clients ? { clients } : {}),
    ...(methods ? { methods } : {}),
    ...(users ? { users } : {}),
  };
  if (!urls) return { ...rest, ...(ports ? { ports } : {}), ...(hosts ? { hosts } : {}) };
  const within = urlsWithin(urls, hosts, ports);
  if (within === 'unsayable') return within;
  return within.length === 0 ? 'empty' : { ...rest, urls: within };
}

const common = (a: readonly string[], b: readonly string[]): readonly string[] => a.filter((one) => b.includes(one));

function bothUsers(a: Box['users'], b: Box['users']): Box['users'] {
  if (!a || a === 'known') return b ?? a;
  return !b || b === 'known' ? a : common(a, b);
}

function urlsWithin(urls: readonly Url[], hosts: Hosts | undefined, ports: Ranges | undefined) {
  const within: Url[] = [];
  for (const url of urls) {
    if (ports && !ports.some(({ first, last }) => first <= BigInt(url.port) && BigInt(url.port) <= last)) continue;
    const both = hosts ? bothHosts(url.hosts, hosts) : url.hosts;
    if (!both) return 'unsayable';
    if (both.length > 0) within.push({ ...url, hosts: both });
  }
  return within;
}

function bothUrls(a: Box['urls'], b: Box['urls']): Box['urls'] | 'unsayable' {
  if (!a || !b) return a ?? b;
  const out: Url[] = [];
  for (const one of a) {
    for (const other of b) {
      if (one.scheme !== other.scheme || one.port !== other.port) continue;
      const hosts = bothHosts(one.hosts, other.hosts);
      if (!hosts) return 'unsayable';
      if (hosts.length === 0) continue;
      const path = one.path === other.path || other.path === '' ? one.path : one.path === '' ? other.path : undefined;
      if (path === undefined) return 'unsayable';
      out.push({ ...one, hosts, path });
    }
  }
  return out;
}

/** The boxes that are all but this one, where our rules can say that: of clients and of ports. */
export function allBut(box: Box): readonly Box[] | undefined {
  const { clients, ports, ...others } = box;
  if (Object.keys(others).length > 0 || (clients && ports)) return undefined;
  if (clients) {
    const rest = otherAddresses(clients);
    return isNoAddress(rest) ? [] : [{ clients: rest }];
  }
  const rest = ports ? otherRanges(ports, EVERY_PORT) : [];
  return rest.length === 0 ? [] : [{ ports: rest }];
}

/** Whether all of `inner` is in `outer`; false when it cannot be told. */
export function covers(outer: Box, inner: Box): boolean {
  if (outer.clients && !(inner.clients && hasAddresses(outer.clients, inner.clients))) return false;
  if (outer.methods && !inner.methods?.every((one) => outer.methods?.includes(one))) return false;
  if (outer.users && !coversUsers(outer.users, inner.users)) return false;
  if (outer.urls) return inner.urls?.every((url) => isInUrls(url, outer.urls ?? [])) ?? false;
  if (inner.urls) return inner.urls.every((url) => isInPlace(url, outer));
  if (outer.ports && !(inner.ports && hasRanges(outer.ports, inner.ports))) return false;
  return !outer.hosts || (inner.hosts !== undefined && hasHosts(outer.hosts, inner.hosts));
}

function coversUsers(outer: NonNullable<Box['users']>, inner: Box['users']): boolean {
  if (!inner) return false;
  return outer === 'known' || (inner !== 'known' && inner.every((one) => outer.includes(one)));
}

function isInUrls(url: Url, urls: readonly Url[]): boolean {
  return urls.some(
    ({ scheme, hosts, port, path }) =>
      scheme === url.scheme && port === url.port && (path === '' || path === url.path) && hasHosts(hosts, url.hosts),
  );
}

function isInPlace({ hosts, port }: Url, outer: Box): boolean {
  const own = BigInt(port);
  return (
    (!outer.ports || outer.ports.some(({ first, last }) => first <= own && own <= last)) &&
    (!outer.hosts || hasHosts(outer.hosts, hosts))
  );
}

/** The same text for the same boxes. */
export const spellBoxes = (boxes: readonly Box[]): string =>
  JSON.stringify(boxes, (key, value: unknown) => {
    if (key === 'labels') return undefined;
    return typeof value === 'bigint' ? String(value) : value;
  });

/** The same box without keys that say nothing. */
export function tidy(box: Box): Box {
  const { clients, ports, hosts, ...rest } = box;
  return {
    ...rest,
    ...(clients && !hasAddresses(clients, EVERY_ADDRESS) ? { clients } : {}),
    ...(ports && !hasRanges(ports, [EVERY_PORT]) ? { ports } : {}),
    ...(hosts && !isEveryHost(hosts) ? { hosts } : {}),
  };
}
