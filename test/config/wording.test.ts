import { describe, expect, test } from 'vitest';
import { formatPath, oneOf, show } from '../../src/config/wording.ts';

describe('a value in a message', () => {
  test.each([
    ['denny', '"denny"'],
    ['say "a"\n', '"say \\"a\\"\\n"'],
    [5, '5'],
    [true, 'true'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [null, 'nothing'],
    [undefined, 'nothing'],
    [[1], 'a list'],
    [{ a: 1 }, 'keys and values'],
    ['x'.repeat(61), `"${'x'.repeat(60)}…"`],
  ])('%j reads %s', (value, text) => {
    expect(show(value)).toBe(text);
  });
});

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b'], 'a or b'],
  [['a', 'b', 'c'], 'a, b or c'],
])('the choice of %j reads %j', (words, text) => {
  expect(oneOf(words)).toBe(text);
});

test.each([
  [[], ''],
  [['policy'], 'policy'],
  [['policy', 'rules', 2, 'hosts', 0], 'policy.rules[2].hosts[0]'],
  [['resolver', 'hosts', 'a.test'], 'resolver.hosts["a.test"]'],
  [[''], '[""]'],
  [['a b', 'c-d'], '["a b"].c-d'],
])('the path %j reads %s', (path, text) => {
  expect(formatPath(path)).toBe(text);
});
