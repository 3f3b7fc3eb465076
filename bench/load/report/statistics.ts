// Medians, spreads and percentiles.

import type { Cell, Sample } from './results.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(cell: Cell | undefined, read: (sample: Sample) => number): Spread | undefined {
  const values = (cell?.samples ?? []).map(read);
  return values.length === 0 ? undefined : spreadOfValues(values);
}

/** There must be one at least. */
export function spreadOfValues(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: percentile(sorted, 0.5), min: percentile(sorted, 0), max: percentile(sorted, 1) };
}

export function spreadText({ median, min, max }: Spread): string {
  return min === max ? short(median) : `${short(median)} (${short(min)}..${short(max)})`;
}

/** Latencies of all repeats together, ascending. */
export function latenciesOf(cell: Cell | undefined): number[] {
  return (cell?.samples ?? []).flatMap(({ latencies }) => [...latencies]).sort((a, b) => a - b);
}

/** `sorted` ascending, not empty; `share` from 0 to 1. Of an even count's two middles the lower one. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const at = Math.max(0, Math.ceil(sorted.length * share) - 1);
  return sorted[at] ?? Number.NaN;
}

/** Three digits that count; whole above a hundred. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return value >= 1 ? value.toFixed(2) : value.toFixed(3);
}
