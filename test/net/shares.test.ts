// What one client may take: each limit of the config is held by the one that it is for.

import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/core/limits.ts';
import { openShares } from '../../src/net/shares.ts';
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
