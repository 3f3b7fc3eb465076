import { expect, test } from 'vitest';
import { countOf, Histogram } from '../../src/core/histogram.ts';
import {
  addMeasures,
  countsOf,
  durationsOf,
  type Measures,
  measuresSince,
  NO_MEASURES,
  totalOf,
  whatStays,
} from '../../src/metrics/measures.ts';

function durations(...milliseconds: number[]) {
  const histogram = new Histogram();
  for (const each of milliseconds) histogram.observe(each);
  return histogram.read();
}

const a: Measures = {
  series: { transactions: { forwarded: 2, denied: 1 }, connections: { '': 3 } },
  durations: { mint: durations(1) },
};
const b: Measures = {
  series: { transactions: { forwarded: 1, failed: 4 }, rules: { 'allow a b': 1 } },
  durations: { mint: durations(1, 2), dns: durations(5) },
};

test('the measures of two processes are added, label by label', () => {
  const sum = addMeasures(a, b);
  expect(sum.series).toEqual({
    transactions: { forwarded: 3, denied: 1, failed: 4 },
    connections: { '': 3 },
    rules: { 'allow a b': 1 },
  });
  expect([countOf(durationsOf(sum, 'mint')), countOf(durationsOf(sum, 'dns'))]).toEqual([3, 1]);
});

test('with nothing they stay what they are', () => {
  expect(addMeasures(a, NO_MEASURES)).toEqual(a);
  expect(addMeasures(NO_MEASURES, a)).toEqual(a);
});

test('what was counted in between is what is more', () => {
  const { series, durations: times } = measuresSince(addMeasures(a, b), a);
  expect(series['transactions']).toEqual({ forwarded: 1, denied: 0, failed: 4 });
  expect(times['mint']).toEqual(durations(1, 2));
});

test('of a process that has ended the counts stay, not what it held', () => {
  expect(whatStays(a)).toEqual({ series: { transactions: { forwarded: 2, denied: 1 } }, durations: a.durations });
});

test('what nobody has told is zero', () => {
  expect([totalOf(a, 'transactions'), totalOf(a, 'refusals')]).toEqual([3, 0]);
  expect(countsOf(a, 'refusals')).toEqual({});
  expect(countOf(durationsOf(a, 'lag'))).toBe(0);
});
