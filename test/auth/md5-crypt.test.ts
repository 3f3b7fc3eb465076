// Held against openssl, which has its own code for both.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { md5Crypt } from '../../src/auth/md5-crypt.ts';

const PASSWORDS = ['x', 'secret', 'a'.repeat(15), 'a'.repeat(16), 'a'.repeat(17), 'pässwörd', 'b'.repeat(200)];

test.each([
  ['-apr1', '$apr1$'],
  ['-1', '$1$'],
] as const)('openssl passwd %s makes the same of every password', (option, magic) => {
  const made = execFileSync('openssl', ['passwd', option, '-salt', 'aB3./x9Z', ...PASSWORDS], { encoding: 'utf8' });
  const ours = PASSWORDS.map((password) => `${magic}aB3./x9Z$${md5Crypt(Buffer.from(password), 'aB3./x9Z', magic)}`);
  expect(ours).toEqual(made.trim().split('\n'));
});
