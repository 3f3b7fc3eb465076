import { describe, expect, test } from 'vitest';
import { bothRanges, hasRanges, normalRanges, otherRanges } from '../../src/squid/ranges.ts';

const of = (...pairs: readonly (readonly [number, number])[]) =>
  pairs.map(([first, last]) => ({ first: BigInt(first), last: BigInt(last) }));

describe('ranges', () => {
  test('are put together where they touch', () => {
    expect(normalRanges(of([5, 6], [1, 2], [3, 4], [9, 9]))).toEqual(of([1, 6], [9, 9]));
  });
  test('have in common what is in both', () => {
    expect(bothRanges(of([1, 5], [8, 9]), of([4, 8]))).toEqual(of([4, 5], [8, 8]));
  });
  test('leave the others', () => {
    expect(otherRanges(of([2, 3], [5, 9]), { first: 1n, last: 9n })).toEqual(of([1, 1], [4, 4]));
  });
  test('hold or do not hold others', () => {
    expect(hasRanges(of([1, 9]), of([2, 3], [9, 9]))).toBe(true);
    expect(hasRanges(of([1, 8]), of([8, 9]))).toBe(false);
  });
});
