import { expect, test } from 'vitest';
import { countOf } from '../../src/core/histogram.ts';
import { LeafMeter } from '../../src/pki/leaf-meter.ts';

test('what is asked for, what is minted and how long that took are counted apart', () => {
  const meter = new LeafMeter();
  meter.hit();
  meter.miss();
  meter.miss();
  meter.minted(0.7);
  const { hits, misses, mints, times } = meter.read();
  expect([hits, misses, mints, countOf(times), times.sum]).toEqual([1, 2, 1, 1, 0.7]);
});
