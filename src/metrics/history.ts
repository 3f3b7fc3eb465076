// What was measured in the last hour, minute by minute, so that rates and percentiles of the last 5 and 60 minutes can be
// told. Held by admin/overview, one for a proxy.

import { type Measures, measuresSince } from './measures.ts';

export interface Sample {
  /** Milliseconds since the epoch, and by the monotonic clock: rates must not jump with the former. */
  readonly time: number;
  readonly at: number;
  readonly measures: Measures;
}

export interface Span {
  readonly from: Sample;
  readonly to: Sample;
  readonly seconds: number;
  /** What was counted in it. */
  readonly measures: Measures;
}

export const EVERY = 60_000;
const MOST = 61;

export class History {
  readonly #samples: Sample[] = [];

  /** In the order of time. */
  add(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length > MOST) this.#samples.shift();
  }

  /** From as long ago as `minutes`, or from the first sample where that is later, to `now`. */
  span(minutes: number, now: Sample): Span {
    // Half a beat of tolerance, since a timer is not punctual.
    const earliest = now.at - minutes * EVERY - EVERY / 2;
    const from = this.#samples.find(({ at }) => at >= earliest) ?? now;
    return {
      from,
      to: now,
      seconds: Math.max(0, now.at - from.at) / 1_000,
      measures: measuresSince(now.measures, from.measures),
    };
  }
}
