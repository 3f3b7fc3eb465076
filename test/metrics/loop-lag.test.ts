import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { BOUNDS, countOf } from '../../src/core/histogram.ts';
import { LoopLag } from '../../src/metrics/loop-lag.ts';

/** Turns of the loop that were late by more than 200 ms. */
function late(lag: LoopLag): number {
  return lag
    .read()
    .counts.slice(BOUNDS.indexOf(200) + 1)
    .reduce((sum, count) => sum + count, 0);
}

test('a loop that stands still is told as late, once', async () => {
  const lag = new LoopLag();
  onTestFinished(() => lag.end());
  await wait(150);
  const end = performance.now() + 500;
  while (performance.now() < end);
  const before = countOf(lag.read());
  while (countOf(lag.read()) === before) await wait(5);
  expect(late(lag)).toBe(1);
});

test('nothing is looked at behind its end', async () => {
  const lag = new LoopLag();
  lag.end();
  await wait(150);
  expect(countOf(lag.read())).toBe(0);
});
