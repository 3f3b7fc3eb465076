// How many connections the file descriptors of this process allow: dials, logs and DNS must never find them used up.
// Called by proxy.ts.

import { readFileSync } from 'node:fs';

export interface Division {
  /** Client connections served at once, each with its origin. */
  readonly connections: number;
  /** Client connections that are accepted and wait for a place. */
  readonly waiting: number;
  /** Connections to origins that have no request on them. */
  readonly idle: number;
}

/** What POSIX grants at the least where nobody can be asked. */
const UNKNOWN = 1_024;
/** Libraries, logs, name servers, the refusals that are on their way, and a second address tried beside the first. */
const RESERVE = 64;
/** More at once are more than the memory of a usual machine holds, whatever its descriptors. */
const MOST_CONNECTIONS = 16_384;
const MOST_WAITING = 1_024;

/** The soft limit of open files; Node itself raises it to the hard one at its start. */
export function descriptorLimit(limits = '/proc/self/limits'): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(limits, 'utf8'))?.[1];
    return soft === undefined ? UNKNOWN : Number(soft);
  } catch {
    return UNKNOWN;
  }
}

/**
 * Shares `descriptors` out; `wanted` are the options. A served connection counts twice, since it has an origin. What is
 * wanted beyond the descriptors is cut down: see `connections` of the result.
 */
export function divideDescriptors(
  descriptors: number,
  wanted: { readonly connections: number | 'auto'; readonly idleConnections: number },
): Division {
  const waiting = Math.min(MOST_WAITING, Math.floor(descriptors / 8));
  const idle = Math.min(wanted.idleConnections, Math.floor(descriptors / 8));
  const most = Math.max(1, Math.floor((descriptors - RESERVE - waiting - idle) / 2));
  const connections = wanted.connections === 'auto' ? MOST_CONNECTIONS : wanted.connections;
  return { connections: Math.min(connections, most), waiting, idle };
}
