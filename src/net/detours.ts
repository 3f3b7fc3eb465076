// Which parent has led to an authority lately where the first has not, so that not every connection finds that out anew.
// Each net/parent-route has one.

import { type Authority, formatAuthority } from '../core/authority.ts';

/** Milliseconds until the first is tried again. */
const LIFE = 60_000;
/** Remembered at most; the oldest go first. */
const MOST = 1_000;

export class Detours<P> {
  readonly #now: () => number;
  readonly #byAuthority = new Map<string, { readonly parent: P; readonly until: number }>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  of(authority: Authority): P | undefined {
    if (this.#byAuthority.size === 0) return undefined;
    const key = formatAuthority(authority);
    const detour = this.#byAuthority.get(key);
    if (!detour || detour.until > this.#now()) return detour?.parent;
    this.#byAuthority.delete(key);
    return undefined;
  }

  remember(authority: Authority, parent: P): void {
    const key = formatAuthority(authority);
    this.#byAuthority.delete(key);
    if (this.#byAuthority.size >= MOST) this.#byAuthority.delete(this.#byAuthority.keys().next().value ?? '');
    this.#byAuthority.set(key, { parent, until: this.#now() + LIFE });
  }
}
