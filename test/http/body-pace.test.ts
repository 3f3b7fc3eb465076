// How fast a body comes: by the average over a time, in which the client is awaited.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BodyPace } from '../../src/http/body-pace.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Bytes at a time, milliseconds between; the index of the piece at which it was too slow. */
function brought(pace: BodyPace, bytes: number, every: number, pieces = 100): number | undefined {
  for (let at = 0; at < pieces; at++) {
    vi.advanceTimersByTime(every);
    if (pace.isTooSlow(bytes)) return at;
  }
  return undefined;
}

describe('a body', () => {
  test('of a byte now and then is too slow once the time is over', () => {
    expect(brought(new BodyPace(1_000, 100), 1, 100)).toBe(9);
  });

  test('that is fast enough on average never is', () => {
    expect(brought(new BodyPace(1_000, 100), 10, 100)).toBeUndefined();
  });

  test('that comes in bursts is judged by the average', () => {
    expect(brought(new BodyPace(1_000, 100), 90, 900)).toBeUndefined();
    expect(brought(new BodyPace(1_000, 100), 80, 900)).toBe(1);
  });

  test('may come as it will where nothing is asked of it', () => {
    expect(brought(new BodyPace(1_000, 0), 0, 1_000)).toBeUndefined();
  });

  test('has all the time in which nothing was awaited', () => {
    const pace = new BodyPace(1_000, 100);
    vi.advanceTimersByTime(500);
    expect(pace.isTooSlow(50)).toBe(false);
    pace.pause();
    vi.advanceTimersByTime(60_000);
    expect(pace.isTooSlow(0)).toBe(false);
    pace.resume();
    vi.advanceTimersByTime(500);
    expect(pace.isTooSlow(50)).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(pace.isTooSlow(50)).toBe(true);
  });
});
