import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { CIPHERS } from '../../src/pki/tls-suites.ts';

test('OpenSSL knows every suite, and finds nothing among them without ECDHE and AEAD', () => {
  const old = CIPHERS.split(':').filter((name) => !name.startsWith('TLS_'));
  const listed = execFileSync('openssl', ['ciphers', '-v', '-s', '-tls1_2', old.join(':')], { encoding: 'utf8' });
  const lines = listed.trim().split('\n');
  expect(lines).toHaveLength(old.length);
  for (const line of lines) expect(line).toMatch(/Kx=ECDH\s.*Mac=AEAD/);
});

test('the suites of TLS 1.3 are among them, or else Node would switch that version off', () => {
  expect(CIPHERS.split(':').filter((name) => name.startsWith('TLS_'))).toHaveLength(3);
});
