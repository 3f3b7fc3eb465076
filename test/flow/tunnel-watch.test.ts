// Tunnels told of while they are open.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TunnelWatch } from '../../src/flow/tunnel-watch.ts';
import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';
import { makeLanes } from '../../src/net/pipe.ts';
import { makeEntry } from '../support/log-entries.ts';

let entries: AccessLogEntry[];
let watch: TunnelWatch;

beforeEach(() => {
  vi.useFakeTimers();
  entries = [];
  watch = new TunnelWatch((entry) => void entries.push(entry));
});
afterEach(() => {
  watch.end();
  vi.useRealTimers();
});

const events = () => entries.map(({ event, bytes, bytesIn }) => [event, bytes, bytesIn]);

test('a tunnel is told when it begins, then with what it has carried, until its end', () => {
  watch.use({ open: true, progress: 5_000 });
  const lanes = makeLanes();
  const ended = watch.begin(() => makeEntry(), lanes);
  lanes.down.bytes = 700;
  lanes.up.bytes = 30;
  vi.advanceTimersByTime(5_999);
  lanes.down.bytes = 900;
  vi.advanceTimersByTime(5_000);
  ended();
  vi.advanceTimersByTime(60_000);
  expect(events()).toEqual([
    ['tunnel-open', 0, 0],
    ['tunnel-progress', 700, 30],
    ['tunnel-progress', 900, 30],
  ]);
});

test('only the begin, only the progress, or nothing is told as it is asked for', () => {
  expect(watch.enabled).toBe(false);
  watch.use({ open: true });
  expect(watch.enabled).toBe(true);
  watch.begin(() => makeEntry(), makeLanes());
  vi.advanceTimersByTime(60_000);
  expect(events()).toEqual([['tunnel-open', 0, 0]]);
  watch.use({ open: false, progress: 500 });
  watch.begin(() => makeEntry(), makeLanes())();
  vi.advanceTimersByTime(500);
  expect(events().at(-1)).toEqual(['tunnel-progress', 0, 0]);
  const count = entries.length;
  watch.use(undefined);
  vi.advanceTimersByTime(60_000);
  expect(entries).toHaveLength(count);
});
