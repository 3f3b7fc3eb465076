// When a worker is taken for dead, and when it is not.

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { SILENCE, watch } from '../../src/supervisor/watch.ts';

/** As a worker counts: each look is one more, until it is heard. */
class Looked {
  missed = 0;
  look(): number {
    this.missed += 1;
    return this.missed;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
});

test('one that is silent for all of the time is told, once, and no other is', () => {
  const [silent, lively] = [new Looked(), new Looked()];
  const told: Looked[] = [];
  const end = watch([silent, lively], 1_000, (one) => void told.push(one));
  for (let at = 0; at < 10; at += 1) {
    vi.advanceTimersByTime(100);
    lively.missed = 0;
  }
  expect(told).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(told).toEqual([silent]);
  vi.advanceTimersByTime(500);
  expect(told).toEqual([silent]);
  end();
});

test('one that is heard at the last moment has all of the time again', () => {
  const one = new Looked();
  const told = vi.fn();
  const end = watch([one], 1_000, told);
  vi.advanceTimersByTime(1_000);
  one.missed = 0;
  vi.advanceTimersByTime(1_000);
  expect(told).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  expect(told).toHaveBeenCalledTimes(1);
  end();
});

test('those that come and go are looked at as long as they are there', () => {
  const all = new Set<Looked>();
  const told: Looked[] = [];
  const end = watch(all, 1_000, (one) => void told.push(one));
  const [gone, late] = [new Looked(), new Looked()];
  all.add(gone);
  vi.advanceTimersByTime(900);
  all.delete(gone);
  all.add(late);
  vi.advanceTimersByTime(1_000);
  expect([gone.missed, told]).toEqual([9, []]);
  vi.advanceTimersByTime(100);
  expect(told).toEqual([late]);
  end();
});

test('nobody is looked at after its end', () => {
  const one = new Looked();
  const end = watch([one], 1_000, () => undefined);
  vi.advanceTimersByTime(300);
  end();
  vi.advanceTimersByTime(5_000);
  expect(one.missed).toBe(3);
});

test('it takes ten seconds, as the README says', () => {
  expect(SILENCE).toBe(10_000);
});
