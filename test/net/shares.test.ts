// What one client may take: each limit of the config is held by the one that it is for.

import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/core/limits.ts';
import { changeShares, openShares } from '../../src/net/shares.ts';
import { socketPair } from '../support/socket-pair.ts';

const SHORT = { ...DEFAULT_LIMITS, connectTimeout: 40, handshakeTimeout: 40 };
const DIVISION = { connections: 8, waiting: 8, idle: 0 };

/** How many of ten that come at once a client is given. */
async function granted(take: () => Promise<unknown>): Promise<number> {
  const taken = await Promise.all(Array.from({ length: 10 }, take));
  return taken.filter(Boolean).length;
}

test('handshakes, leaves and passwords have a limit each, for each client', async () => {
  const { handshakes } = openShares({ ...SHORT, handshakesPerClient: 2 }, DIVISION);
  expect(await granted(() => handshakes.take('a'))).toBe(2);
  expect(await handshakes.take('b')).toBeDefined();
  for (const limit of ['mints', 'passwords'] as const) {
    const shares = openShares({ ...SHORT, [`${limit}PerClient`]: 1 }, DIVISION);
    expect(await granted(() => shares[limit].take('a'))).toBeLessThan(10);
    expect(await shares[limit].take('b')).toBe(true);
    const other = shares[limit === 'mints' ? 'passwords' : 'mints'];
    expect(await granted(() => other.take('a'))).toBe(10);
  }
});

test('where descriptors are so few that one client could have all places, it gets half of them', async () => {
  for (const [connections, most] of [
    ['auto', 4],
    [8, 8],
  ] as const) {
    const { places } = openShares({ ...SHORT, connections, connectionsPerClient: 100 }, DIVISION);
    const admissions: string[] = [];
    for (let at = 0; at <= most; at += 1) admissions.push(await places.admit((await socketPair()).near, 'a'));
    expect(admissions.filter((one) => one === 'in')).toHaveLength(most);
  }
});

test('other limits hold for whoever comes from then on, and who is in stays', async () => {
  const shares = openShares({ ...SHORT, connections: 1, connectionsPerClient: 100, handshakesPerClient: 1 }, DIVISION);
  const enter = async () => shares.places.admit((await socketPair()).near, 'a');
  expect(await enter()).toBe('in');
  const eight = { ...SHORT, connections: 8, connectionsPerClient: 2, handshakesPerClient: 3, mintsPerClient: 1 };
  changeShares(shares, eight, { ...DIVISION, connections: 8 });
  expect(await enter()).toBe('in');
  expect(await enter()).toBe('client-full');
  expect(await granted(() => shares.handshakes.take('a'))).toBe(3);
  expect(await granted(() => shares.mints.take('a'))).toBeLessThan(10);
});

test('who waits for a place comes in when there are more', async () => {
  const one = { ...SHORT, connections: 1, connectionsPerClient: 100, connectTimeout: 5_000 };
  const shares = openShares(one, { ...DIVISION, connections: 1 });
  await shares.places.admit((await socketPair()).near, 'a');
  const waiting = shares.places.admit((await socketPair()).near, 'a');
  changeShares(shares, one, { ...DIVISION, connections: 2 });
  expect(await waiting).toBe('in');
  changeShares(shares, one, { ...DIVISION, connections: 1 });
  expect(shares.places.stats).toEqual({ taken: 2, waiting: 0 });
});
