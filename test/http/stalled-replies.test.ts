// Replies that wait for their clients: whose are given up, when, and in which order.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Stalled, StalledReplies, StalledShare } from '../../src/http/stalled-replies.ts';

const MB = 1 << 20;

class Waiting implements Stalled {
  held: number;
  given = 0;

  constructor(held: number) {
    this.held = held;
  }

  giveUp(): void {
    this.given += 1;
  }
}

let replies: StalledReplies;
let shares: Map<string, { share: StalledShare; socket: { bytesWritten: number; writableLength: number } }>;
beforeEach(() => {
  vi.useFakeTimers();
  replies = new StalledReplies({ share: 10 * MB, patience: 16_000 });
  shares = new Map();
});
afterEach(() => vi.useRealTimers());

/** The one connection of a client. */
function on(client: string) {
  const socket = { bytesWritten: 0, writableLength: 0 };
  const found = shares.get(client) ?? { share: new StalledShare(replies, client, socket), socket };
  shares.set(client, found);
  return found;
}

/** A thousandth of a second apart, the oldest first. */
function stall(client: string, ...sizes: readonly number[]): Waiting[] {
  return sizes.map((size) => {
    const reply = new Waiting(size * MB);
    replies.add(on(client).share, reply);
    vi.advanceTimersByTime(1);
    return reply;
  });
}

const given = (list: readonly Waiting[]): number[] => list.map((reply) => reply.given);

test('below the share nothing is given up, however long it waits', () => {
  const list = stall('a', 5, 5);
  vi.advanceTimersByTime(600_000);
  expect(given(list)).toEqual([0, 0]);
  expect(replies.of('a')).toBe(10 * MB);
});

test('above it those that have waited longest go, until the rest is a share', () => {
  const list = stall('a', 4, 4, 4, 4, 4);
  // Twice the share: a quarter of the patience.
  vi.advanceTimersByTime(3_900);
  expect(given(list)).toEqual([0, 0, 0, 0, 0]);
  vi.advanceTimersByTime(300);
  expect(given(list)).toEqual([1, 0, 0, 0, 0]);
  vi.advanceTimersByTime(8_000);
  expect(given(list)).toEqual([1, 1, 1, 0, 0]);
  expect(replies.of('a')).toBe(8 * MB);
  vi.advanceTimersByTime(600_000);
  expect(given(list)).toEqual([1, 1, 1, 0, 0]);
});

test('the more there is, the sooner', () => {
  const list = stall('a', ...Array.from({ length: 100 }, () => 10));
  vi.advanceTimersByTime(200);
  expect(given(list).filter((count) => count === 1).length).toBeGreaterThan(30);
});

test('nobody pays for another client', () => {
  const list = stall('a', 9);
  stall('b', 30, 30);
  vi.advanceTimersByTime(20_000);
  expect(given(list)).toEqual([0]);
  expect(replies.of('b')).toBe(0);
});

test('one that goes on is the youngest again, and so is one of which some has gone out', () => {
  const [moving, partly, still, last] = stall('a', 4, 4, 4, 4);
  for (let at = 0; at < 40; at += 1) {
    vi.advanceTimersByTime(400);
    if (moving) replies.add(on('a').share, moving);
    if (partly) partly.held -= 1;
  }
  expect(given([moving, partly, still, last].filter((one) => one !== undefined))).toEqual([0, 0, 1, 1]);
});

test('what has been taken counts no more, and leaves nothing', () => {
  const list = stall('a', 6, 6);
  for (const reply of list) replies.remove(on('a').share, reply);
  for (const reply of list) replies.remove(on('a').share, reply);
  expect(replies.of('a')).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(given(list)).toEqual([0, 0]);
  expect(vi.getTimerCount()).toBe(0);
});

test('one whose connection flows may wait for its turn, and not where that is only a trickle', () => {
  const list = stall('a', 10, 10, 10);
  const { socket, share } = on('a');
  expect(share.held).toBe(30 * MB);
  for (let at = 0; at < 50; at += 1) {
    vi.advanceTimersByTime(400);
    socket.bytesWritten += 2 * MB;
  }
  expect(given(list)).toEqual([0, 0, 0]);
  for (let at = 0; at < 50; at += 1) {
    vi.advanceTimersByTime(400);
    socket.bytesWritten += MB / 10;
    // What waits to be written is not taken.
    socket.writableLength += MB / 10;
    socket.bytesWritten += MB / 10;
  }
  expect(given(list).filter((count) => count === 1)).toHaveLength(2);
  expect([replies.of('a'), share.held]).toEqual([10 * MB, 10 * MB]);
});
