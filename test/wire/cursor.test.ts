// The reader that never reads past the end, and the edge at which malformed bytes become a value.

import { describe, expect, test } from 'vitest';
import { Cursor, latin1, readWhole } from '../../src/wire/cursor.ts';

const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);

test('numbers are read in network order', () => {
  const cursor = new Cursor(bytes, 'thing');
  expect([cursor.peek(), cursor.u8(), cursor.u16(), cursor.u24(), cursor.left, cursor.peek()]).toEqual([
    1,
    1,
    0x0203,
    0x040506,
    0,
    undefined,
  ]);
});

test('bytes are read as text, one character for each, from a view as from a buffer of its own', () => {
  for (const whole of [Buffer.of(0x41, 0xe9, 0, 0x42), Uint8Array.of(9, 0x41, 0xe9, 0, 0x42).subarray(1)]) {
    const cursor = new Cursor(whole, 'thing');
    expect([cursor.text(3), cursor.left, cursor.text(1), cursor.text(0)]).toEqual(['A\u00e9\0', 1, 'B', '']);
  }
});

test('taken bytes are a view, not a copy', () => {
  const taken = new Cursor(bytes, 'thing').take(4);
  expect([...taken]).toEqual([1, 2, 3, 4]);
  expect(taken.buffer).toBe(bytes.buffer);
});

test.each<[string, number, (cursor: Cursor) => unknown]>([
  ['one byte', 0, (cursor: Cursor) => cursor.u8()],
  ['two bytes', 1, (cursor: Cursor) => cursor.u16()],
  ['three bytes', 2, (cursor: Cursor) => cursor.u24()],
  ['a run of bytes', 3, (cursor: Cursor) => cursor.take(4)],
  ['text', 3, (cursor: Cursor) => cursor.text(4)],
  ['bytes passed over', 3, (cursor: Cursor) => cursor.skip(4)],
  ['a short vector', 1, (cursor: Cursor) => cursor.vector(1, 'inner')],
  ['a long vector', 2, (cursor: Cursor) => cursor.vector(2, 'inner')],
])('%s from %d bytes that are too few is malformed', (_what, size, read) => {
  expect(readWhole(new Uint8Array(size).fill(9), 'thing', read)).toEqual({ ok: false, reason: 'thing ends early' });
});

describe('readWhole', () => {
  test('gives the value when all bytes were read', () => {
    const read = readWhole(Uint8Array.of(0, 2, 7, 8), 'thing', (cursor) => cursor.vector(2, 'inner').u16());
    expect(read).toEqual({ ok: true, value: 0x0708 });
  });

  test('refuses leftover bytes', () => {
    expect(readWhole(bytes, 'thing', (cursor) => cursor.u8())).toEqual({
      ok: false,
      reason: 'thing has bytes left over',
    });
  });

  test('names the inner structure that is at fault', () => {
    const read = readWhole(Uint8Array.of(1, 7), 'thing', (cursor) => cursor.vector(1, 'inner').u16());
    expect(read).toEqual({ ok: false, reason: 'inner ends early' });
  });

  test('does not swallow errors that are not about the bytes', () => {
    const read = () =>
      readWhole(bytes, 'thing', () => {
        throw new TypeError('a bug');
      });
    expect(read).toThrow(TypeError);
  });
});

test('latin1 keeps every byte apart, within a view too', () => {
  const all = Uint8Array.from({ length: 300 }, (_, at) => at);
  const text = latin1(all.subarray(10, 256));
  expect([...text].map((character) => character.charCodeAt(0))).toEqual([...all.subarray(10, 256)]);
});
