// One timer for many deadlines: moved, cleared, brought forward, and gone with its connection.

import { describe, expect, onTestFinished, test, vi } from 'vitest';

/** A deadline, the times at which it passed, and a clock to move. */
async function start() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  // Clocks are kept, and those of another test run by other hands.
  vi.resetModules();
  const { Deadline } = await import('../../src/net/deadline.ts');
  const { clocksLent } = await import('../../src/net/clock.ts');
  const begin = performance.now();
  const passed: number[] = [];
  const deadline = new Deadline(() => void passed.push(performance.now() - begin));
  return { Deadline, deadline, passed, clocksLent };
}

describe('a deadline', () => {
  test('passes once, in its time', async () => {
    const { deadline, passed } = await start();
    deadline.set(100);
    vi.advanceTimersByTime(99);
    expect(passed).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(passed).toEqual([100]);
  });

  test('that is moved later passes later, and costs no timer each time', async () => {
    const { deadline, passed } = await start();
    for (let at = 0; at < 10; at += 1) {
      deadline.set(100);
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(50);
    }
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual([550]);
  });

  test('that is brought forward passes earlier', async () => {
    const { deadline, passed } = await start();
    deadline.set(1_000);
    deadline.set(10);
    vi.advanceTimersByTime(5_000);
    expect(passed).toEqual([10]);
  });

  test('that is cleared does not pass, and may be set again before its timer has come due', async () => {
    const { deadline, passed } = await start();
    deadline.set(100);
    deadline.clear();
    vi.advanceTimersByTime(50);
    deadline.set(200);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual([250]);
  });

  test('may be set anew when it passes', async () => {
    const { deadline, passed } = await start();
    deadline.set(100);
    vi.advanceTimersByTime(100);
    deadline.set(50);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual([100, 150]);
  });

  test('that has ended does not pass, and leaves its timer to the next one', async () => {
    const { Deadline, deadline, passed, clocksLent } = await start();
    deadline.set(100);
    expect(clocksLent()).toBe(1);
    deadline.end();
    deadline.end();
    expect([clocksLent(), vi.getTimerCount()]).toEqual([0, 1]);
    vi.advanceTimersByTime(10);
    const late: number[] = [];
    const next = new Deadline(() => void late.push(performance.now()));
    const begin = performance.now();
    next.set(500);
    expect([clocksLent(), vi.getTimerCount()]).toEqual([1, 1]);
    vi.advanceTimersByTime(10_000);
    expect([passed, late]).toEqual([[], [begin + 500]]);
    next.end();
    expect([clocksLent(), vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('that has a clock which comes due later passes in its own time', async () => {
    const { Deadline, deadline, passed } = await start();
    deadline.set(10_000);
    deadline.end();
    const next = new Deadline(() => void passed.push(performance.now()));
    const begin = performance.now();
    next.set(20);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(30_000);
    expect(passed).toEqual([begin + 20]);
  });

  test.each(['set before', 'never set'])('that has ended (%s) is not set again, and takes no clock', async (how) => {
    const { deadline, passed, clocksLent } = await start();
    if (how === 'set before') deadline.set(100);
    deadline.end();
    deadline.set(50);
    vi.advanceTimersByTime(1_000);
    expect([passed, clocksLent()]).toEqual([[], 0]);
  });
});
