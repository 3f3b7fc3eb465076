import { expect, test } from 'vitest';
import { readDer } from '../../src/wire/der.ts';
import { readAlternativeNames, readNameConstraints } from '../../src/wire/general-names.ts';
import { der } from '../support/der.ts';

const list = (...names: number[][]): Uint8Array => Uint8Array.from(der(0x30, names.flat()));
const dns = (text: string): number[] => der(0x82, Buffer.from(text, 'latin1'));

test('names, addresses, mail and URI are told apart, others are passed over', () => {
  const others = [der(0x86, Buffer.from('http://u')), der(0xa4, []), der(0x81, Buffer.from('a@b'))];
  const bytes = list(dns('a'), der(0x87, [1, 2, 3, 4]), ...others, dns('b\0c'));
  const value = {
    dnsNames: ['a', 'b\0c'],
    ipAddresses: [Uint8Array.of(1, 2, 3, 4)],
    otherNames: ['http://u', 'a@b'],
  };
  expect(readDer(bytes, 'names', readAlternativeNames)).toEqual({ ok: true, value });
});

test('subtrees stand on either side', () => {
  const bytes = list(der(0xa0, der(0x30, dns('a'))), der(0xa1, [...der(0x30, dns('b')), ...der(0x30, der(0xa4, []))]));
  const value = { permitted: { dns: ['a'], ip: [] }, excluded: { dns: ['b'], ip: [] } };
  expect(readDer(bytes, 'limits', readNameConstraints)).toEqual({ ok: true, value });
});

test.each([
  ['an address of 16 bytes as subtree', list(der(0xa0, der(0x30, der(0x87, new Uint8Array(16)))))],
  ['an unknown side', list(der(0xa2, der(0x30, dns('a'))))],
  ['a side twice', list(der(0xa0, der(0x30, dns('a'))), der(0xa0, der(0x30, dns('a'))))],
])('%s is malformed', (_, bytes) => {
  expect(readDer(bytes, 'limits', readNameConstraints)).toMatchObject({ ok: false });
});
