import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { MIN_TOKEN, parseTokens, userOfToken } from '../../src/auth/tokens.ts';

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');
const lines = (...texts: string[]) => texts.map((text, index) => ({ line: index + 1, text }));
const OLD = 'old-token-of-vm-12';
const NEW = 'new-token-of-vm-12';

test('a user may have several tokens, in either spelling of the digest', () => {
  const read = parseTokens(lines(`vm-12:${digest(OLD)}`, `vm-12:${digest(NEW).toUpperCase()}`));
  if (!read.ok) throw new Error('not read');
  expect(userOfToken(read.value, OLD)).toBe('vm-12');
  expect(userOfToken(read.value, NEW)).toBe('vm-12');
  expect(userOfToken(read.value, `${NEW}x`)).toBeUndefined();
  expect(userOfToken(read.value, digest(OLD))).toBeUndefined();
});

test('a token that somebody could guess is not even looked up', () => {
  const short = 'x'.repeat(MIN_TOKEN - 1);
  const read = parseTokens(lines(`vm:${digest(short)}`, `vn:${digest(`${short}x`)}`));
  expect(read.ok && userOfToken(read.value, short)).toBeUndefined();
  expect(read.ok && userOfToken(read.value, `${short}x`)).toBe('vn');
});

test('what is no digest is told by its line and not quoted, since it may be the token', () => {
  const read = parseTokens(
    lines(`vm-1:${OLD}`, digest(OLD), `vm-2:${digest(OLD)}`, `vm-3:${digest(OLD)}`, `:${digest(NEW)}`),
  );
  const problems = read.ok ? [] : read.problems;
  expect(problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
    expect.stringMatching(/^1 "vm-1": what stands behind the colon is no SHA-256 in hexadecimal/),
    '2 a line is NAME:SHA-256 of the token: there is no name',
    '4 "vm-3": this token is there already; two names cannot share one',
    '5 a line is NAME:SHA-256 of the token: it is empty',
  ]);
  expect(JSON.stringify(problems)).not.toContain(OLD);
});
