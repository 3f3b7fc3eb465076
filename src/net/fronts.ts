// What listeners behind a load balancer need: the reader of PROXY headers for each, and descriptors for those who wait for
// theirs. Called by proxy.ts.

import type { Division } from './descriptors.ts';
import type { ListenOptions } from './options.ts';
import { ProxyHeaders } from './proxy-headers.ts';

/** Where a load balancer is in front, half of those who wait do so for their header. */
export function forFronts(listen: readonly ListenOptions[], division: Division): Division {
  const fronted = listen.some(({ proxyProtocol }) => proxyProtocol !== undefined);
  return fronted ? { ...division, waiting: Math.ceil(division.waiting / 2) } : division;
}

/** For each listener behind a load balancer; together they hold no more sockets than may wait for a place. */
export function headersOf(
  listen: readonly ListenOptions[],
  { waiting }: Division,
): ReadonlyMap<ListenOptions, ProxyHeaders> {
  const fronted = listen.flatMap((one) => (one.proxyProtocol ? [[one, one.proxyProtocol] as const] : []));
  const most = Math.ceil(waiting / Math.max(1, fronted.length));
  return new Map(fronted.map(([one, options]) => [one, new ProxyHeaders(options, most)]));
}
