// What comes on a stream, handed on in buffers of somebody else's size.

import { describe, expect, test } from 'vitest';
import { feed } from '../../src/net/feed.ts';
import { until } from '../support/rig.ts';
import { socketPair } from '../support/socket-pair.ts';

describe('a fed intake', () => {
  test.each([1, 7, 4_096])('gets every byte in order, in pieces of %i at most', async (size) => {
    const { near, far } = await socketPair();
    const text = Array.from({ length: 500 }, (_, index) => `piece ${index};`).join('');
    const sizes: number[] = [];
    let got = '';
    feed(near, {
      buffer: () => Buffer.alloc(size),
      callback: (bytes, buffer) => {
        sizes.push(bytes);
        got += Buffer.from(buffer).toString('latin1', 0, bytes);
        return true;
      },
    });
    far.write(text);
    await new Promise((resolve) => setImmediate(resolve));
    expect(got, 'nothing before it is resumed').toBe('');
    near.resume();
    await until(() => got.length === text.length, 'all bytes');
    expect(got).toBe(text);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(size);
  });

  test('gets nothing more than the chunk at hand once it says so, until it is resumed', async () => {
    const { near, far } = await socketPair();
    const buffer = Buffer.alloc(65_536);
    let got = 0;
    feed(near, {
      buffer,
      callback: (bytes) => {
        got += bytes;
        return false;
      },
    });
    near.resume();
    far.write('first');
    await until(() => got === 5, 'the first');
    far.write('second');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([got, near.isPaused()]).toEqual([5, true]);
    near.resume();
    await until(() => got === 11, 'the second');
  });

  test('gets nothing from a socket that it has destroyed', async () => {
    const { near, far } = await socketPair();
    let calls = 0;
    feed(near, {
      buffer: Buffer.alloc(1),
      callback: () => {
        calls += 1;
        near.destroy();
        return true;
      },
    });
    near.resume();
    far.write('many');
    await until(() => near.destroyed, 'the close');
    expect(calls).toBe(1);
  });
});
