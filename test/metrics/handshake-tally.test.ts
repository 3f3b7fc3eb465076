import { expect, test } from 'vitest';
import { countOf } from '../../src/core/histogram.ts';
import { HandshakeTally } from '../../src/metrics/handshake-tally.ts';

test('handshakes are counted by their end, and timed where they came to one that both wanted', () => {
  const tally = new HandshakeTally();
  tally.count('secure', 3);
  tally.count('rejected', 50);
  tally.count('crowded');
  expect(tally.read()).toEqual({ secure: 1, rejected: 1, failed: 0, timeout: 0, crowded: 1 });
  expect([countOf(tally.times.read()), tally.times.read().sum]).toEqual([1, 3]);
});
