import { expect, test } from 'vitest';
import { logNotes } from '../../src/squid/log-notes.ts';
import type { NoteKind } from '../../src/squid/note.ts';

test('the service log hears of what is unsafe or stricter, once each, and where to read the rest', () => {
  const said: string[] = [];
  const service = {
    warn: (fields: object, message: string) => void said.push(`${JSON.stringify(fields)} ${message}`),
    info: (_: object, message: string) => void said.push(message),
  };
  const note = (kind: NoteKind, why: string) => ({ file: 'f', line: 1, about: 'x', kind, why, todo: 'do' });
  logNotes([note('unsafe', 'a'), note('unsafe', 'a'), note('stricter', 'b'), note('not-needed', 'c')], 'f', service);
  expect(said).toEqual([
    '{"line":"f:1","directive":"x","do":"do"} a',
    '{"line":"f:1","directive":"x","do":"do"} b',
    'translated from a squid.conf: "import" shows all there is to say about it',
  ]);
  logNotes([], 'f', service);
  expect(said).toHaveLength(3);
});
