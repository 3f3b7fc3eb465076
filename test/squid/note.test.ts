import { expect, test } from 'vitest';
import { Notes, noteLine, printNotes, warningsIn } from '../../src/squid/note.ts';

test('notes are printed with the gravest first, and like ones together', () => {
  const notes = new Notes();
  for (const line of [1, 1, 2])
    notes.tell({ file: 'f', line, name: 'cache_mem' }, 'not-needed', 'nothing is cached', '');
  notes.tell({ file: 'f', line: 9, name: 'x' }, 'unsafe', 'it is unsafe', 'do that');
  expect(notes.all).toHaveLength(3);
  expect(printNotes(notes.all)).toBe(
    'Unsafe as it stood:\n  f:9  x\n    it is unsafe\n    → do that\n\nNot needed:\n  f:1  cache_mem\n  f:2  cache_mem\n    nothing is cached\n',
  );
  expect(printNotes([])).toBe('');
});

test('what is unsafe or stricter is a warning, each reason once, and fits into a line', () => {
  const notes = new Notes();
  const at = (line: number) => ({ file: 'f', line, name: 'x' });
  notes.tell(at(1), 'differs', 'it differs', '');
  notes.tell(at(2), 'stricter', 'it is stricter', '');
  notes.tell(at(3), 'unsafe', 'it is unsafe', 'do that');
  notes.tell(at(4), 'unsafe', 'it is unsafe', 'do that');
  expect(warningsIn(notes.all).map(noteLine)).toEqual(['f:2  x  it is stricter', 'f:3  x  it is unsafe (do that)']);
});
