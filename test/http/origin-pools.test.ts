// Connections to origins: kept by authority, the last used first, and nothing kept that is closed.

import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Permit } from '../../src/core/decision.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/core/limits.ts';
import type { Scheme } from '../../src/core/target.ts';
import type { Lane } from '../../src/http/lane.ts';
import { OriginPools } from '../../src/http/origin-pools.ts';
import { Parents } from '../../src/net/parents.ts';
import { createUpstreamContext } from '../../src/pki/upstream-trust.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { httpsOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import { makeParent } from '../support/parent-parts.ts';
import { until } from '../support/rig.ts';
import { closedPort } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';
import { loopbackUpstream, permitFor } from '../support/upstream.ts';

expectNothingLeft();

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));

function poolsOf(...args: Parameters<typeof loopbackUpstream>): OriginPools {
  return limitedPools({}, ...args);
}

function limitedPools(limits: Partial<Limits>, ...args: Parameters<typeof loopbackUpstream>): OriginPools {
  const pools = new OriginPools(loopbackUpstream(...args), { ...DEFAULT_LIMITS, ...limits });
  onTestFinished(() => pools.destroy());
  return pools;
}

async function origin(): Promise<Origin & { sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const opened = await tcpOrigin((socket) => void sockets.push(socket));
  onTestFinished(() => opened.close());
  return Object.assign(opened, { sockets });
}

describe('pools whose place others take', () => {
  test('close after a moment what rests, and what is given back', async () => {
    const pools = poolsOf();
    const permit = permitFor(`ok.test:${(await origin()).port}`);
    const [resting, used] = [await acquire(pools, permit, 'http'), await acquire(pools, permit, 'http')];
    pools.release(resting);
    pools.retire();
    expect(await acquire(pools, permit, 'http'), 'nobody gets it any more').not.toBe(resting);
    pools.release(used);
    expect([resting.alive, used.alive]).toEqual([true, true]);
    await until(() => pools.size === 1, 'their end');
    expect([resting.alive, used.alive]).toEqual([false, false]);
  });

  test('still open what a request in flight needs', async () => {
    const pools = poolsOf();
    pools.retire();
    const lane = await acquire(pools, permitFor(`ok.test:${(await origin()).port}`), 'http');
    expect(lane.alive).toBe(true);
  });
});

describe('a connection that is given back', () => {
  test('is taken again, the last one first', async () => {
    const pools = poolsOf();
    const permit = permitFor(`ok.test:${(await origin()).port}`);
    const [first, second] = [await acquire(pools, permit, 'http'), await acquire(pools, permit, 'http')];
    expect(first).not.toBe(second);
    pools.release(first);
    pools.release(second);
    expect(await acquire(pools, permit, 'http')).toBe(second);
    expect(await acquire(pools, permit, 'http')).toBe(first);
    expect(await acquire(pools, permit, 'http')).not.toBe(first);
    expect(pools.size).toBe(3);
  });

  test('is not taken for another host, though its address is the same', async () => {
    const pools = poolsOf();
    const { port } = await origin();
    const [permit, other] = [permitFor(`ok.test:${port}`), permitFor(`other.test:${port}`)];
    const lane = await acquire(pools, permit, 'http');
    pools.release(lane);
    expect(await acquire(pools, other, 'http')).not.toBe(lane);
  });

  test('is not taken where another parent, or none, would lead to the origin', async () => {
    const made = await Promise.all(
      ['one', 'two'].map(async (name) => makeParent((await origin()).port, { name, authorization: `Basic ${name}` })),
    );
    const via = ['one', 'two', 'direct'];
    const parents = new Parents(
      made.map(({ parent }) => parent),
      [{ via, choose: 'inOrder' }],
    );
    const pools = poolsOf({ parents });
    const permit = permitFor(`ok.test:${(await origin()).port}`);
    const lanes: Lane[] = [];
    for (const [index, name] of ['one', 'two', undefined].entries()) {
      const lane = await acquire(pools, permit, 'http');
      expect(lane.connection.parent?.name).toBe(name);
      pools.release(lane);
      expect(await acquire(pools, permit, 'http'), 'it is taken again as long as its parent lives').toBe(lane);
      pools.release(lane);
      lanes.push(lane);
      made[index]?.health.failed('for the test');
    }
    expect(new Set(lanes).size).toBe(3);
    // What was opened directly is not used once a parent is back, and its own connection is.
    made[1]?.health.answered();
    expect(await acquire(pools, permit, 'http')).toBe(lanes[1]);
  });

  test('is not taken for who goes with another client certificate, or with none, through a parent neither', async () => {
    const made = makeParent((await origin()).port);
    const through = new Parents([made.parent], []);
    for (const parents of [undefined, through]) {
      const pools = poolsOf(parents ? { parents } : {});
      const permit = permitFor(`ok.test:${(await origin()).port}`);
      const lanes = new Set<Lane>();
      for (const identity of [undefined, 'client certificate 1', 'client certificate 2']) {
        const lane = await pools.open({ ...permit, identity }, 'http');
        pools.release(lane);
        expect(pools.take(permit.authority, 'http', undefined, identity)).toBe(lane);
        pools.release(lane);
        lanes.add(lane);
      }
      expect(lanes.size).toBe(3);
      expect(pools.take(permit.authority, 'http', undefined, 'client certificate 3')).toBeUndefined();
    }
  });

  test('is not taken for the other scheme', async () => {
    const secure = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end());
    onTestFinished(() => secure.close());
    const pools = poolsOf({ context: createUpstreamContext([ca.rootFile]) });
    const permit = permitFor(`ok.test:${secure.port}`);
    const bare = await acquire(pools, permit, 'http');
    pools.release(bare);
    const lane = await acquire(pools, permit, 'https');
    expect(lane).not.toBe(bare);
    expect(lane.connection.tls?.version).toBe('TLSv1.3');
  });

  test('and closed by the origin meanwhile is not taken, nor counted', async () => {
    const pools = poolsOf();
    const target = await origin();
    const permit = permitFor(`ok.test:${target.port}`);
    const lane = await acquire(pools, permit, 'http');
    pools.release(lane);
    await until(() => target.sockets.length === 1, 'the connection');
    target.sockets[0]?.end();
    await until(() => pools.size === 0, 'the end of the lane');
    expect(await acquire(pools, permit, 'http')).not.toBe(lane);
  });

  test('and closed by us a moment ago is not taken', async () => {
    const pools = poolsOf();
    const permit = permitFor(`ok.test:${(await origin()).port}`);
    const [first, second] = [await acquire(pools, permit, 'http'), await acquire(pools, permit, 'http')];
    pools.release(first);
    pools.release(second);
    second.destroy();
    expect(await acquire(pools, permit, 'http')).toBe(first);
  });

  test('when it is closed already is not kept', async () => {
    const pools = poolsOf();
    const permit = permitFor(`ok.test:${(await origin()).port}`);
    const lane = await acquire(pools, permit, 'http');
    lane.destroy();
    pools.release(lane);
    expect(await acquire(pools, permit, 'http')).not.toBe(lane);
    await until(() => pools.size === 1, 'the end of the lane');
  });

  test('is passed over by one that wants a new one', async () => {
    const pools = poolsOf();
    const permit = permitFor(`ok.test:${(await origin()).port}`);
    const lane = await acquire(pools, permit, 'http');
    pools.release(lane);
    expect(await pools.open(permit, 'http')).not.toBe(lane);
    expect(await acquire(pools, permit, 'http')).toBe(lane);
  });
});

describe('making sure of an origin', () => {
  test('opens one connection, which the first request then takes', async () => {
    const target = await origin();
    const pools = poolsOf();
    const permit = permitFor(`ok.test:${target.port}`);
    const connection = await pools.ensure(permit, 'http');
    expect(await pools.ensure(permit, 'http')).toBe(connection);
    expect((await acquire(pools, permit, 'http')).connection).toBe(connection);
    await until(() => target.accepted === 1, 'the connection');
    expect(pools.size).toBe(1);
  });

  test('that cannot be reached fails each time, and keeps nothing', async () => {
    const pools = poolsOf();
    const permit = permitFor(`ok.test:${await closedPort()}`);
    for (let i = 0; i < 2; i += 1) {
      await expect(pools.ensure(permit, 'http')).rejects.toMatchObject({ code: 'connect-failed', peer: '127.0.0.1' });
    }
    expect(pools.size).toBe(0);
  });

  test('that does not prove to be it fails each time, and keeps nothing', async () => {
    const secure = await httpsOrigin(ca.leaf({ san: 'DNS:other.test' }), (_request, response) => response.end());
    onTestFinished(() => secure.close());
    const pools = poolsOf({ context: createUpstreamContext([ca.rootFile]) });
    for (let i = 0; i < 2; i += 1) {
      await expect(pools.ensure(permitFor(`ok.test:${secure.port}`), 'https')).rejects.toMatchObject({
        code: 'upstream-name',
      });
    }
    expect(pools.size).toBe(0);
    expect(secure.accepted).toBe(2);
  });
});

describe('the end', () => {
  test('closes every connection, idle and in use', async () => {
    const target = await origin();
    const pools = poolsOf();
    const permit = permitFor(`ok.test:${target.port}`);
    const [idle] = [await acquire(pools, permit, 'http'), await acquire(pools, permit, 'http')];
    pools.release(idle);
    pools.destroy();
    await until(() => pools.size === 0, 'the end of the lanes');
    for (const socket of target.sockets) socket.resume();
    await until(
      () => target.sockets.length === 2 && target.sockets.every((socket) => socket.readableEnded),
      'the closes',
    );
  });

  test('closes a connection that is still being dialled as soon as it stands', async () => {
    const target = await origin();
    const pools = poolsOf();
    const opening = acquire(pools, permitFor(`ok.test:${target.port}`), 'http');
    pools.destroy();
    await expect(opening).rejects.toMatchObject({ code: 'connect-failed', detail: 'The proxy is shutting down.' });
    expect(pools.size).toBe(0);
    await until(() => target.sockets.length === 1, 'the connection');
    target.sockets[0]?.resume();
    await until(() => target.sockets[0]?.readableEnded === true, 'the close');
  });

  test('of many origins leaves no memory of them', async () => {
    const pools = poolsOf();
    for (let i = 0; i < 20; i += 1) {
      const target = await origin();
      await pools.ensure(permitFor(`ok.test:${target.port}`), 'http');
      await until(() => target.sockets.length === 1, 'the connection');
      target.sockets[0]?.resetAndDestroy();
    }
    await until(() => pools.size === 0, 'the end of the lanes');
  });
});

describe('connections that rest', () => {
  test.each([
    ['to one origin', { idlePerOrigin: 2 }],
    ['in all', { idleConnections: 2 }],
  ])('are bounded %s: the one that has rested longest goes', async (_name, limits) => {
    const pools = limitedPools(limits);
    const permit = permitFor(`ok.test:${(await origin()).port}`);
    const lanes = [];
    for (let i = 0; i < 3; i++) lanes.push(await acquire(pools, permit, 'http'));
    for (const lane of lanes) pools.release(lane);
    expect(lanes.map((lane) => lane.alive)).toEqual([false, true, true]);
    expect(pools.size).toBe(2);
    expect(await acquire(pools, permit, 'http')).toBe(lanes[2]);
    expect(await acquire(pools, permit, 'http')).toBe(lanes[1]);
  });

  test('are bounded over all origins together', async () => {
    const pools = limitedPools({ idleConnections: 1 });
    const [one, other] = [permitFor(`ok.test:${(await origin()).port}`), permitFor(`ok.test:${(await origin()).port}`)];
    const [first, second] = [await acquire(pools, one, 'http'), await acquire(pools, other, 'http')];
    pools.release(first);
    pools.release(second);
    expect([first.alive, second.alive]).toEqual([false, true]);
    expect(await acquire(pools, one, 'http')).not.toBe(first);
  });

  test('are none where none shall be kept', async () => {
    const pools = limitedPools({ idlePerOrigin: 0 });
    const permit = permitFor(`ok.test:${(await origin()).port}`);
    const lane = await acquire(pools, permit, 'http');
    pools.release(lane);
    expect(lane.alive).toBe(false);
    expect(pools.size).toBe(0);
  });

  test('do not count while they are in use', async () => {
    const pools = limitedPools({ idlePerOrigin: 1, idleConnections: 1 });
    const permit = permitFor(`ok.test:${(await origin()).port}`);
    const [first, second] = [await acquire(pools, permit, 'http'), await acquire(pools, permit, 'http')];
    pools.release(first);
    expect(await acquire(pools, permit, 'http')).toBe(first);
    pools.release(second);
    expect([first.alive, second.alive]).toEqual([true, true]);
  });
});

/** As forward.ts does: an idle lane, or a new one. */
async function acquire(pools: OriginPools, permit: Permit, scheme: Scheme): Promise<Lane> {
  return pools.take(permit.authority, scheme) ?? (await pools.open(permit, scheme));
}
