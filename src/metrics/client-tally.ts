// What each client has asked for, as Squid's client_list tells it: a bounded number of clients, the one that came first goes
// first. Held by tally.ts.

import type { AccessLogEntry, ResultTag } from '../log/access-log-entry.ts';

/** As plain data. */
export interface ClientCounts {
  readonly address: string;
  /** Requests by the tag of their log line, and the bytes they were sent. */
  readonly tags: Readonly<Record<ResultTag, number>>;
  readonly bytes: number;
  /** Connections that it has open. */
  readonly open: number;
  /** When it was last heard of, milliseconds since the epoch. */
  readonly last: number;
}

interface Counted {
  readonly tags: Record<ResultTag, number>;
  bytes: number;
  last: number;
}

export const MOST_CLIENTS = 4_096;

export class ClientTally {
  readonly #clients = new Map<string, Counted>();
  readonly #most: number;

  constructor(most = MOST_CLIENTS) {
    this.#most = most;
  }

  count({ client, tag, bytes, time, method }: AccessLogEntry): void {
    if (method === undefined) return;
    const known = this.#clients.get(client) ?? this.#begin(client);
    known.tags[tag] += 1;
    known.bytes += bytes;
    known.last = time;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** At most `most` of them, those that were heard of last. `openOf`: who knows how many connections one has. */
  read(most: number, openOf: (client: string) => number): ClientCounts[] {
    const latest = [...this.#clients].sort(([, a], [, b]) => b.last - a.last).slice(0, most);
    return latest.map(([address, { tags, bytes, last }]) => ({
      address,
      tags: { ...tags },
      bytes,
      open: openOf(address),
      last,
    }));
  }

  #begin(client: string): Counted {
    const [first] = this.#clients.keys();
    if (this.#clients.size >= this.#most && first !== undefined) this.#clients.delete(first);
    const fresh = { tags: { NONE_NONE: 0, TCP_MISS: 0, TCP_TUNNEL: 0, TCP_DENIED: 0 }, bytes: 0, last: 0 };
    this.#clients.set(client, fresh);
    return fresh;
  }
}

/** The counts of several processes, each client once. */
export function joinClients(lists: readonly (readonly ClientCounts[])[]): ClientCounts[] {
  const joined = new Map<string, ClientCounts>();
  for (const one of lists.flat()) {
    const { address, tags, bytes, open, last } = one;
    const known = joined.get(address);
    joined.set(
      address,
      known
        ? {
            address,
            tags: {
              NONE_NONE: known.tags.NONE_NONE + tags.NONE_NONE,
              TCP_MISS: known.tags.TCP_MISS + tags.TCP_MISS,
              TCP_TUNNEL: known.tags.TCP_TUNNEL + tags.TCP_TUNNEL,
              TCP_DENIED: known.tags.TCP_DENIED + tags.TCP_DENIED,
            },
            bytes: known.bytes + bytes,
            open: known.open + open,
            last: Math.max(known.last, last),
          }
        : one,
    );
  }
  return [...joined.values()].sort((a, b) => b.last - a.last);
}
