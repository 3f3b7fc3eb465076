import { expect, test } from 'vitest';
import { digestOf, Verdicts } from '../../src/auth/verdicts.ts';

test('one is kept for its life and not a moment longer', () => {
  const verdicts = new Verdicts<string>({ ceiling: 10, life: 1_000 });
  verdicts.set('a', 'right', 0);
  expect(verdicts.get('a', 999)).toBe('right');
  expect(verdicts.get('a', 1_000)).toBeUndefined();
  expect(verdicts.size).toBe(0);
});

test('asking for one does not make it live longer', () => {
  const verdicts = new Verdicts<string>({ ceiling: 10, life: 1_000 });
  verdicts.set('a', 'right', 0);
  for (let now = 0; now < 1_000; now += 100) verdicts.get('a', now);
  expect(verdicts.get('a', 1_000)).toBeUndefined();
});

test('there are never more than the ceiling, and the longest unused goes first', () => {
  const verdicts = new Verdicts<number>({ ceiling: 3, life: 1_000 });
  for (const [index, name] of ['a', 'b', 'c'].entries()) verdicts.set(name, index, 0);
  expect(verdicts.get('a', 1)).toBe(0);
  verdicts.set('d', 3, 1);
  expect(verdicts.size).toBe(3);
  expect(verdicts.get('b', 1)).toBeUndefined();
  expect(['a', 'c', 'd'].map((name) => verdicts.get(name, 1))).toEqual([0, 2, 3]);
  verdicts.clear();
  expect(verdicts.size).toBe(0);
});

test('the key holds nothing of the password, and is another for every other pair', () => {
  const key = digestOf('Basic YWxpY2U6c2VjcmV0');
  expect(key).toBe(digestOf('Basic YWxpY2U6c2VjcmV0'));
  expect(Buffer.from(key, 'base64')).toHaveLength(32);
  expect(key).not.toMatch(/YWxp/);
  const others = ['Basic YWxpY2U6c2VjcmV1', 'Basic YWxpY2U6c2VjcmV', 'basic YWxpY2U6c2VjcmV0', ''];
  expect(new Set([key, ...others.map(digestOf)]).size).toBe(5);
});
