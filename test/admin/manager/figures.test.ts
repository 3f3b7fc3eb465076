import { expect, test } from 'vitest';
import { figuresOf, httpTime, kilobytes, ratio, stamp } from '../../../src/admin/manager/figures.ts';
import { NO_MEASURES } from '../../../src/metrics/measures.ts';
import { measuresAfter } from './sources.ts';

test('what Squid counts is made of what we count', () => {
  expect(figuresOf(measuresAfter(1))).toEqual({
    requests: 10,
    errors: 1,
    aborted: 0,
    kbIn: 10,
    kbOut: 100,
    serverRequests: 8,
    serverErrors: 0,
    serverKbIn: 80,
    serverKbOut: 10,
    cpu: 3,
    loops: 0,
  });
  expect(Object.values(figuresOf(NO_MEASURES)).every((figure) => figure === 0)).toBe(true);
});

test('times, sizes and ratios are spelled as Squid spells them', () => {
  expect(httpTime(0)).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
  expect([stamp(1_500.25), kilobytes(2_047), ratio(1, 4), ratio(1, 0)]).toEqual(['1.500250', 1, 0.25, 0]);
});
