// A change of what is spliced, as one line of JSON with always the same keys. ledger-file.ts writes it.

import { type Entry, formatTarget } from './entry.ts';
import type { Change } from './ledger.ts';

/** Without the newline. What came from outside was parsed before; what JSON escapes cannot end the line. */
export function auditLine({ change, by, entry }: Change, now: Date): string {
  const { client, rule, count, made, expires } = entry;
  const { alert, confidence } = lastOf(entry);
  return JSON.stringify({
    time: now.toISOString(),
    audit: 'exception',
    change,
    by,
    client,
    host: formatTarget(entry),
    rule,
    rejections: count,
    alert,
    confidence,
    made: new Date(made).toISOString(),
    expires: new Date(expires).toISOString(),
  }).replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function lastOf({ recent }: Entry) {
  return recent.at(-1) ?? { alert: 'none', confidence: 'suspected' };
}
