// The sweep is only an effect: what must be seen is that dead buffers do not pile up.

import { expect, test } from 'vitest';
import { sweepAfter } from '../../src/net/buffer-sweep.ts';

const CHUNK = 65_536;
const CHUNKS = 4_096;

/** Bytes of buffers at most, while 256 MB are carried, above those at the begin. */
function peakWhileCarrying(note: (bytes: number) => void): number {
  const base = process.memoryUsage().arrayBuffers;
  let peak = 0;
  for (let i = 0; i < CHUNKS; i += 1) {
    note(Buffer.from(new ArrayBuffer(CHUNK)).length);
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - base);
  }
  return peak;
}

test('dead buffers do not pile up', () => {
  expect(peakWhileCarrying(sweepAfter)).toBeLessThan(40_000_000);
});

test('few bytes are carried without a sweep', () => {
  sweepAfter(8 << 20);
  const begin = performance.now();
  for (let i = 0; i < 8_000; i += 1) sweepAfter(1_000);
  expect(performance.now() - begin).toBeLessThan(50);
});

test('no function of V8 becomes a global', () => {
  expect(Reflect.has(globalThis, 'gc')).toBe(false);
});
