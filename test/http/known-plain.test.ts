// Origins known for HTTP/1.

import { afterEach, expect, test, vi } from 'vitest';
import { KnownPlain } from '../../src/http/known-plain.ts';

afterEach(() => void vi.useRealTimers());

test('an origin is known for ten minutes', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const known = new KnownPlain();
  expect(known.has('https://a.test')).toBe(false);
  known.add('https://a.test');
  vi.advanceTimersByTime(599_999);
  expect(known.has('https://a.test')).toBe(true);
  vi.advanceTimersByTime(1);
  expect(known.has('https://a.test')).toBe(false);
});

test('those that were asked longest ago are forgotten, one for each new one', () => {
  const known = new KnownPlain();
  for (let at = 0; at < 4_096; at += 1) known.add(`https://${at}.test`);
  known.add('https://0.test');
  known.add('https://new.test');
  expect(['0', '1', '2', 'new'].map((name) => known.has(`https://${name}.test`))).toEqual([true, false, true, true]);
});
