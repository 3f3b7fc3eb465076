// Held against openssl, and against the vectors of the specification.

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { shaCrypt } from '../../src/auth/sha-crypt.ts';

const PASSWORDS = ['x', 'secret', 'a'.repeat(31), 'a'.repeat(32), 'a'.repeat(33), 'pässwörd', 'b'.repeat(200)];

test.each([
  ['-5', 'sha256'],
  ['-6', 'sha512'],
] as const)('openssl passwd %s makes the same of every password', (option, name) => {
  const made = execFileSync('openssl', ['passwd', option, '-salt', 'aB3./x9Z', ...PASSWORDS], { encoding: 'utf8' });
  const ours = PASSWORDS.map((password) => shaCrypt(Buffer.from(password), 'aB3./x9Z', 5_000, name));
  expect(ours).toEqual(
    made
      .trim()
      .split('\n')
      .map((line) => line.split('$')[3]),
  );
});

describe('the specification', () => {
  test.each([
    ['sha256', 'saltstringsaltst', 10_000, 'Hello world!', '3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
    [
      'sha256',
      'short',
      77_777,
      'we have a short salt string but not a short password',
      'JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/',
    ],
    [
      'sha512',
      'saltstringsaltst',
      10_000,
      'Hello world!',
      'OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    ],
  ] as const)('%s with salt %s and %d rounds', (name, salt, rounds, password, digest) => {
    expect(shaCrypt(Buffer.from(password), salt, rounds, name)).toBe(digest);
  });
});
