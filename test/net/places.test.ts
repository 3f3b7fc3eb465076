// Places for connections: so many at once, so many of one client, a short line before the door.

import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Places, type PlacesOptions } from '../../src/net/places.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { until } from '../support/rig.ts';
import { socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

const OPTIONS: PlacesOptions = { connections: 2, connectionsPerClient: 10, waiting: 1, patience: 5_000 };

async function socket(): Promise<Socket> {
  return (await socketPair()).near;
}

describe('a connection', () => {
  test('is in at once while there are places', async () => {
    const places = new Places(OPTIONS);
    expect(places.admit(await socket(), 'a')).toBe('in');
    expect(places.admit(await socket(), 'b')).toBe('in');
    expect(places.stats).toEqual({ taken: 2, waiting: 0 });
  });

  test('gives its place back by closing', async () => {
    const places = new Places({ ...OPTIONS, connections: 1, waiting: 0 });
    const first = await socket();
    expect(places.admit(first, 'a')).toBe('in');
    expect(places.admit(await socket(), 'b')).toBe('full');
    first.destroy();
    await until(() => places.stats.taken === 0, 'the place');
    expect(places.admit(await socket(), 'b')).toBe('in');
  });

  test('that finds none waits for the next one, in line', async () => {
    const places = new Places({ ...OPTIONS, connections: 1, waiting: 2 });
    const [first, second, third] = [await socket(), await socket(), await socket()];
    places.admit(first, 'a');
    const order: string[] = [];
    const waiting = [second, third].map(async (one, at) => {
      const admission = await places.admit(one, 'b');
      order.push(`${at} ${admission}`);
      one.destroy();
    });
    expect(places.stats).toEqual({ taken: 1, waiting: 2 });
    first.destroy();
    await Promise.all(waiting);
    expect(order).toEqual(['0 in', '1 in']);
    await until(() => places.stats.taken === 0, 'the places');
  });

  test('that waits in vain is told so, and its share is given back by closing', async () => {
    const places = new Places({ ...OPTIONS, connections: 1, connectionsPerClient: 1, patience: 20 });
    places.admit(await socket(), 'a');
    const late = await socket();
    expect(await places.admit(late, 'b')).toBe('full');
    expect(places.stats).toEqual({ taken: 1, waiting: 0 });
    expect(places.admit(await socket(), 'b')).toBe('client-full');
    late.destroy();
    await new Promise((resolve) => late.once('close', resolve));
    expect(await places.admit(await socket(), 'b')).toBe('full');
  });

  test('that leaves while it waits takes no place', async () => {
    const places = new Places({ ...OPTIONS, connections: 1 });
    const first = await socket();
    places.admit(first, 'a');
    const leaving = await socket();
    const admission = places.admit(leaving, 'b');
    leaving.destroy();
    expect(await admission).toBe('gone');
    expect(places.stats).toEqual({ taken: 1, waiting: 0 });
    first.destroy();
    await until(() => places.stats.taken === 0, 'the place');
  });

  test('that has left already is not let in', async () => {
    const gone = await socket();
    gone.destroy();
    expect(new Places(OPTIONS).admit(gone, 'a')).toBe('gone');
  });
});

describe('the share of a client', () => {
  test('is its own: others are let in', async () => {
    const places = new Places({ ...OPTIONS, connections: 10, connectionsPerClient: 2 });
    const first = await socket();
    expect(places.admit(first, 'a')).toBe('in');
    expect(places.admit(await socket(), 'a')).toBe('in');
    expect(places.admit(await socket(), 'a')).toBe('client-full');
    expect(places.admit(await socket(), 'b')).toBe('in');
    first.destroy();
    await until(() => places.stats.taken === 2, 'the place');
    expect(places.admit(await socket(), 'a')).toBe('in');
  });

  test('counts those that wait', async () => {
    const places = new Places({ ...OPTIONS, connections: 1, connectionsPerClient: 1, waiting: 5 });
    const first = await socket();
    places.admit(first, 'a');
    const waiting = places.admit(await socket(), 'b');
    expect(places.admit(await socket(), 'b')).toBe('client-full');
    first.destroy();
    expect(await waiting).toBe('in');
  });
});

test('a few of those that are turned away may stay for our last words, and no more', async () => {
  const places = new Places(OPTIONS);
  const told: Socket[] = [];
  for (let i = 0; i < 20; i++) {
    const one = await socket();
    if (places.mayLinger(one)) told.push(one);
  }
  expect(told).toHaveLength(16);
  told[0]?.destroy();
  await new Promise((resolve) => told[0]?.once('close', resolve));
  const next = await socket();
  expect(places.mayLinger(next)).toBe(false);
  await until(() => places.mayLinger(next), 'the one that has gone to be forgotten');
  expect(places.mayLinger(await socket())).toBe(false);
});
