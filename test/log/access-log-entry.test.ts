// The words for what becomes of a transaction.

import { expect, test } from 'vitest';
import { OUTCOMES } from '../../src/log/access-log-entry.ts';

test('outcomes are single words, each once', () => {
  expect(new Set(OUTCOMES).size).toBe(OUTCOMES.length);
  for (const outcome of OUTCOMES) expect(outcome).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
});
