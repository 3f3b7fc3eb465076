// The collector can be called from here, and from nowhere else.

import { expect, test } from 'vitest';
import { collectGarbage } from '../../src/core/collect-garbage.ts';

test('objects that nobody holds are gone after it', async () => {
  let gone = 0;
  const registry = new FinalizationRegistry(() => {
    gone += 1;
  });
  for (let count = 0; count < 100; count++) registry.register({ count }, count);
  collectGarbage({ type: 'major' });
  await expect.poll(() => gone).toBeGreaterThan(90);
});

test('no function of V8 becomes a global', () => {
  expect('gc' in globalThis).toBe(false);
});
