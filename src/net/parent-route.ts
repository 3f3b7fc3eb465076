// The parents that lead to a set of hosts, in the order they are tried, and what happens when one fails. Made by
// net/parents, asked by net/upstream and by http/origin-pools.

import type { Authority } from '../core/authority.ts';
import { asProxyError, type ErrorCode, ProxyError } from '../core/errors.ts';
import type { ParentCode } from '../core/hierarchy.ts';
import { Detours } from './detours.ts';
import type { Parent } from './parent.ts';
import type { UpstreamConnection } from './upstream.ts';

export interface ParentRouteOptions {
  /** At least one. */
  readonly parents: readonly Parent[];
  readonly choose: 'inOrder' | 'roundRobin';
  /** Origins are dialled while no parent lives. */
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
  readonly #detours = new Detours<Parent>();
  #next = 0;

  constructor(options: ParentRouteOptions) {
    this.#options = options;
    this.#code = options.choose === 'roundRobin' ? 'ROUNDROBIN_PARENT' : 'FIRSTUP_PARENT';
  }

  /** The parent that is asked next for this authority; undefined: the origin is dialled. */
  turn(authority: Authority): Parent | undefined {
    const [first] = this.#order(authority);
    return first;
  }

  /** What is known before anything is dialled: the parents in words, and the address of the first. Throws ProxyError. */
  async foretell(): Promise<{ readonly code: ParentCode; readonly reason: string; readonly peer: string }> {
    const { parents, choose, lastDirect } = this.#options;
    const names = parents.map(({ name }) => name).join(choose === 'roundRobin' ? ' and in turn ' : ', else ');
    const reason = `through the parent ${names}${lastDirect ? '; directly while none lives' : ''}`;
    return { code: this.#code, reason, peer: (await parents[0]?.locate())?.[0] ?? '-' };
  }

  /** One request has gone this way. */
  advance(): void {
    const { parents, choose } = this.#options;
    if (choose === 'roundRobin') this.#next = (this.#next + 1) % parents.length;
  }

  /** A tunnel to the authority; undefined: dial it. `vias`: what stands in Via before us. Throws ProxyError. */
  tunnel(authority: Authority, vias: readonly string[] = []): Promise<UpstreamConnection | undefined> {
    return this.#first(authority, (parent) => parent.tunnel(authority, vias, this.#code));
  }

  /** A connection to a parent, for requests to the authority in absolute form; undefined: dial it. Throws ProxyError. */
  reach(authority: Authority): Promise<UpstreamConnection | undefined> {
    return this.#first(authority, (parent) => parent.reach(this.#code));
  }

  async #first(
    authority: Authority,
    ask: (parent: Parent) => Promise<UpstreamConnection>,
  ): Promise<UpstreamConnection | undefined> {
    const errors: ProxyError[] = [];
    const order = this.#order(authority);
    this.advance();
    for (const parent of order) {
      try {
        const connection = await ask(parent);
        if (errors.length > 0) this.#detours.remember(authority, parent);
        return connection;
      } catch (thrown) {
        const error = asProxyError(thrown);
        if (!TRY_NEXT.has(error.code)) throw error;
        errors.push(error);
      }
    }
    // As long as one lives, no way leads past it: who is silent about one origin may know why.
    const { parents, lastDirect } = this.#options;
    if (lastDirect && !parents.some((parent) => parent.up)) return undefined;
    const shown =
      errors.find(({ code }) => code === 'parent-failed') ?? errors.at(-1) ?? new ProxyError('parent-unreachable');
    const detail = errors.map((error) => error.detail).join(' ');
    throw new ProxyError(shown.code, detail, { cause: shown.cause, peer: shown.peer, parent: shown.parent });
  }

  /** Those that live; behind them the others, unless there is a way without: they may be back. */
  #order(authority: Authority): Parent[] {
    const { parents, lastDirect } = this.#options;
    const turned = this.#next === 0 ? parents : [...parents.slice(this.#next), ...parents.slice(0, this.#next)];
    const up = turned.filter((parent) => parent.up);
    const down = turned.filter((parent) => !parent.up);
    for (const parent of down) void parent.lookAfter();
    const detour = this.#detours.of(authority);
    const live = detour?.up ? [detour, ...up.filter((parent) => parent !== detour)] : up;
    return lastDirect ? live : [...live, ...down];
  }
}
