// So many of a kind at once, and so many a second from then on; beyond that somebody floods. Kept by frame-watch.ts.

export class Budget {
  readonly #burst: number;
  readonly #perMillisecond: number;
  #spent = 0;
  #at = performance.now();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perMillisecond = perSecond / 1_000;
  }

  /** True: it is spent. */
  exceededBy(count: number): boolean {
    const now = performance.now();
    this.#spent = Math.max(0, this.#spent - (now - this.#at) * this.#perMillisecond) + count;
    this.#at = now;
    return this.#spent > this.#burst;
  }
}
