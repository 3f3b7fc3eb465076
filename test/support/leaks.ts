// Holds each test of a file to leaving nothing behind: no socket, no listener, and no timer of ours.

import { createHook } from 'node:async_hooks';
import { sep } from 'node:path';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { clocksLent } from '../../src/net/clock.ts';
import { until } from './rig.ts';

const CLOCK = `${sep}net${sep}clock.ts`;
const KINDS = ['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'ConnectWrap'] as const;

const held = (): number[] => {
  const all = process.getActiveResourcesInfo();
  return KINDS.map((kind) => all.filter((one) => one === kind).length);
};

/** Timers that code below `src/` has set and that have neither come due nor been cleared: where each was set. */
const timers = new Map<number, string>();
const watch = createHook({
  init: (id, type) => {
    if (type !== 'Timeout') return;
    const place = (new Error().stack ?? '').split('\n').find((line) => line.includes(`${sep}src${sep}`));
    // A clock runs on for whoever needs it next; that it is nobody's is looked at by itself.
    if (place && !place.includes('node_modules') && !place.includes(CLOCK)) timers.set(id, place.trim());
  },
  destroy: (id) => void timers.delete(id),
});

/** Called once at the top of a test file. What a test opened with `onTestFinished` to close it is closed before we look. */
export function expectNothingLeft(): void {
  beforeAll(() => void watch.enable());
  afterAll(() => void watch.disable());
  beforeEach(() => {
    const before = held();
    timers.clear();
    const lent = clocksLent();
    onTestFinished(() =>
      until(
        () =>
          timers.size === 0 && clocksLent() <= lent && held().every((count, index) => count <= (before[index] ?? 0)),
        'everything to be closed',
        () =>
          [
            ...KINDS.map((kind, at) => `${kind}: ${before[at]} before, ${held()[at]} after`),
            `clocks: ${lent} before, ${clocksLent()} after`,
            ...timers.values(),
          ].join('\n'),
      ),
    );
  });
}
