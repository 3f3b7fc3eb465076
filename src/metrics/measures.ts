// What one process has measured, or several together, as plain data that travels between them. Made by flow/measure, added
// up by whoever supervises, read by admin/.

import { addDistributions, type Distribution, NO_DURATIONS } from '../core/histogram.ts';
import { type DurationKey, SERIES, type SeriesKey } from './series.ts';

/** By the values of the labels, with a space between them; '' where a series has none. */
export type Counts = Readonly<Record<string, number>>;

/** By the keys of series.ts; one that is missing is zero. */
export interface Measures {
  readonly series: Readonly<Record<string, Counts>>;
  readonly durations: Readonly<Record<string, Distribution>>;
}

export const NO_MEASURES: Measures = { series: {}, durations: {} };

export function countsOf({ series }: Measures, key: SeriesKey): Counts {
  return series[key] ?? {};
}

/** All labels together. */
export function totalOf(measures: Measures, key: SeriesKey): number {
  return Object.values(countsOf(measures, key)).reduce((sum, count) => sum + count, 0);
}

export function durationsOf({ durations }: Measures, key: DurationKey): Distribution {
  return durations[key] ?? NO_DURATIONS;
}

export function addMeasures(a: Measures, b: Measures): Measures {
  return combine(a, b, 1);
}

/** What was counted between `before` and `now`; of gauges, how they have changed. */
export function measuresSince(now: Measures, before: Measures): Measures {
  return combine(now, before, -1);
}

/** What stays of a process that has ended: what it counted, not what it held. */
export function whatStays({ series, durations }: Measures): Measures {
  const gauges = new Set(Object.entries(SERIES).flatMap(([key, { type }]) => (type === 'gauge' ? [key] : [])));
  return { series: Object.fromEntries(Object.entries(series).filter(([key]) => !gauges.has(key))), durations };
}

function combine(a: Measures, b: Measures, sign: 1 | -1): Measures {
  return {
    series: merge(a.series, b.series, {}, (x, y) => merge(x, y, 0, (m, n) => m + sign * n)),
    durations: merge(a.durations, b.durations, NO_DURATIONS, (x, y) => addDistributions(x, y, sign)),
  };
}

/** By the keys of both; `none` stands where one of them has nothing. */
function merge<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  none: T,
  join: (x: T, y: T) => T,
): Record<string, T> {
  const all = new Map<string, T>();
  for (const key of [...Object.keys(a), ...Object.keys(b)]) all.set(key, join(a[key] ?? none, b[key] ?? none));
  return Object.fromEntries(all);
}
