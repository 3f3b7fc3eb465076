import { describe, expect, test } from 'vitest';
import { EVERY, History, type Sample } from '../../src/metrics/history.ts';
import { totalOf } from '../../src/metrics/measures.ts';

/** Of a proxy that serves 10 requests a minute. */
function sample(minute: number): Sample {
  const at = minute * EVERY;
  return { at, time: 1_000_000 + at, measures: { series: { requests: { request: 10 * minute } }, durations: {} } };
}

function historyOf(minutes: number): History {
  const history = new History();
  for (let minute = 0; minute <= minutes; minute += 1) history.add(sample(minute));
  return history;
}

describe('a span', () => {
  test.each([
    ['reaches back as far as it says', 30, 5, 30.25, 5.25, 52.5],
    ['of a punctual timer is exact', 30, 5, 30, 5, 50],
    ['begins with the first sample where that is later', 3, 60, 3.5, 3.5, 35],
    ['of an hour has an hour, though more has passed', 200, 60, 200, 60, 600],
    ['of a proxy that has just begun is empty', 0, 5, 0, 0, 0],
  ])('%s', (_name, recorded, minutes, now, length, requests) => {
    const { seconds, measures } = historyOf(recorded).span(minutes, sample(now));
    expect([seconds / 60, totalOf(measures, 'requests')]).toEqual([length, requests]);
  });
});
