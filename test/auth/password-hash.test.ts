// What htpasswd itself writes, of every kind that it knows, where it is here.

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { fits, isSlow, MAX_BCRYPT_COST, MAX_SHA_ROUNDS, parsePasswordHash } from '../../src/auth/password-hash.ts';
import { findTool } from '../support/run.ts';

const HTPASSWD = findTool('htpasswd');
const BCRYPT = '$2y$05$DVmf3FPaYZ8NZ3pD9Y1kuOPFXjJ9nK3nXbJ5l2G4XqzJ9kZ0pXq1a';

function parsed(text: string) {
  const hash = parsePasswordHash(text);
  if (!hash.ok) throw new Error(hash.reason);
  return hash.value;
}

describe.skipIf(!HTPASSWD)(`what htpasswd writes${HTPASSWD ? '' : ' (skipped: no htpasswd here)'}`, () => {
  const hashOf = (options: string[], password: string): string =>
    execFileSync(HTPASSWD ?? '', ['-nb', ...options, 'u', password], { encoding: 'utf8', stdio: 'pipe' })
      .trim()
      .slice(2);

  test.each([
    ['bcrypt', ['-B'], 'bcrypt'],
    ['bcrypt of cost 4', ['-B', '-C', '4'], 'bcrypt'],
    ['MD5', ['-m'], 'md5'],
    ['SHA-1', ['-s'], 'sha1'],
    ['SHA-256', ['-2'], 'sha256'],
    ['SHA-512', ['-5'], 'sha512'],
    ['SHA-512 of 6000 rounds', ['-5', '-r', '6000'], 'sha512'],
  ] as const)('%s fits its password and no other', (_name, options, kind) => {
    for (const password of ['secret', 'pässwörd ü', 'x'.repeat(72)]) {
      const hash = parsed(hashOf([...options], password));
      expect(hash.kind).toBe(kind);
      expect(fits(hash, password)).toBe(true);
      expect(fits(hash, `${password}x`)).toBe(false);
      expect(fits(hash, password.slice(0, -1))).toBe(false);
      expect(fits(hash, password.toUpperCase())).toBe(false);
    }
  });

  test('DES, which looks at eight characters, and plain text are not taken', () => {
    expect(parsePasswordHash(hashOf(['-d'], 'secret'))).toMatchObject({ ok: false, reason: /DES/ });
    expect(parsePasswordHash(hashOf(['-p'], 'secret'))).toMatchObject({ ok: false, reason: /plain text/ });
  });
});

describe('a hash', () => {
  test.each([
    ['$2a$ of bcrypt', BCRYPT.replace('$2y', '$2a'), 'bcrypt'],
    ['$2b$ of bcrypt', BCRYPT.replace('$2y', '$2b'), 'bcrypt'],
    ['the MD5 of crypt(3)', '$1$1bAabfN2$NThpZ4X6/vuc2wTJK0D6Y1', 'md5'],
  ])('%s is taken', (_name, text, kind) => {
    expect(parsed(text).kind).toBe(kind);
  });

  test.each([
    ['the broken bcrypt of before 2011', BCRYPT.replace('$2y', '$2x'), /kind that is not taken/],
    [
      'bcrypt that would take for ever',
      BCRYPT.replace('$05', `$${MAX_BCRYPT_COST + 1}`),
      /its bcrypt cost is 15; 4 to 14/,
    ],
    ['bcrypt of no cost', BCRYPT.replace('$05', '$03'), /its bcrypt cost is 3/],
    ['bcrypt cut short', BCRYPT.slice(0, -1), /kind that is not taken/],
    ['bcrypt that goes on', `${BCRYPT}x`, /kind that is not taken/],
    [
      'rounds that would take for ever',
      `$6$rounds=${MAX_SHA_ROUNDS + 1}$salt$${'x'.repeat(86)}`,
      /takes 500001 rounds/,
    ],
    ['SHA-512 cut short', `$6$salt$${'x'.repeat(85)}`, /damaged/],
    ['yescrypt', '$y$j9T$abc$def', /kind that is not taken/],
    ['Argon2', '$argon2id$v=19$m=65536$abc$def', /kind that is not taken/],
    ['salted SHA-1', '{SSHA}abcdefgh', /kind that is not taken/],
    ['DES', 'rqXexS6ZhobKA', /DES, which looks at 8 characters only/],
    ['plain text', 'correct horse', /plain text/],
    ['nothing', '', /plain text, or its hash is damaged/],
  ])('%s is refused, and not quoted', (_name, text, reason) => {
    const hash = parsePasswordHash(text);
    expect(hash).toMatchObject({ ok: false, reason });
    if (!hash.ok && text !== '') expect(hash.reason).not.toContain(text);
  });

  test('rounds below a thousand are a thousand, as the specification has it', () => {
    expect(parsed(`$5$rounds=10$salt$${'x'.repeat(43)}`)).toMatchObject({ rounds: 1_000 });
  });

  test('bcrypt does not take an ending for the right one beyond the 72 bytes it looks at', () => {
    const hash = { kind: 'bcrypt', text: '$2y$04$abcdefghijklmnopqrstuuJ0Jq0yqk1kQ1m1mX1nJc4p1q8f9lY1a' } as const;
    expect(fits(hash, 'x'.repeat(73))).toBe(false);
  });

  test('only SHA-1 is so fast that it may be compared between two requests', () => {
    expect(isSlow(parsed(BCRYPT))).toBe(true);
    expect(isSlow(parsed('{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='))).toBe(false);
    expect(fits(parsed('{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='), 'secret')).toBe(true);
  });
});
