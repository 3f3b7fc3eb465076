// The parents that lead to a set of hosts, in the order they are tried, and what happens when one fails. Made by
// net/parents, asked by net/upstream and by http/origin-pools.

import type { Authority } from '../core/authority.ts';
import { asProxyError, type ErrorCode, ProxyError } from '../core/errors.ts';
import type { ParentCode } from '../core/hierarchy.ts';
import type { Parent } from './parent.ts';
import type { UpstreamConnection } from './upstream.ts';

export interface ParentRouteOptions {
  /** At least one. */
  readonly parents: readonly Parent[];
  readonly choose: 'inOrder' | 'roundRobin';
  /** Origins are dialled where no parent gives an answer. */
  readonly lastDirect: boolean;
}

/**
 * Failures after which another parent is asked. A parent that refuses, or does not know us, has given its answer: another
 * way would get around it.
 */
const TRY_NEXT: ReadonlySet<ErrorCode> = new Set([
  'parent-failed',
  'parent-malformed',
  'parent-unreachable',
  'parent-timeout',
  'parent-tls',
]);

export class ParentRoute {
  readonly #options: ParentRouteOptions;
  readonly #code: ParentCode;
  #next = 0;

  constructor(options: ParentRouteOptions) {
    this.#options = options;
    this.#code = options.choose === 'roundRobin' ? 'ROUNDROBIN_PARENT' : 'FIRSTUP_PARENT';
  }

  /** The parent that is asked next; undefined: none lives, and the origin is dialled. */
  get turn(): Parent | undefined {
    const { parents, lastDirect } = this.#options;
    for (let step = 0; step < parents.length; step += 1) {
      const parent = parents[(this.#next + step) % parents.length];
      if (parent?.up) return parent;
      void parent?.lookAfter();
    }
    return lastDirect ? undefined : parents[this.#next % parents.length];
  }

  /** One request has gone this way. */
  advance(): void {
    const { parents, choose } = this.#options;
    if (choose === 'roundRobin') this.#next = (this.#next + 1) % parents.length;
  }

  /** A tunnel to the authority; undefined: dial it. Throws ProxyError. */
  tunnel(authority: Authority): Promise<UpstreamConnection | undefined> {
    return this.#first((parent) => parent.tunnel(authority, this.#code));
  }

  /** A connection to a parent, for requests in absolute form; undefined: dial the origin. Throws ProxyError. */
  reach(): Promise<UpstreamConnection | undefined> {
    return this.#first((parent) => parent.reach(this.#code));
  }

  async #first(ask: (parent: Parent) => Promise<UpstreamConnection>): Promise<UpstreamConnection | undefined> {
    const errors: ProxyError[] = [];
    const order = this.#order();
    this.advance();
    for (const parent of order) {
      try {
        return await ask(parent);
      } catch (thrown) {
        const error = asProxyError(thrown);
        if (!TRY_NEXT.has(error.code)) throw error;
        errors.push(error);
      }
    }
    // A parent that has answered lives, and its word holds.
    const answer = errors.find(({ code }) => code === 'parent-failed');
    if (this.#options.lastDirect && !answer) return undefined;
    const shown = answer ?? errors.at(-1) ?? new ProxyError('parent-unreachable');
    const detail = errors.map((error) => error.detail).join(' ');
    throw new ProxyError(shown.code, detail, { cause: shown.cause, peer: shown.peer, parent: shown.parent });
  }

  /** Those that live; behind them the others, unless there is a way without: they may be back. */
  #order(): Parent[] {
    const { parents, lastDirect } = this.#options;
    const turned = [...parents.slice(this.#next), ...parents.slice(0, this.#next)];
    const up = turned.filter((parent) => parent.up);
    const down = turned.filter((parent) => !parent.up);
    for (const parent of down) void parent.lookAfter();
    return lastDirect ? up : [...up, ...down];
  }
}
