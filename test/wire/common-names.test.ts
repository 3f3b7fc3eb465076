import { describe, expect, test } from 'vitest';
import { readCommonNames } from '../../src/wire/common-names.ts';
import { der } from '../support/der.ts';

const COMMON_NAME = [0x55, 0x04, 0x03];
const ORGANISATION = [0x55, 0x04, 0x0a];
const attribute = (oid: number[], tag: number, content: Iterable<number>): number[] =>
  der(0x30, [...der(0x06, oid), ...der(tag, [...content])]);
const name = (...sets: number[][]): Uint8Array =>
  Uint8Array.from(
    der(
      0x30,
      sets.flatMap((set) => der(0x31, set)),
    ),
  );
const utf8 = (text: string) => Buffer.from(text);

describe('the common names', () => {
  test.each([
    ['none', name(attribute(ORGANISATION, 0x0c, utf8('Example'))), []],
    ['an empty subject', name(), []],
    [
      'one among others',
      name(attribute(ORGANISATION, 0x0c, utf8('CN=x')), attribute(COMMON_NAME, 0x0c, utf8('vm-12'))),
      ['vm-12'],
    ],
    ['two', name(attribute(COMMON_NAME, 0x0c, utf8('a')), attribute(COMMON_NAME, 0x13, utf8('b'))), ['a', 'b']],
    [
      'two in one set',
      name([...attribute(COMMON_NAME, 0x0c, utf8('a')), ...attribute(COMMON_NAME, 0x0c, utf8('b'))]),
      ['a', 'b'],
    ],
    ['a newline and what looks like a field', name(attribute(COMMON_NAME, 0x0c, utf8('a\nCN=admin'))), ['a\nCN=admin']],
    ['a NUL', name(attribute(COMMON_NAME, 0x0c, utf8('admin\0.x'))), ['admin\0.x']],
    ['UTF-16', name(attribute(COMMON_NAME, 0x1e, [0x00, 0x5a, 0x00, 0xeb])), ['Zë']],
  ])('%s', (_name, der, value) => {
    expect(readCommonNames(der)).toEqual({ ok: true, value });
  });

  test.each([
    ['text that is not UTF-8', name(attribute(COMMON_NAME, 0x0c, [0xff])), /encoding that is not taken/],
    ['half a UTF-16 unit', name(attribute(COMMON_NAME, 0x1e, [0x00, 0x5a, 0x00])), /encoding that is not taken/],
    [
      'teletex, which is read in many ways',
      name(attribute(COMMON_NAME, 0x14, utf8('a'))),
      /encoding that is not taken/,
    ],
    ['a number', name(attribute(COMMON_NAME, 0x02, [1])), /encoding that is not taken/],
    [
      'bytes behind the value',
      name(der(0x30, [...der(0x06, COMMON_NAME), ...der(0x0c, utf8('a')), 5, 0])),
      /left over|attribute/,
    ],
    ['no name', Uint8Array.from(der(0x31, [])), /has no distinguished name/],
  ])('%s is no name', (_name, der, reason) => {
    expect(readCommonNames(der)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  test('of every beginning of a name are none', () => {
    const whole = name(attribute(ORGANISATION, 0x0c, utf8('Example')), attribute(COMMON_NAME, 0x0c, utf8('vm-12')));
    for (let length = 0; length < whole.length; length += 1) {
      expect(readCommonNames(whole.subarray(0, length))).toMatchObject({ ok: false });
    }
  });
});
