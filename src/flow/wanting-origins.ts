// Origins that have asked for a client certificate, and whether they go on without one: learnt from how connections went,
// kept for a while, so that the next tunnel need not find it out by failing. Made by proxy.ts, asked by flow/exempt.

import { type Authority, formatAuthority } from '../core/authority.ts';

/**
 * `required`: it has said so in TLS; `optional`: it asks, and goes on without; `suspected`: and has then refused a request, or
 * broken off, for whatever reason. Only by the first is anything passed unread: the other signs, a client can bring about.
 */
export type Wish = 'required' | 'optional' | 'suspected';

/** Milliseconds: an origin may change, and then its first connection tells. */
const LIFE = 3_600_000;
const MOST = 1_024;

interface Known {
  readonly wish: Wish;
  /** It has answered a request of somebody who had no certificate: that it requires one cannot be so. */
  readonly answered: boolean;
  readonly until: number;
}

export class WantingOrigins {
  readonly #known = new Map<string, Known>();

  /** `now` by the monotonic clock, in milliseconds. */
  wishOf(authority: Authority, now = performance.now()): Wish | undefined {
    return this.#find(authority, now)?.wish;
  }

  /** Whether it has answered somebody who had no certificate. */
  hasAnswered(authority: Authority, now = performance.now()): boolean {
    return this.#find(authority, now)?.answered ?? false;
  }

  /** Of one that has answered without, nothing makes one that requires it. */
  remember(authority: Authority, wish: Wish, now = performance.now()): void {
    const answered = this.hasAnswered(authority, now);
    this.#put(authority, { wish: answered && wish === 'required' ? 'suspected' : wish, answered, until: now + LIFE });
  }

  /** It has answered a request of somebody who had no certificate. */
  answered(authority: Authority, now = performance.now()): void {
    const known = this.#find(authority, now);
    // Said for each reply; to note it now and then is enough.
    if (known?.answered && known.until - now > LIFE / 2) return;
    const wish = known?.wish === 'suspected' ? 'suspected' : 'optional';
    this.#put(authority, { wish, answered: true, until: now + LIFE });
  }

  #find(authority: Authority, now: number): Known | undefined {
    if (this.#known.size === 0) return undefined;
    const known = this.#known.get(formatAuthority(authority));
    return known && now < known.until ? known : undefined;
  }

  #put(authority: Authority, known: Known): void {
    const key = formatAuthority(authority);
    this.#known.delete(key);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, known);
  }
}
