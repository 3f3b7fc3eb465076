import { describe, expect, test } from 'vitest';
import * as der from '../../src/pki/der.ts';

const hex = (value: der.Der): string => der.encode(value).toString('hex');

describe('DER values', () => {
  test.each<[string, der.Der, string]>([
    ['an empty SEQUENCE', der.sequence(), '3000'],
    ['a SEQUENCE of NULL and TRUE', der.sequence(der.nothing(), der.yes()), '300505000101ff'],
    ['a SET', der.set(der.nothing()), '31020500'],
    ['an OID', der.oid('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    ['OCTETS with all kinds of bytes', der.octets(Uint8Array.of(0, 127, 128, 255)), '0404007f80ff'],
    ['an INTEGER of one byte', der.smallInteger(2), '020102'],
    ['an INTEGER of two bytes', der.smallInteger(2048), '02020800'],
    ['a BIT STRING', der.bits(Uint8Array.of(0x80), 7), '03020780'],
    ['UTF-8 beyond ASCII', der.utf8('é'), '0c02c3a9'],
    ['a BMPString', der.bmp('A€'), '1e04004120ac'],
    ['an explicit tag', der.explicit(3, der.nothing()), 'a3020500'],
    ['an implicit tag', der.implicit(2, Buffer.from('a.b')), '8203612e62'],
    [
      'the last UTCTime',
      der.time(new Date('2049-12-31T23:59:59Z')),
      `170d${Buffer.from('491231235959Z').toString('hex')}`,
    ],
    [
      'the first GeneralizedTime',
      der.time(new Date('2050-01-01T00:00:00Z')),
      `180f${Buffer.from('20500101000000Z').toString('hex')}`,
    ],
  ])('%s', (_, value, expected) => {
    expect(hex(value)).toBe(expected);
  });

  test.each([0, 1, 127, 128, 255, 256, 70_000])('an encoded SEQUENCE of %i bytes goes in as it stands', (length) => {
    const bytes = der.encode(der.sequence(der.octets(Buffer.alloc(length, 0xa5))));
    expect(der.encode(der.encodedSequence(bytes)).equals(bytes)).toBe(true);
  });

  test.each([
    ['empty', ''],
    ['another tag', '3100'],
    ['a length cut off', '3082'],
  ])('%s is not a SEQUENCE', (_, text) => {
    expect(() => der.encodedSequence(Buffer.from(text, 'hex'))).toThrow('not an encoded SEQUENCE');
  });

  test('what was written is read back', () => {
    const [flag, id, bytes, tagged] = der.members(
      der.decode(
        der.encode(
          der.sequence(
            der.yes(),
            der.oid('2.5.29.15'),
            der.octets(Uint8Array.of(1, 255)),
            der.implicit(2, Uint8Array.of(9)),
          ),
        ),
      ),
    );
    expect(der.isTrue(flag)).toBe(true);
    expect(der.isTrue(id)).toBe(false);
    expect(der.dotted(id)).toBe('2.5.29.15');
    expect(der.dotted(bytes)).toBe('');
    expect(der.content(bytes)).toEqual(Buffer.of(1, 255));
    expect(tagged && der.isContext(tagged, 2)).toBe(true);
    expect(tagged && der.isContext(tagged, 3)).toBe(false);
    expect(der.members(bytes)).toEqual([]);
    expect(der.members(undefined)).toEqual([]);
  });

  test('DER that is cut off is refused', () => {
    expect(() => der.decode(Buffer.from('300501', 'hex'))).toThrow();
  });
});
