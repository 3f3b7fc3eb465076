// A client that waits for a word: who says it, once, and how long it takes at most.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Expectation } from '../../src/http/expectation.ts';
import { ReplyWriter } from '../../src/http/reply-writer.ts';
import { socketPair } from '../support/socket-pair.ts';

async function waiting() {
  const { near } = await socketPair();
  const reply = new ReplyWriter(near, { method: 'POST', httpVersion: '1.1', last: false, keepAliveTimeout: 1_000 });
  const said = vi.spyOn(reply, 'writeContinue');
  vi.useFakeTimers();
  return { expectation: new Expectation(reply), said };
}

describe('a client that waits for 100', () => {
  beforeEach(() => void vi.useRealTimers());
  afterEach(() => void vi.useRealTimers());

  test('is told when the origin says so, and once', async () => {
    const { expectation, said } = await waiting();
    expectation.begin();
    expectation.meet();
    expectation.meet();
    vi.advanceTimersByTime(10_000);
    expect([said.mock.calls.length, expectation.isOpen]).toEqual([1, false]);
  });

  test('is told a second after the origin got its request, however often that was tried', async () => {
    const { expectation, said } = await waiting();
    vi.advanceTimersByTime(10_000);
    expect(said).not.toHaveBeenCalled();
    expectation.begin();
    vi.advanceTimersByTime(600);
    expectation.begin();
    vi.advanceTimersByTime(399);
    expect([said.mock.calls.length, expectation.isOpen]).toEqual([0, true]);
    vi.advanceTimersByTime(1);
    expect([said.mock.calls.length, expectation.isOpen]).toEqual([1, false]);
  });

  test('is told nothing when it has gone on by itself', async () => {
    const { expectation, said } = await waiting();
    expectation.begin();
    expectation.drop();
    expectation.begin();
    expectation.meet();
    vi.advanceTimersByTime(10_000);
    expect([said.mock.calls.length, expectation.isOpen]).toEqual([0, false]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
