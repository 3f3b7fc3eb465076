// Medians, spreads and percentiles.

import type { Cell, Sample } from './results.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(cell: Cell | undefined, read: (sample: Sample) => number): Spread | undefined {
  const sorted = (cell?.samples ?? []).map(read).sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) return undefined;
  return { median: percentile(sorted, 0.5), min, max };
}

/** Latencies of all repeats together, ascending. */
export function latenciesOf(cell: Cell | undefined): number[] {
  return (cell?.samples ?? []).flatMap(({ latencies }) => [...latencies]).sort((a, b) => a - b);
}

/** `sorted` ascending, not empty; `share` from 0 to 1. Of an even count's two middles the lower one. */
export function percentile(sorted: readonly number[], share: number): number {
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
