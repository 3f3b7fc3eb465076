// A pace for each client: two seconds' worth at once, then one after another.

import { describe, expect, test } from 'vitest';
import { Pace } from '../../src/net/pace.ts';

async function atOnce(pace: Pace, client: string): Promise<number> {
  let granted = 0;
  for (;;) {
    const start = performance.now();
    if (!(await pace.take(client))) return granted;
    // The one that comes only at its time is not of the burst.
    if (performance.now() - start > 5) return granted;
    granted += 1;
  }
}

describe('a client', () => {
  test('has two seconds worth at once, and nobody else pays for it', async () => {
    const pace = new Pace({ perSecond: 4, patience: 1 });
    expect(await atOnce(pace, 'a')).toBe(8);
    expect(await pace.take('a')).toBe(false);
    expect(await atOnce(pace, 'b')).toBe(8);
  });

  test('waits for the next one, which then comes at its time', async () => {
    const pace = new Pace({ perSecond: 20, patience: 1_000 });
    for (let i = 0; i < 40; i++) expect(await pace.take('a')).toBe(true);
    const start = performance.now();
    expect(await pace.take('a')).toBe(true);
    expect(performance.now() - start).toBeGreaterThan(20);
  });

  test('whose turn would come too late is told so after half the patience at least, and pays nothing', async () => {
    const pace = new Pace({ perSecond: 1, patience: 50 });
    for (let i = 0; i < 2; i++) await pace.take('a');
    const start = performance.now();
    expect(await Promise.all([pace.take('a'), pace.take('a'), pace.take('a')])).toEqual([false, false, false]);
    const taken = performance.now() - start;
    expect(taken).toBeGreaterThan(23);
    expect(taken).toBeLessThan(1_000);
  });

  test('is forgotten once it has paid, so that many leave nothing behind', async () => {
    const pace = new Pace({ perSecond: 1_000_000, patience: 1 });
    for (let i = 0; i < 5_000; i++) await pace.take(`client ${i}`);
    expect(pace.clients).toBeLessThan(2_100);
  });
});
