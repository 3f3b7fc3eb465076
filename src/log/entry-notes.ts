// What only we know of a transaction, as annotations: `%{rule}note` in a Squid logformat, `%note` for all of them. Called by
// layout-codes.ts.

import type { PrintedEntry } from './access-log-entry.ts';

type Note = (entry: PrintedEntry) => string | number | boolean | undefined;

const NOTES: Readonly<Record<string, Note>> = {
  outcome: ({ outcome }) => outcome,
  action: ({ action }) => action,
  step: ({ step }) => step,
  rule: ({ rule }) => rule,
  reason: ({ reason }) => reason,
  would_deny: ({ wouldDeny }) => wouldDeny,
  tls: ({ tls }) => tls,
  exception: ({ exception }) => exception,
  error: ({ error }) => error,
  error_detail: ({ errorDetail }) => errorDetail,
  alert: ({ alert }) => alert,
  confidence: ({ confidence }) => confidence,
  parent: ({ parent }) => parent,
  session: ({ session }) => session,
  tunnel: ({ tunnel }) => tunnel,
  exchange: ({ exchange }) => exchange,
  bytes_in: ({ bytesIn }) => bytesIn,
};

export const NOTE_NAMES: readonly string[] = Object.keys(NOTES);

/** `name`, or Squid's `name:separator`: each has one value, so nothing is separated. */
export function noteOf(entry: PrintedEntry, argument: string): string | undefined {
  const name = argument.split(':', 1)[0] ?? '';
  const value = Object.hasOwn(NOTES, name) ? NOTES[name]?.(entry) : undefined;
  return value === undefined ? undefined : String(value);
}

export function notesOf(entry: PrintedEntry): string | undefined {
  const notes = NOTE_NAMES.flatMap((name) => {
    const value = noteOf(entry, name);
    return value === undefined ? [] : [`${name}: ${value}\r\n`];
  });
  return notes.join('') || undefined;
}
