// The wait for connections to end: over when none is left, or when its time is.

import { expect, test } from 'vitest';
import { drained } from '../../src/net/drained.ts';

test('is over when nothing is left, and hastens until then', async () => {
  let left = 2;
  let calls = 0;
  await drained(
    () => left === 0,
    () => Number.POSITIVE_INFINITY,
    () => {
      calls += 1;
      if (calls > 1) left -= 1;
    },
  );
  expect([left, calls]).toEqual([0, 3]);
});

test('is over at its end, which may be moved meanwhile', async () => {
  let end = Number.POSITIVE_INFINITY;
  let calls = 0;
  await drained(
    () => false,
    () => end,
    () => {
      calls += 1;
      if (calls === 2) end = performance.now();
    },
  );
  expect(calls).toBe(2);
});
