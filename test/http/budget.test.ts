// A budget: so many at once, and so many a second from then on.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { Budget } from '../../src/http/budget.ts';

describe('a budget', () => {
  afterEach(() => void vi.useRealTimers());

  test('has its burst at once, and not one more', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const budget = new Budget(10, 5);
    for (let at = 0; at < 10; at += 1) expect(budget.exceededBy(1)).toBe(false);
    expect(budget.exceededBy(1)).toBe(true);
  });

  test('comes back with time, up to its burst', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const budget = new Budget(10, 5);
    expect(budget.exceededBy(10)).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(budget.exceededBy(5)).toBe(false);
    expect(budget.exceededBy(1)).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(budget.exceededBy(10)).toBe(false);
    expect(budget.exceededBy(1)).toBe(true);
  });

  test('is not filled by less than nothing beyond its burst', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const budget = new Budget(10, 5);
    expect(budget.exceededBy(-1_000)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(budget.exceededBy(10)).toBe(false);
    expect(budget.exceededBy(1)).toBe(true);
  });
});
