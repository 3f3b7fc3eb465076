// TLS in Squid's words.

import { getCiphers } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { bumpMode, cipherName, versionName, versionOf } from '../../src/log/tls-words.ts';
import { makeEntry } from '../support/log-entries.ts';

describe('a version', () => {
  test.each([
    ['TLSv1.3', 'TLS/1.3'],
    ['TLSv1.2', 'TLS/1.2'],
    ['TLSv1', 'TLS/1.0'],
    ['unknown', 'unknown'],
  ])('%s is %s', (node, squid) => {
    expect(versionName(node)).toBe(squid);
  });

  test.each([
    [[0x7a7a, 0x0304, 0x0303], 'TLS/1.2', 'TLS/1.3'],
    [[0x0302, 0x0301], 'TLS/1.1', 'TLS/1.1'],
    [[0x7a7a], undefined, undefined],
    [undefined, undefined, undefined],
  ])('of a hello that offers %j', (versions, hello, best) => {
    expect([versionOf(versions, 'hello'), versionOf(versions, 'best')]).toEqual([hello, best]);
  });
});

describe('a cipher', () => {
  test.each([
    ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384'],
    ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
    ['TLS_RSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
    ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384', 'ECDHE-RSA-AES256-SHA384'],
    ['TLS_DHE_RSA_WITH_AES_128_GCM_SHA256', 'DHE-RSA-AES128-GCM-SHA256'],
    ['unknown', 'unknown'],
  ])('%s is what OpenSSL calls %s', (standard, openssl) => {
    expect(cipherName(standard)).toBe(openssl);
    if (openssl !== 'unknown') expect(getCiphers()).toContain(openssl.toLowerCase());
  });
});

test('the mode is that of the tunnel', () => {
  const inside = { tunnel: 't-1' } as const;
  expect(bumpMode(makeEntry({ ...inside, method: 'CONNECT', tls: 'bump', outcome: 'bumped' }))).toBe('bump');
  expect(bumpMode(makeEntry({ ...inside, method: 'CONNECT', outcome: 'terminated' }))).toBe('terminate');
  expect(bumpMode(makeEntry({ ...inside, method: 'CONNECT', tls: 'bump', outcome: 'spliced' }))).toBe('splice');
  expect(bumpMode(makeEntry(inside))).toBe('bump');
  expect(bumpMode(makeEntry())).toBeUndefined();
});
