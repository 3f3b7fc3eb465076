// A size as people write it, `64KB`, `100MB`, `1GB`, in bytes. log-schema.ts calls it.

import type { Parsed } from '../core/authority.ts';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ['KB', 1024],
  ['MB', 1024 ** 2],
  ['GB', 1024 ** 3],
  ['TB', 1024 ** 4],
]);

/** A whole number and a unit; a thousand is 1024 here, as for Squid and logrotate. Something, and less than a petabyte. */
export function parseByteSize(text: string): Parsed<number> {
  const [whole, number = '', word = ''] = /^(\d{1,12}) ?([KMGT]?B?|[KMGT])$/i.exec(text) ?? [];
  const unit = UNITS.get(/^[KMGT]$/i.test(word) ? `${word.toUpperCase()}B` : word.toUpperCase());
  if (whole === undefined || unit === undefined) {
    return { ok: false, reason: 'a size is a whole number with KB, MB or GB' };
  }
  const value = Number(number) * unit;
  if (value < 1 || value >= 1024 ** 5) return { ok: false, reason: 'a size is above zero and below 1024TB' };
  return { ok: true, value };
}
