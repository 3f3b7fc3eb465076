// A timer is lent, runs on when it is given back, and rings for whoever has it then.

import { describe, expect, onTestFinished, test, vi } from 'vitest';

/** Clocks that no other test has had, and time that stands still. */
async function start() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  vi.resetModules();
  const { Clock, clocksLent } = await import('../../src/net/clock.ts');
  const begin = performance.now();
  const rings: [who: string, at: number][] = [];
  const lend = (who: string) => Clock.lend(() => void rings.push([who, performance.now() - begin]));
  const set = (clock: ReturnType<typeof lend>, milliseconds: number): void => {
    const now = performance.now();
    clock.setFor(now + milliseconds, now);
  };
  return { lend, set, rings, clocksLent };
}

describe('a clock', () => {
  test('rings once, when it is due', async () => {
    const { lend, set, rings } = await start();
    set(lend('a'), 100);
    vi.advanceTimersByTime(10_000);
    expect(rings).toEqual([['a', 100]]);
  });

  test('that is set for later than it is due rings when it is due', async () => {
    const { lend, set, rings } = await start();
    const clock = lend('a');
    set(clock, 100);
    set(clock, 500);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(10_000);
    expect(rings).toEqual([['a', 100]]);
  });

  test('that is set for earlier rings then, and not again', async () => {
    const { lend, set, rings } = await start();
    const clock = lend('a');
    set(clock, 500);
    set(clock, 100);
    vi.advanceTimersByTime(10_000);
    expect(rings).toEqual([['a', 100]]);
  });

  test('can be set again once it has rung', async () => {
    const { lend, set, rings } = await start();
    const clock = lend('a');
    set(clock, 100);
    vi.advanceTimersByTime(100);
    set(clock, 100);
    vi.advanceTimersByTime(10_000);
    expect(rings).toEqual([
      ['a', 100],
      ['a', 200],
    ]);
  });

  test('that is given back runs on, and rings for nobody', async () => {
    const { lend, set, rings, clocksLent } = await start();
    const clock = lend('a');
    set(clock, 100);
    clock.giveBack();
    expect([clocksLent(), vi.getTimerCount()]).toEqual([0, 1]);
    vi.advanceTimersByTime(10_000);
    expect([rings, vi.getTimerCount()]).toEqual([[], 0]);
  });

  test('rings for whoever has it next, though not in time for what that waits for', async () => {
    const { lend, set, rings, clocksLent } = await start();
    const clock = lend('a');
    set(clock, 100);
    clock.giveBack();
    const next = lend('b');
    expect(next).toBe(clock);
    set(next, 1_000);
    expect([clocksLent(), vi.getTimerCount()]).toEqual([1, 1]);
    vi.advanceTimersByTime(10_000);
    expect(rings).toEqual([['b', 100]]);
  });

  test('keeps no process alive', async () => {
    vi.useRealTimers();
    const { Clock } = await import('../../src/net/clock.ts');
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const clock = Clock.lend(() => undefined);
    const now = performance.now();
    clock.setFor(now + 50, now);
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length).toBe(before);
    clock.giveBack();
  });
});

test('some hundred clocks are kept for the next ones, not thousands', async () => {
  const { lend, set, clocksLent } = await start();
  const all = Array.from({ length: 1_000 }, () => lend('a'));
  for (const clock of all) set(clock, 1_000);
  expect([clocksLent(), vi.getTimerCount()]).toEqual([1_000, 1_000]);
  for (const clock of all) clock.giveBack();
  expect(clocksLent()).toBe(0);
  expect(vi.getTimerCount()).toBe(256);
});
