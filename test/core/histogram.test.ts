import { describe, expect, test } from 'vitest';
import { addDistributions, BOUNDS, countOf, Histogram, NO_DURATIONS, quantile } from '../../src/core/histogram.ts';

function of(...milliseconds: number[]): Histogram {
  const histogram = new Histogram();
  for (const each of milliseconds) histogram.observe(each);
  return histogram;
}

test('the bounds rise, and each begins a bucket of its own', () => {
  expect([...BOUNDS].sort((a, b) => a - b)).toEqual(BOUNDS);
  expect(NO_DURATIONS.counts).toHaveLength(BOUNDS.length + 1);
});

describe('a duration is counted', () => {
  test.each([
    ['at zero in the first bucket', 0, 0],
    ['on a bound in the bucket below it', 1, BOUNDS.indexOf(1)],
    ['behind a bound in the next', 1.001, BOUNDS.indexOf(2)],
    ['beyond the last bound in the last bucket', 3_600_000, BOUNDS.length],
  ])('%s', (_name, milliseconds, bucket) => {
    const { counts, sum } = of(milliseconds).read();
    expect([counts.indexOf(1), countOf({ counts, sum }), sum]).toEqual([bucket, 1, milliseconds]);
  });
});

test('what is read is not changed by what is counted later', () => {
  const histogram = of(5);
  const read = histogram.read();
  histogram.observe(5);
  expect([countOf(read), countOf(histogram.read())]).toEqual([1, 2]);
});

test('distributions are added, and taken from each other, bucket by bucket', () => {
  const [a, b] = [of(1, 100).read(), of(1, 5_000).read()];
  const sum = addDistributions(a, b);
  expect([countOf(sum), sum.sum, sum.counts[BOUNDS.indexOf(1)]]).toEqual([4, 5_102, 2]);
  expect(addDistributions(sum, b, -1)).toEqual(a);
});

describe('a quantile', () => {
  test.each([
    ['of nothing is zero', [], 0.5, 0],
    ['lies in the bucket of the one there is', [150], 1, 200],
    ['is as far into its bucket as its share', [150, 150, 150, 150], 0.5, 150],
    ['passes over the buckets below', [1, 1, 1, 150], 1, 200],
    ['of what is beyond the last bound is that bound', [90_000], 0.5, 60_000],
  ])('%s', (_name, all, share, expected) => {
    expect(quantile(of(...all).read(), share)).toBeCloseTo(expected, 6);
  });
});
