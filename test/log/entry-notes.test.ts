// Our own facts as annotations of a logformat.

import { expect, test } from 'vitest';
import { NOTE_NAMES, noteOf, notesOf } from '../../src/log/entry-notes.ts';
import { makeEntry } from '../support/log-entries.ts';

test('a note is one fact of the entry, whatever separator is asked for', () => {
  const entry = makeEntry({ rule: 'packages', wouldDeny: true });
  expect(noteOf(entry, 'rule')).toBe('packages');
  expect(noteOf(entry, 'rule:;')).toBe('packages');
  expect(noteOf(entry, 'would_deny')).toBe('true');
  expect(noteOf(entry, 'reason')).toBeUndefined();
  expect(noteOf(entry, 'constructor')).toBeUndefined();
});

test('all notes are lines of what there is', () => {
  expect(notesOf(makeEntry({ rule: 'r' }))).toBe('outcome: forwarded\r\nrule: r\r\nsession: s-1\r\n');
  expect(NOTE_NAMES).toContain('outcome');
});
