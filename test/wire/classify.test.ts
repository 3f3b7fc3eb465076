// First bytes → protocol, at every prefix.

import { describe, expect, test } from 'vitest';
import { classify } from '../../src/wire/classify.ts';
import { hello } from '../support/client-hello.ts';

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');

test.each([
  ['a ClientHello', hello(), 'tls'],
  ['its first byte alone', Uint8Array.of(0x16), 'tls'],
  ['an SSL 3.0 handshake', Uint8Array.of(0x16, 3, 0), 'tls'],
  ['a handshake byte with another major version', Uint8Array.of(0x16, 2), 'other'],
  ['a TLS alert', Uint8Array.of(0x15, 3, 1, 0, 2), 'other'],
  ['an SSLv2 hello', Uint8Array.of(0x80, 0x2e, 1, 0, 2), 'other'],
  ['zeros', new Uint8Array(8), 'other'],
  ['an SSH banner', text('SSH-2.0-OpenSSH_9.2 Debian\r\n'), 'other'],
  ['a GET', text('GET / HTTP/1.1\r\n'), 'http'],
  ['a CONNECT', text('CONNECT a.test:443 HTTP/1.1\r\n'), 'http'],
  ['a method with a hyphen', text('VERSION-CONTROL / HTTP/1.1'), 'http'],
  ['the preface of HTTP/2', text('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 'http'],
  ['the longest method', text(`${'A'.repeat(24)} /`), 'http'],
  ['a longer one', text(`${'A'.repeat(25)} /`), 'other'],
  ['a method of lower case', text('get / HTTP/1.1'), 'other'],
  ['a space first', text(' GET /'), 'other'],
  ['a hyphen first', text('-GET /'), 'other'],
  ['a method with a line end for a space', text('GET\r\n'), 'other'],
  ['bytes beyond ASCII', Uint8Array.of(0x47, 0xc5, 0x54, 0x20), 'other'],
  ['nothing', new Uint8Array(0), 'more'],
])('%s', (_what, bytes, expected) => {
  expect(classify(bytes)).toBe(expected);
});

describe('every prefix', () => {
  test('of a GET says more up to the space', () => {
    const bytes = text('GET / HTTP/1.1\r\n\r\n');
    const answers = Array.from(bytes, (_, at) => classify(bytes.subarray(0, at)));
    expect(answers).toEqual(answers.map((_, at) => (at < 4 ? 'more' : 'http')));
  });

  test('of a ClientHello says tls from its first byte', () => {
    const bytes = hello();
    for (let size = 1; size <= bytes.length; size += 1) expect(classify(bytes.subarray(0, size))).toBe('tls');
  });

  test('of endless capitals says more 24 times, then other for good', () => {
    const bytes = text('A'.repeat(100));
    const answers = Array.from(bytes, (_, at) => classify(bytes.subarray(0, at + 1)));
    expect(answers).toEqual(answers.map((_, at) => (at < 24 ? 'more' : 'other')));
  });
});
