import { describe, expect, test } from 'vitest';
import { type DerReader, readDer } from '../../src/wire/der.ts';
import {
  takeBits,
  takeBoolean,
  takeCount,
  takeDate,
  takeGeneralizedTime,
  takeInteger,
  takeOctets,
  takeOid,
} from '../../src/wire/der-value.ts';
import { der } from '../support/der.ts';

type Take<T> = (reader: DerReader, what: string) => T;
const read = <T>(take: Take<T>, tag: number, content: Iterable<number>) =>
  readDer(Uint8Array.from(der(tag, content)), 'DER', (reader) => take(reader, 'value'));

describe('values', () => {
  test.each<[string, Take<unknown>, number, number[], unknown]>([
    ['an object identifier', takeOid, 6, [0x55, 0x1d, 0x11], '551d11'],
    ['true', takeBoolean, 1, [0xff], true],
    ['false', takeBoolean, 1, [0], false],
    ['a negative number', takeInteger, 2, [0xff], Uint8Array.of(0xff)],
    ['a number with a sign octet', takeInteger, 2, [0, 0x80], Uint8Array.of(0, 0x80)],
    ['zero', takeCount, 2, [0], 0],
    ['2^31 - 1', takeCount, 2, [0x7f, 0xff, 0xff, 0xff], 2 ** 31 - 1],
    ['bits', takeBits, 3, [1, 6], Uint8Array.of(6)],
    ['no bits', takeBits, 3, [0], Uint8Array.of()],
    ['octets', takeOctets, 3, [0, 1, 2], Uint8Array.of(1, 2)],
  ])('%s is read', (_, take, tag, content, value) => {
    expect(read(take, tag, content)).toEqual({ ok: true, value });
  });

  test.each<[string, Take<unknown>, number, number[], string]>([
    ['a boolean of two bytes', takeBoolean, 1, [0, 0], 'DER has a malformed boolean'],
    ['a number without bytes', takeInteger, 2, [], 'DER has an empty value'],
    ['a padded number', takeInteger, 2, [0, 0x7f], 'DER has a value that is not minimal'],
    ['a padded negative number', takeInteger, 2, [0xff, 0x80], 'DER has a value that is not minimal'],
    ['a negative count', takeCount, 2, [0x80], 'DER has a value out of range'],
    ['2^31', takeCount, 2, [0, 0x80, 0, 0, 0], 'DER has a value out of range'],
    ['bits that are set but unused', takeBits, 3, [1, 7], 'DER has a malformed value'],
    ['unused bits of nothing', takeBits, 3, [1], 'DER has a malformed value'],
    ['octets with unused bits', takeOctets, 3, [1, 2], 'DER has a value of broken octets'],
    ['another tag', takeOctets, 4, [0], 'DER has no value where it belongs'],
  ])('%s is refused', (_, take, tag, content, reason) => {
    expect(read(take, tag, content)).toEqual({ ok: false, reason });
  });
});

describe('dates', () => {
  test.each([
    [0x17, '491231235959Z', Date.UTC(2049, 11, 31, 23, 59, 59), true],
    [0x17, '500101000000Z', Date.UTC(1950, 0), true],
    [0x17, '000229000000Z', Date.UTC(2000, 1, 29), true],
    [0x18, '20500101000000Z', Date.UTC(2050, 0), true],
    [0x18, '20491231235959Z', Date.UTC(2049, 11, 31, 23, 59, 59), false],
    [0x18, '99991231235959Z', Date.UTC(9999, 11, 31, 23, 59, 59), true],
  ])('%i %s', (tag, text, time, proper) => {
    expect(read(takeDate, tag, Buffer.from(text))).toEqual({ ok: true, value: { time, proper } });
  });

  test.each([
    [0x17, '2501010000Z'],
    [0x17, '250101000000+0000'],
    [0x17, '250101000000z'],
    [0x17, '250229000000Z'],
    [0x17, '250001000000Z'],
    [0x17, '250132000000Z'],
    [0x17, '250101240000Z'],
    [0x17, '250101006000Z'],
    [0x17, '250101000060Z'],
    [0x18, '20500101000000.5Z'],
    [0x18, '2050010100Z'],
    [0x18, '00500101000000Z'],
    [0x04, '250101000000Z'],
  ])('%i %s is none', (tag, text) => {
    expect(read(takeDate, tag, Buffer.from(text))).toMatchObject({ ok: false });
  });

  test('in the long form alone may be of any year', () => {
    expect(read(takeGeneralizedTime, 0x18, Buffer.from('20260101000000Z'))).toEqual({
      ok: true,
      value: Date.UTC(2026, 0),
    });
  });
});
