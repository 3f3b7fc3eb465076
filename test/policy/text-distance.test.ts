import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nearest, textDistance } from '../../src/policy/text-distance.ts';

describe('the distance of two words', () => {
  test.each([
    ['GET', 'GET', 0],
    ['GTE', 'GET', 1],
    ['GE', 'GET', 1],
    ['GEET', 'GET', 1],
    ['PET', 'GET', 1],
    ['', 'GET', 3],
    ['GET', '', 3],
    ['POST', 'PUT', 2],
    ['CA', 'ABC', 3],
  ])('from %j to %j it is %d', (a, b, expected) => {
    expect(textDistance(a, b)).toBe(expected);
  });

  test('is the same both ways, and nothing only for the same word', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(textDistance(a, b)).toBe(textDistance(b, a));
        expect(textDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });

  test.each([
    ['GTE', 1, 'GET'],
    ['PUST', 1, 'PUT'],
    ['PURGE', 1, undefined],
  ])('nearest to %s within %d is %s', (text, limit, expected) => {
    expect(nearest(text, ['GET', 'PUT', 'DELETE'], limit)).toBe(expected);
  });
});
