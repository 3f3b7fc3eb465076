import { describe, expect, test } from 'vitest';
import { ClientTally, joinClients } from '../../src/metrics/client-tally.ts';
import { makeEntry } from '../support/log-entries.ts';

function counted(...clients: string[]): ClientTally {
  const tally = new ClientTally(3);
  for (const [at, client] of clients.entries()) tally.count(makeEntry({ client, time: at + 1, bytes: 10 }));
  return tally;
}

const none = (): number => 0;

describe('clients', () => {
  test('are counted by the tags of their lines', () => {
    const tally = counted('10.0.0.1', '10.0.0.1');
    tally.count(makeEntry({ client: '10.0.0.1', tag: 'TCP_DENIED', time: 9, bytes: 5 }));
    expect(tally.read(10, () => 4)).toEqual([
      {
        address: '10.0.0.1',
        tags: { NONE_NONE: 0, TCP_MISS: 2, TCP_TUNNEL: 0, TCP_DENIED: 1 },
        bytes: 25,
        open: 4,
        last: 9,
      },
    ]);
  });

  test('that asked for nothing are not counted', () => {
    const tally = new ClientTally();
    tally.count(makeEntry({ method: undefined }));
    expect(tally.size).toBe(0);
  });

  test('are so many at most: the one that came first is forgotten', () => {
    const tally = counted('a', 'b', 'c', 'a', 'd');
    expect(tally.read(10, none).map(({ address }) => address)).toEqual(['d', 'c', 'b']);
  });

  test('are told with the last one first, and no more than were asked for', () => {
    expect(
      counted('a', 'b', 'c')
        .read(2, none)
        .map(({ address }) => address),
    ).toEqual(['c', 'b']);
  });
});

test('a client of several processes is one client', () => {
  const [a, b] = [counted('x', 'y').read(9, () => 1), counted('x').read(9, () => 2)];
  expect(
    joinClients([a, b]).map(({ address, tags, bytes, open, last }) => [address, tags.TCP_MISS, bytes, open, last]),
  ).toEqual([
    ['y', 1, 10, 1, 2],
    ['x', 2, 20, 3, 1],
  ]);
});
