// Connections of HTTP/2 to origins, by authority.

import { rmSync } from 'node:fs';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { DEFAULT_LIMITS, type Limits } from '../../src/core/limits.ts';
import { H2Exchange } from '../../src/http/h2-exchange.ts';
import { OriginPools } from '../../src/http/origin-pools.ts';
import { createUpstreamContext } from '../../src/pki/upstream-trust.ts';
import { type H2OriginOptions, h2Origin } from '../support/h2.ts';
import type { Origin } from '../support/origin.ts';
import { quietClient } from '../support/quiet-client.ts';
import { until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { loopbackUpstream, permitFor } from '../support/upstream.ts';

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));

async function started(options: H2OriginOptions = {}, limits: Partial<Limits> = {}) {
  const pair = ca.leaf({ san: 'DNS:ok.test,DNS:other.test' });
  const origin: Origin = await h2Origin(pair, (stream) => void stream.resume(), { allowHTTP1: true, ...options });
  const upstream = loopbackUpstream({ context: createUpstreamContext([ca.rootFile]) });
  const pools = new OriginPools(upstream, { ...DEFAULT_LIMITS, ...limits });
  onTestFinished(async () => {
    pools.destroy();
    await origin.close();
  });
  return { origin, pools, permit: permitFor(`ok.test:${origin.port}`), client: quietClient() };
}

describe('a connection of HTTP/2', () => {
  test('carries many exchanges, of whoever asks for streams, and of others where nothing else is idle', async () => {
    const { origin, pools, permit, client } = await started();
    await pools.ensure(permit, 'https', undefined, true);
    const ways = [true, true, false].map((streams) => pools.takeWay(permit.authority, 'https', client, streams));
    expect(ways.every((way) => way instanceof H2Exchange)).toBe(true);
    expect(new Set(ways.map((way) => way?.connection)).size).toBe(1);
    expect(origin.accepted).toBe(1);
    expect(pools.take(permit.authority, 'https', client)).toBeUndefined();
  });

  test('is never that of another authority, though certificate and address would do', async () => {
    const { origin, pools, permit, client } = await started();
    await pools.ensure(permit, 'https', undefined, true);
    const other = permitFor(`other.test:${origin.port}`);
    expect(pools.takeWay(other.authority, 'https', client, true)).toBeUndefined();
    expect(pools.takeWay(permit.authority, 'http', client, true)).toBeUndefined();
  });

  test('that is full is left alone for a second one', async () => {
    const { origin, pools, permit, client } = await started({ settings: { maxConcurrentStreams: 2 } });
    await pools.ensure(permit, 'https', undefined, true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const take = () => pools.takeWay(permit.authority, 'https', client, true);
    expect([take(), take(), take()].map((way) => way === undefined)).toEqual([false, false, true]);
    await pools.openWay(permit, 'https', true);
    expect(take()).toBeInstanceOf(H2Exchange);
    expect(origin.accepted).toBe(2);
  });

  test('is dialled once for many that want it at once', async () => {
    const { origin, pools, permit } = await started();
    const ways = await Promise.all(Array.from({ length: 20 }, () => pools.openWay(permit, 'https', true)));
    expect(ways.every((way) => way instanceof H2Exchange)).toBe(true);
    expect(origin.accepted).toBe(1);
  });

  test('that nobody uses is closed when too many rest', async () => {
    const { pools, permit } = await started({}, { idleConnections: 0 });
    await pools.ensure(permit, 'https', undefined, true);
    await until(() => pools.size === 0, 'its end');
  });

  test('stays where it is others, of HTTP/1, that have rested longer', async () => {
    const { origin, pools, permit, client } = await started({}, { idleConnections: 1 });
    const other = permitFor(`other.test:${origin.port}`);
    await pools.ensure(other, 'https');
    await pools.ensure(permit, 'https', undefined, true);
    expect(pools.take(other.authority, 'https', client)).toBeUndefined();
    expect(pools.takeWay(permit.authority, 'https', client, true)).toBeInstanceOf(H2Exchange);
    expect(origin.accepted).toBe(2);
  });

  test('that makes too many gives its place to one of HTTP/1 that begins to rest', async () => {
    const { origin, pools, permit, client } = await started({}, { idleConnections: 1 });
    const other = permitFor(`other.test:${origin.port}`);
    await pools.ensure(permit, 'https', undefined, true);
    await pools.ensure(other, 'https');
    expect(pools.takeWay(permit.authority, 'https', client, true)).toBeUndefined();
    expect(pools.take(other.authority, 'https', client)).toBeDefined();
  });

  test('that cannot be kept is dialled anew by each who waited for it, and never replaced by one of HTTP/1', async () => {
    const { pools, permit } = await started({}, { idleConnections: 0 });
    const ensured = Array.from({ length: 5 }, () => pools.ensure(permit, 'https', undefined, true));
    expect((await Promise.all(ensured)).map(({ protocol }) => protocol)).toEqual(Array(5).fill('h2'));
    await until(() => pools.size === 0, 'its end');
  });

  test('that rests too long is closed', async () => {
    const { pools, permit } = await started({}, { keepAliveTimeout: 50 });
    await pools.ensure(permit, 'https', undefined, true);
    expect(pools.size).toBe(1);
    await until(() => pools.size === 0, 'its end');
  });
});
