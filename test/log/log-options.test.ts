// What each of several workers has of the memory that a log may take.

import { expect, test } from 'vitest';
import { logsOfOne } from '../../src/log/log-options.ts';

test.each([
  ['all of it, alone', undefined, 1, 33_554_432],
  ['its part', undefined, 4, 8_388_608],
  ['its part of what was configured', 1_000_000, 3, 333_333],
  ['room for some lines, however many there are', 65_536, 64, 16_384],
])('a worker has %s', (_, waiting, workers, expected) => {
  const log = { path: '/a.log', format: 'squid', ...(waiting === undefined ? {} : { waiting }) } as const;
  expect(logsOfOne([log], workers)).toEqual([{ path: '/a.log', format: 'squid', waiting: expected }]);
});
