// Turns of a client: so many at once, the others in line, and nobody for ever.

import { describe, expect, test } from 'vitest';
import { Turns } from '../../src/net/turns.ts';

describe('a turn', () => {
  test('is had at once while there are any, by each client', async () => {
    const turns = new Turns({ atOnce: 1, patience: 5_000 });
    expect(await turns.take('a')).toBeTypeOf('function');
    expect(await turns.take('b')).toBeTypeOf('function');
    expect(turns.clients).toBe(2);
  });

  test('that is given back goes to the one who waits longest', async () => {
    const turns = new Turns({ atOnce: 1, patience: 5_000 });
    const first = await turns.take('a');
    const order: number[] = [];
    const others = [1, 2, 3].map(async (n) => {
      const giveBack = await turns.take('a');
      order.push(n);
      giveBack?.();
    });
    first?.();
    await Promise.all(others);
    expect(order).toEqual([1, 2, 3]);
    expect(turns.clients).toBe(0);
  });

  test('that does not come in time is none, and is not given to one who has left', async () => {
    const turns = new Turns({ atOnce: 1, patience: 20 });
    const first = await turns.take('a');
    expect(await turns.take('a')).toBeUndefined();
    first?.();
    expect(turns.clients).toBe(0);
    expect(await turns.take('a')).toBeTypeOf('function');
  });

  test('can be given back once only', async () => {
    const turns = new Turns({ atOnce: 1, patience: 20 });
    const first = await turns.take('a');
    first?.();
    const second = await turns.take('a');
    first?.();
    expect(await turns.take('a')).toBeUndefined();
    second?.();
  });
});
