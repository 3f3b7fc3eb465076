import { expect, test } from 'vitest';
import { Notes, printNotes } from '../../src/squid/note.ts';

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
