// How long things take, counted in buckets: pki/, net/ and metrics/ each have some. To count costs a few comparisons and no
// memory; all have the same bounds, so that those of several processes can be added.

/** Upper bounds of the buckets in milliseconds, in the series 1, 2, 5; what is beyond the last has a bucket of its own. */
export const BOUNDS: readonly number[] = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000,
];

/** The same in microseconds: whole numbers, of which none is made anew when it is looked at. */
const LIMITS: readonly number[] = BOUNDS.map((bound) => Math.round(bound * 1_000));

/** What was counted, as plain data. */
export interface Distribution {
  /** One for each bound, not added up, and one for what is beyond the last. */
  readonly counts: readonly number[];
  /** Milliseconds, all together. */
  readonly sum: number;
}

export class Histogram {
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  /** A number that stands alone would be made anew at each change. */
  readonly #sum = new Float64Array(1);

  /** `milliseconds`; a bound belongs to the bucket below it. */
  observe(milliseconds: number): void {
    const micros = milliseconds * 1_000;
    let at = 0;
    while (at < LIMITS.length && micros > (LIMITS[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum[0] = (this.#sum[0] ?? 0) + milliseconds;
  }

  read(): Distribution {
    return { counts: [...this.#counts], sum: this.#sum[0] ?? 0 };
  }
}

export const NO_DURATIONS: Distribution = { counts: BOUNDS.map(() => 0).concat(0), sum: 0 };

/** `sign` -1 gives what has been counted since `b`. */
export function addDistributions(a: Distribution, b: Distribution, sign: 1 | -1 = 1): Distribution {
  return { counts: a.counts.map((count, at) => count + sign * (b.counts[at] ?? 0)), sum: a.sum + sign * b.sum };
}

export function countOf({ counts }: Distribution): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * Milliseconds that `share` (0 to 1) of all stays within, as if they lay evenly in their bucket; 0 where nothing was
 * counted, and the last bound for what is beyond it.
 */
export function quantile(distribution: Distribution, share: number): number {
  const wanted = countOf(distribution) * share;
  let below = 0;
  for (const [at, count] of distribution.counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const low = BOUNDS[at - 1] ?? 0;
      const high = BOUNDS[at] ?? low;
      return low + (high - low) * Math.max(0, (wanted - below) / count);
    }
    below += count;
  }
  return 0;
}
