// The defaults that the config file documents.

import { expect, test } from 'vitest';
import { DEFAULT_LIMITS, DEFAULT_SHARES, DEFAULT_WAITS } from '../../src/core/limits.ts';

test('the default of every wait is what the sample config says', () => {
  const seconds = Object.fromEntries(Object.entries(DEFAULT_WAITS).map(([name, value]) => [name, value / 1_000]));
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

test('so is that of every share', () => {
  expect(DEFAULT_SHARES).toEqual({
    connections: 'auto',
    connectionsPerClient: 1_000,
    handshakesPerClient: 100,
    mintsPerClient: 50,
    idleConnections: 1_024,
    idlePerOrigin: 64,
  });
});

test('the limits are both together', () => {
  expect(DEFAULT_LIMITS).toEqual({ ...DEFAULT_WAITS, ...DEFAULT_SHARES });
});
