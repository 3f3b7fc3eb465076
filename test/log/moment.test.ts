// What comes together is dealt with together, in its order, and nothing waits for ever.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Moment } from '../../src/log/moment.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function moment(most = 3): { readonly over: (readonly string[])[]; readonly gathering: Moment<string> } {
  const over: (readonly string[])[] = [];
  return { over, gathering: new Moment(100, most, (items) => void over.push(items)) };
}

test('what comes within it is given at its end, which the first of them has begun', () => {
  const { over, gathering } = moment();
  gathering.add('a');
  vi.advanceTimersByTime(99);
  gathering.add('b');
  expect(over).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(over).toEqual([['a', 'b']]);
  gathering.add('c');
  vi.advanceTimersByTime(99);
  expect(over).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(over).toEqual([['a', 'b'], ['c']]);
});

test('as many as there may be end it, and the next one has a moment of its own', () => {
  const { over, gathering } = moment();
  vi.advanceTimersByTime(50);
  for (const item of ['a', 'b', 'c', 'd']) gathering.add(item);
  expect(over).toEqual([['a', 'b', 'c']]);
  vi.advanceTimersByTime(99);
  expect(over).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(over).toEqual([['a', 'b', 'c'], ['d']]);
});

test('whoever ends it has what is there at once, and nothing of it again', () => {
  const { over, gathering } = moment();
  gathering.end();
  gathering.add('a');
  gathering.end();
  gathering.end();
  expect(over).toEqual([['a']]);
  expect(vi.getTimerCount()).toBe(0);
});

test('what comes while they are dealt with waits for the next one', () => {
  const over: (readonly string[])[] = [];
  const gathering: Moment<string> = new Moment(100, 3, (items) => {
    over.push(items);
    if (over.length === 1) gathering.add('late');
  });
  gathering.add('a');
  vi.advanceTimersByTime(100);
  expect(over).toEqual([['a']]);
  vi.advanceTimersByTime(100);
  expect(over).toEqual([['a'], ['late']]);
});
