// Origins that have asked for a client certificate, and whether they go on without one: learnt from how connections went,
// kept for a while, so that the next tunnel need not find it out by failing. Made by proxy.ts, asked by flow/exempt.

import { type Authority, formatAuthority } from '../core/authority.ts';

/** `optional`: it asks, and goes on without; `suspected`: and has then refused a request, for whatever reason. */
export type Wish = 'required' | 'optional' | 'suspected';

/** Milliseconds: an origin may change, and then its first connection tells. */
const LIFE = 3_600_000;
const MOST = 1_024;

export class WantingOrigins {
  readonly #known = new Map<string, { readonly wish: Wish; readonly until: number }>();

  /** `now` by the monotonic clock, in milliseconds. */
  wishOf(authority: Authority, now = performance.now()): Wish | undefined {
    if (this.#known.size === 0) return undefined;
    const known = this.#known.get(formatAuthority(authority));
    return known && now < known.until ? known.wish : undefined;
  }

  remember(authority: Authority, wish: Wish, now = performance.now()): void {
    const key = formatAuthority(authority);
    this.#known.delete(key);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, { wish, until: now + LIFE });
  }
}
