// The busiest words of a stream, in memory that does not grow.

import { describe, expect, test } from 'vitest';
import { TopList } from '../../src/core/top-list.ts';

const keys = (list: TopList, now: number): string[] => list.read(99, now).map(({ key }) => key);

describe('a top list', () => {
  test('tells rates a second, the busiest first', () => {
    const list = new TopList(8, 0);
    for (let time = 0; time < 30_000; time += 100) {
      list.add('often', time, 1_000);
      if (time % 1_000 === 0) list.add('seldom', time, 50);
    }
    const [often, seldom] = list.read(2, 30_000);
    expect(often?.key).toBe('often');
    expect(often?.rate).toBeCloseTo(10, 0);
    expect(often?.bytesRate).toBeCloseTo(10_000, -3);
    expect(seldom?.rate).toBeCloseTo(1, 0);
    expect(list.read(1, 30_000)).toHaveLength(1);
  });

  test('tells true rates from its first second on', () => {
    const list = new TopList(8, 0);
    for (let time = 0; time < 1_000; time += 50) list.add('a', time);
    expect(list.read(1, 1_000)[0]?.rate).toBeCloseTo(20, -1);
  });

  test('forgets what has stopped', () => {
    const list = new TopList(8, 0);
    for (let time = 0; time < 10_000; time += 100) list.add('before', time);
    list.add('now', 30_000);
    expect(keys(list, 30_000)).toEqual(['now', 'before']);
    expect(list.read(9, 30_000).find(({ key }) => key === 'before')?.rate).toBeLessThan(0.2);
    expect(keys(list, 120_000)).toEqual([]);
  });

  test('finds the busy ones among thousands that come once, and holds no more than it may', () => {
    const list = new TopList(32, 0);
    for (let n = 0; n < 20_000; n += 1) {
      list.add(`once-${n}`, n);
      if (n % 5 === 0) list.add('busy', n);
      if (n % 8 === 0) list.add('busier-than-most', n);
      expect(list.size).toBeLessThanOrEqual(32);
    }
    expect(keys(list, 20_000).slice(0, 2)).toEqual(['busy', 'busier-than-most']);
    for (const { rate } of list.read(99, 20_000).slice(2)) expect(rate).toBeLessThan(20);
  });

  test('counts on for days', () => {
    const list = new TopList(4, 0);
    const day = 86_400_000;
    for (let time = 0; time < 10 * day; time += 60_000) list.add('steady', time);
    for (let time = 10 * day; time < 10 * day + 30_000; time += 1_000) list.add('steady', time);
    expect(list.read(1, 10 * day + 30_000)[0]?.rate).toBeCloseTo(1, 0);
    list.add('steady', 100 * day);
    expect(Number.isFinite(list.read(1, 100 * day)[0]?.rate)).toBe(true);
  });

  test('bears a clock that goes back', () => {
    const list = new TopList(4, 1_000_000);
    list.add('a', 1_000_000);
    list.add('a', 500_000);
    expect(Number.isFinite(list.read(1, 1_000_001)[0]?.rate)).toBe(true);
  });
});
