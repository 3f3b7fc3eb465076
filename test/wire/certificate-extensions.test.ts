// How the list is walked; what each extension says is tried on whole certificates in certificate.test.ts.

import { expect, test } from 'vitest';
import { NO_EXTENSIONS, readExtensions } from '../../src/wire/certificate-extensions.ts';
import { readDer } from '../../src/wire/der.ts';
import { der } from '../support/der.ts';

const extension = (oid: string, value: number[], flag: number[] = []): number[] =>
  der(0x30, [...der(6, Buffer.from(oid, 'hex')), ...flag, ...der(4, value)]);
const read = (...extensions: number[][]) => readDer(Uint8Array.from(extensions.flat()), 'list', readExtensions);
const CRITICAL = [1, 1, 0xff];

test('an unknown extension that is not critical says nothing', () => {
  expect(read(extension('2a03', [0xff]))).toEqual({ ok: true, value: NO_EXTENSIONS });
});

test.each(['551d20', '551d21', '551d24', '551d36', '551d1f'])('%s may be critical', (oid) => {
  expect(read(extension(oid, [], CRITICAL))).toMatchObject({ ok: true, value: { unknownCritical: [] } });
});

test.each(['2a03', '2b06010505070101', '2b06010401d679020403'])('%s must not be critical', (oid) => {
  expect(read(extension(oid, [], CRITICAL))).toMatchObject({ ok: true, value: { unknownCritical: [oid] } });
});

test('none leaves its mark on the next certificate', () => {
  read(extension('2a03', [], CRITICAL), extension('551d11', der(0x30, der(0x82, [97]))));
  expect(NO_EXTENSIONS).toEqual({ dnsNames: [], ipAddresses: [], mustStaple: false, unknownCritical: [] });
});

test.each([
  ['one is there twice', [extension('2a03', []), extension('2a03', [])], 'extension is there twice (OID 2a03)'],
  ['there is none', [], 'list is empty'],
])('%s: malformed', (_, extensions, reason) => {
  expect(read(...extensions)).toEqual({ ok: false, reason });
});
