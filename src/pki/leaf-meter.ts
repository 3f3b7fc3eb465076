// Counts what is asked of the leaf stores of a process, and how long minting takes. It outlives them: a new CA means new
// stores. Made by proxy.ts.

import { type Distribution, Histogram } from '../core/histogram.ts';

export interface LeafCounts {
  /** Asked for and there. */
  readonly hits: number;
  readonly misses: number;
  /** Leaves signed: fewer than misses where several asked for one host at a time. */
  readonly mints: number;
  /** How long it took to make a leaf and its context. */
  readonly times: Distribution;
}

export class LeafMeter {
  readonly #times = new Histogram();
  #hits = 0;
  #misses = 0;
  #mints = 0;

  hit(): void {
    this.#hits += 1;
  }

  miss(): void {
    this.#misses += 1;
  }

  /** `time` in milliseconds. */
  minted(time: number): void {
    this.#mints += 1;
    this.#times.observe(time);
  }

  read(): LeafCounts {
    return { hits: this.#hits, misses: this.#misses, mints: this.#mints, times: this.#times.read() };
  }
}
