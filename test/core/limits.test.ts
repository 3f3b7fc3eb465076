// The defaults that the config file documents.

import { expect, test } from 'vitest';
import { DEFAULT_LIMITS, DEFAULT_SHARES, DEFAULT_WAITS, limitsOfOne } from '../../src/core/limits.ts';

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
    passwordsPerClient: 10,
    idleConnections: 1_024,
    idlePerOrigin: 64,
    slowestBody: 100,
  });
});

test('the limits are both together', () => {
  expect(DEFAULT_LIMITS).toEqual({ ...DEFAULT_WAITS, ...DEFAULT_SHARES });
});

test('workers hold the whole together, rounded up, and wait as long as one process would', () => {
  const limits = { ...DEFAULT_LIMITS, connections: 100, idlePerOrigin: 0 };
  expect(limitsOfOne(limits, 3)).toEqual({
    ...DEFAULT_WAITS,
    connections: 34,
    connectionsPerClient: 334,
    handshakesPerClient: 34,
    mintsPerClient: 17,
    passwordsPerClient: 4,
    idleConnections: 342,
    idlePerOrigin: 0,
    slowestBody: 100,
  });
  expect(limitsOfOne(DEFAULT_LIMITS, 8).connections).toBe('auto');
  expect(limitsOfOne(limits, 1)).toEqual(limits);
});
