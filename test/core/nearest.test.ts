import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editDistance, nearest } from '../../src/core/nearest.ts';

describe('the edit distance', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['deny', 'deny', 0],
    ['denny', 'deny', 1],
    ['dney', 'deny', 1],
    ['dxny', 'deny', 1],
    ['alow', 'allow', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
  ])('from %j to %j is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  test('is the same both ways, zero for equals only, and never more than the longer word', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('the nearest word', () => {
  const keys = ['connectPorts', 'httpPorts', 'default', 'mode', 'rules', 'hosts', 'port'];

  test.each([
    ['connect_ports', 'connectPorts'],
    ['connect-ports', 'connectPorts'],
    ['HTTPPORTS', 'httpPorts'],
    ['conectPort', 'connectPorts'],
    ['mod', 'mode'],
    ['host', 'hosts'],
    ['prot', 'port'],
    ['defalut', 'default'],
  ])('to %s is %s', (word, meant) => {
    expect(nearest(word, keys)).toBe(meant);
  });

  test.each(['', 'x', 'zzzz', 'banana', '__proto__', 'm'.repeat(65)])('to %j is none of them', (word) => {
    expect(nearest(word, keys)).toBeUndefined();
  });

  test('is none where there are no candidates', () => {
    expect(nearest('deny', [])).toBeUndefined();
  });

  test('is the first of two that are equally near', () => {
    expect(nearest('bat', ['cat', 'hat'])).toBe('cat');
  });

  test('is never a word of which nothing is left', () => {
    expect(nearest('a', ['b'])).toBeUndefined();
  });
});
