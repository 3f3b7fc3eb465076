// Dead TLS contexts are looked for in time, though V8 sees no reason to.

import { once } from 'node:events';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { SWEEP_EVERY, sweepAfterContext } from '../../src/pki/context-sweep.ts';

test('each thousandth context that is gone is a reason to look for dead objects, the others are none', async () => {
  const swept = new EventTarget();
  let sweeps = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind, flags } = Object('detail' in entry ? entry.detail : {});
      const isForced = (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0;
      if (kind !== constants.NODE_PERFORMANCE_GC_MAJOR || !isForced) continue;
      sweeps += 1;
      swept.dispatchEvent(new Event('swept'));
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  onTestFinished(() => observer.disconnect());
  for (let round = 0; round < 2; round += 1) {
    for (let count = 0; count < SWEEP_EVERY - 1; count += 1) sweepAfterContext();
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    expect(sweeps).toBe(round);
    const heard = once(swept, 'swept');
    sweepAfterContext();
    await heard;
  }
  expect(sweeps).toBe(2);
});

test('no function of V8 becomes a global', () => {
  expect('gc' in globalThis).toBe(false);
});
