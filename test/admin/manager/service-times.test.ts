import { expect, test } from 'vitest';
import { medians, serviceTimes } from '../../../src/admin/manager/service-times.ts';
import { sources } from './sources.ts';

test('percentiles are told in steps of five, of seven kinds, for 5 and 60 minutes', () => {
  const lines = serviceTimes(sources()).trimEnd().split('\n');
  expect(lines).toHaveLength(1 + 7 * 19);
  expect(lines[0]).toBe('Service Time Percentiles            5 min    60 min:');
  expect(lines[1]).toBe('\tHTTP Requests (All):   5%   0.05250  0.05250');
  expect(lines[10]).toBe('\tHTTP Requests (All):  50%   0.07500  0.07500');
  expect(lines.at(-1)).toBe('\tICP Queries:          95%   0.00000  0.00000');
});

test('the medians are one line each', () => {
  expect(medians(sources()).map((line) => line.slice(1, 22).trim())).toEqual([
    'HTTP Requests (All):',
    'Cache Misses:',
    'Cache Hits:',
    'Near Hits:',
    'Not-Modified Replies:',
    'DNS Lookups:',
    'ICP Queries:',
  ]);
});
