// A wait as people write it, `250ms`, `10s`, `5m`, `1h`, in milliseconds. The fields of the schema call it.

import type { Parsed } from '../core/authority.ts';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** One week. Node's timers end at 24.8 days, and beyond that they fire at once. */
export const MAX_DURATION = 168 * 3_600_000;

/** Milliseconds; a whole number and a unit, nothing between them, nothing above one week. */
export function parseDuration(text: string): Parsed<number> {
  const parts = /^(\d{1,10})(ms|s|m|h)$/.exec(text);
  const unit = UNITS.get(parts?.[2] ?? '');
  if (!parts || unit === undefined) return { ok: false, reason: 'a duration is a whole number with ms, s, m or h' };
  const value = Number(parts[1]) * unit;
  return value <= MAX_DURATION ? { ok: true, value } : { ok: false, reason: 'a duration is at most 168h' };
}
