// The defaults that the config file documents.

import { expect, test } from 'vitest';
import { bodyPatience, DEFAULT_LIMITS, DEFAULT_SHARES, DEFAULT_WAITS, limitsOfOne } from '../../src/core/limits.ts';

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
    drainTimeout: 30,
  });
});

test.each([
  ['an upload', false, 300, 60],
  ['a conversation', true, 300, 300],
  ['a conversation where tunnels have less', true, 20, 60],
])('%s may be silent for its time', (_, isLasting, tunnelIdleTimeout, patience) => {
  expect(bodyPatience({ ...DEFAULT_WAITS, bodyTimeout: 60, tunnelIdleTimeout }, isLasting)).toBe(patience);
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
