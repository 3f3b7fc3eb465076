// The DER reader against the encodings of X.690 and against ones that DER forbids.

import { describe, expect, test } from 'vitest';
import { type DerReader, MAX_DEPTH, MAX_DER, readDer, TAG } from '../../src/wire/der.ts';
import { der } from '../support/der.ts';

const element = (reader: DerReader) => reader.element();

describe('an element', () => {
  test.each([
    ['of no content', [0x05, 0], 0x05, 0],
    ['of short length', der(0x04, new Uint8Array(127)), 0x04, 127],
    ['of a length in one byte', der(0x04, new Uint8Array(128)), 0x04, 128],
    ['of a length in two bytes', der(0x04, new Uint8Array(256)), 0x04, 256],
    ['of a length in three bytes', der(0x04, new Uint8Array(65_536)), 0x04, 65_536],
    ['of context tag 30, the greatest in one byte', [0xbe, 0], 0xbe, 0],
  ])('%s is read', (_what, bytes, tag, size) => {
    const read = readDer(Uint8Array.from(bytes), 'DER', element);
    expect(read).toEqual({ ok: true, value: { tag, content: new Uint8Array(size) } });
  });

  test.each([
    ['nothing', [], 'DER ends early'],
    ['a tag alone', [4], 'DER ends early'],
    ['a length beyond the end', [4, 2, 0], 'DER ends early'],
    ['a length cut short', [4, 0x82, 1], 'DER ends early'],
    ['a tag of two bytes', [0x1f, 0x1f, 0], 'DER has a tag of more than one byte'],
    ['an indefinite length', [0x30, 0x80, 0, 0], 'DER has an indefinite length'],
    ['a length of four bytes', [4, 0x84, 0, 0, 0, 1, 0], 'DER has a length of more than three bytes'],
    ['the reserved length', [4, 0xff], 'DER has a length of more than three bytes'],
    ['127 in the long form', [4, 0x81, 127, ...new Uint8Array(127)], 'DER has a length that is not minimal'],
    ['255 in two bytes', [4, 0x82, 0, 255, ...new Uint8Array(255)], 'DER has a length that is not minimal'],
    ['65535 in three bytes', [4, 0x83, 0, 255, 255], 'DER has a length that is not minimal'],
    ['bytes behind it', [5, 0, 0], 'DER has bytes left over'],
  ])('%s is malformed', (_what, bytes, reason) => {
    expect(readDer(Uint8Array.from(bytes), 'DER', element)).toEqual({ ok: false, reason });
  });
});

describe('inside', () => {
  const nested = Uint8Array.from(der(TAG.sequence, [...der(TAG.integer, [7]), ...der(TAG.integer, [8])]));

  test('reads what is nested, one after the other', () => {
    const read = readDer(nested, 'DER', (outer) =>
      outer.inside(TAG.sequence, 'pair', (pair) => {
        const contents: number[] = [];
        while (!pair.done) contents.push(...pair.take(TAG.integer, 'number'));
        return contents;
      }),
    );
    expect(read).toEqual({ ok: true, value: [7, 8] });
  });

  test('refuses what its reader left over', () => {
    const read = readDer(nested, 'DER', (outer) => outer.inside(TAG.sequence, 'pair', (pair) => pair.element()));
    expect(read).toEqual({ ok: false, reason: 'pair has bytes left over' });
  });

  test('names what is missing and where', () => {
    const read = readDer(nested, 'DER', (outer) =>
      outer.inside(TAG.sequence, 'pair', (pair) => pair.take(TAG.oid, 'OID')),
    );
    expect(read).toEqual({ ok: false, reason: 'pair has no OID where it belongs' });
  });

  test('does not let a length reach out of the element around it', () => {
    const bytes = Uint8Array.of(0x30, 3, 2, 2, 1, 99);
    const read = readDer(bytes, 'DER', (outer) => outer.inside(TAG.sequence, 'pair', (pair) => pair.element()));
    expect(read).toEqual({ ok: false, reason: 'pair ends early' });
  });
});

describe('the ceilings', () => {
  /** Descends until there is nothing left, and says how often. */
  const descend = (reader: DerReader): number => (reader.done ? 0 : 1 + reader.inside(TAG.sequence, 'level', descend));
  const levels = (count: number): Uint8Array => {
    let bytes: number[] = [];
    for (let i = 0; i < count; i += 1) bytes = der(TAG.sequence, bytes);
    return Uint8Array.from(bytes);
  };

  test('of depth', () => {
    expect(readDer(levels(MAX_DEPTH), 'DER', descend)).toEqual({ ok: true, value: MAX_DEPTH });
    const tooDeep = { ok: false, reason: 'level is nested too deeply' };
    expect(readDer(levels(MAX_DEPTH + 1), 'DER', descend)).toEqual(tooDeep);
    expect(readDer(levels(1_000), 'DER', descend)).toEqual(tooDeep);
  });

  test('of size', () => {
    const fill = (size: number) => Uint8Array.from(der(TAG.octetString, new Uint8Array(size - 5)));
    expect(readDer(fill(MAX_DER), 'DER', element).ok).toBe(true);
    expect(readDer(fill(MAX_DER + 1), 'DER', element)).toEqual({
      ok: false,
      reason: `DER is longer than ${MAX_DER} bytes`,
    });
  });
});
