// One timer for many deadlines: moved, cleared, brought forward, and gone with its connection.

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Deadline } from '../../src/net/deadline.ts';

/** A deadline, the times at which it passed, and a clock to move. */
function start() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const begin = performance.now();
  const passed: number[] = [];
  const deadline = new Deadline(() => void passed.push(performance.now() - begin));
  return { deadline, passed };
}

describe('a deadline', () => {
  test('passes once, in its time', () => {
    const { deadline, passed } = start();
    deadline.set(100);
    vi.advanceTimersByTime(99);
    expect(passed).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(passed).toEqual([100]);
  });

  test('that is moved later passes later, and costs no timer each time', () => {
    const { deadline, passed } = start();
    for (let at = 0; at < 10; at += 1) {
      deadline.set(100);
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(50);
    }
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual([550]);
  });

  test('that is brought forward passes earlier', () => {
    const { deadline, passed } = start();
    deadline.set(1_000);
    deadline.set(10);
    vi.advanceTimersByTime(5_000);
    expect(passed).toEqual([10]);
  });

  test('that is cleared does not pass, and may be set again before its timer has come due', () => {
    const { deadline, passed } = start();
    deadline.set(100);
    deadline.clear();
    vi.advanceTimersByTime(50);
    deadline.set(200);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual([250]);
  });

  test('may be set anew when it passes', () => {
    const { deadline, passed } = start();
    deadline.set(100);
    vi.advanceTimersByTime(100);
    deadline.set(50);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual([100, 150]);
  });

  test('that has ended leaves no timer', () => {
    const { deadline, passed } = start();
    deadline.set(100);
    deadline.end();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual([]);
  });
});
