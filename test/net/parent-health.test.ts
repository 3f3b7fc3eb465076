// When a parent is skipped, and when it is looked at again.

import { beforeEach, describe, expect, test } from 'vitest';
import { ParentHealth } from '../../src/net/parent-health.ts';

let now = 0;
let told: [boolean, string][] = [];
let health: ParentHealth;
beforeEach(() => {
  now = 1_000;
  told = [];
  health = new ParentHealth({ onChange: (up, reason) => void told.push([up, reason]), now: () => now });
});

describe('a parent', () => {
  test('lives until it fails, which is told once', () => {
    expect([health.up, health.takeLook()]).toEqual([true, false]);
    health.failed('refused');
    health.failed('refused again');
    expect(health.up).toBe(false);
    expect(told).toEqual([[false, 'refused']]);
  });

  test('is looked at once in a pause that doubles up to two minutes', () => {
    health.failed('refused');
    const pauses: number[] = [];
    for (let look = 0; look < 6; look += 1) {
      const begin = now;
      while (!health.takeLook()) now += 1_000;
      pauses.push((now - begin) / 1_000);
      expect(health.takeLook()).toBe(false);
      health.failed('still refused');
    }
    expect(pauses).toEqual([10, 20, 40, 80, 120, 120]);
    expect(told).toHaveLength(1);
  });

  test('is back when it answers, and its next pause is a short one', () => {
    health.failed('refused');
    now += 10_000;
    expect(health.takeLook()).toBe(true);
    health.answered();
    expect([health.up, told]).toEqual([
      true,
      [
        [false, 'refused'],
        [true, 'it answers again'],
      ],
    ]);
    health.failed('refused');
    now += 9_999;
    expect(health.takeLook()).toBe(false);
    now += 1;
    expect(health.takeLook()).toBe(true);
  });

  test('that is silent about one host, however often, lives', () => {
    for (let i = 0; i < 10; i += 1) health.silent('a.test', 'late');
    health.silent('b.test', 'late');
    expect([health.up, told]).toEqual([true, []]);
  });

  test('that is silent about three hosts in a row is skipped', () => {
    for (const host of ['a.test', 'b.test', 'c.test']) health.silent(host, 'late');
    expect([health.up, told]).toEqual([false, [[false, 'late']]]);
  });

  test('that answers between the silences lives', () => {
    for (const host of ['a.test', 'b.test']) health.silent(host, 'late');
    health.answered();
    for (const host of ['c.test', 'd.test']) health.silent(host, 'late');
    expect(health.up).toBe(true);
  });
});
