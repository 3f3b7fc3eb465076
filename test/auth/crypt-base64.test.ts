import { expect, test } from 'vitest';
import { cryptBase64 } from '../../src/auth/crypt-base64.ts';

test('three bytes are four characters, the lowest bits first', () => {
  expect(cryptBase64(Uint8Array.of(0, 0, 1), [[0, 1, 2]])).toBe('/...');
  expect(cryptBase64(Uint8Array.of(0x04, 0x10, 0x41), [[0, 1, 2]])).toBe('////');
  expect(cryptBase64(Uint8Array.of(255, 255, 255), [[0, 1, 2]])).toBe('zzzz');
});

test('two bytes are three, one byte is two', () => {
  expect(cryptBase64(Uint8Array.of(0, 1), [[0, 1]])).toBe('/..');
  expect(cryptBase64(Uint8Array.of(255), [[0]])).toBe('z1');
});

test('the order of the bytes is the order of the groups', () => {
  expect(cryptBase64(Uint8Array.of(1, 0, 0, 0), [[3, 2, 1], [0]])).toBe('..../.');
});
