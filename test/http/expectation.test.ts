// A client that waits for a word: who says it, once, and how long it takes at most.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Expectation } from '../../src/http/expectation.ts';
import { ReplyWriter } from '../../src/http/reply-writer.ts';
import { Request } from '../../src/http/request.ts';
import { socketPair } from '../support/socket-pair.ts';

async function waiting() {
  const { near } = await socketPair();
  const reply = new ReplyWriter(near, { method: 'POST', httpVersion: '1.1', last: false, keepAliveTimeout: 1_000 });
  const said = vi.spyOn(reply, 'writeContinue');
  vi.useFakeTimers();
  const head = { method: 'POST', url: '/', httpVersion: '1.1', rawHeaders: [] };
  const request = new Request(head, false, () => undefined);
  const sink = { onBody: () => undefined, onBodyEnd: () => undefined, onBodyError: () => undefined };
  request.read(sink);
  return { expectation: new Expectation(request, reply), said, request };
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

  test('is not to blame for its body before it is told', async () => {
    const { expectation, request } = await waiting();
    expect(request.wanted).toBe('awaited');
    expectation.begin();
    expect(request.wanted).toBe('yes');
    expectation.meet();
    expect(request.wanted).toBe('awaited');
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
