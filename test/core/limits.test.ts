// The defaults that the config file documents.

import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/core/limits.ts';

test('the default of every wait is what the sample config says', () => {
  const seconds = Object.fromEntries(Object.entries(DEFAULT_LIMITS).map(([name, value]) => [name, value / 1_000]));
  expect(seconds).toEqual({
    headerTimeout: 10,
    handshakeTimeout: 10,
    connectTimeout: 5,
    responseTimeout: 60,
    bodyTimeout: 60,
    keepAliveTimeout: 120,
    tunnelIdleTimeout: 300,
  });
});
