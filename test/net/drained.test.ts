// The wait for connections to end: over when none is left, or when its time is.

import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { drained } from '../../src/net/drained.ts';

test('is over when no socket is left, and hastens until then', async () => {
  const sockets = new Set([new Socket(), new Socket()]);
  let calls = 0;
  const hasten = (): void => {
    calls += 1;
    const [first] = sockets;
    if (first && calls > 1) sockets.delete(first);
  };
  await drained(sockets, () => Number.POSITIVE_INFINITY, hasten);
  expect([sockets.size, calls]).toEqual([0, 3]);
});

test('is over at its end, which may be moved meanwhile', async () => {
  const sockets = new Set([new Socket()]);
  let end = Number.POSITIVE_INFINITY;
  let calls = 0;
  await drained(
    sockets,
    () => end,
    () => {
      calls += 1;
      if (calls === 2) end = performance.now();
    },
  );
  expect([sockets.size, calls]).toEqual([1, 2]);
});
