// Connections beyond a share: told so in words, logged, and let in again when there is room.

import { describe, expect, test } from 'vitest';
import { expectNothingLeft } from '../support/leaks.ts';
import { dialProxy, readAll, say, startRig, until } from '../support/rig.ts';

expectNothingLeft();

const HELP = 'GET / HTTP/1.1\r\nHost: sallyport.internal\r\nConnection: close\r\n\r\n';

describe('a client that has all of its share', () => {
  test('is answered 429 with the reason, and has one line for it', async () => {
    const rig = await startRig({ limits: { connectionsPerClient: 1 } });
    const first = await dialProxy(rig.port);
    await until(() => rig.proxy.connections === 1, 'the first connection');
    const reply = await say(rig.port, HELP);
    expect(reply).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
    expect(reply).toMatch(/\r\nRetry-After: 5\r\n/);
    expect(reply).toMatch(/\r\nProxy-Status: sallyport; error=connection_limit_reached/);
    expect(reply).toContain('It has 1 connections open.');
    const [entry] = await rig.entries(1);
    expect(entry).toMatchObject({ error: 'client-limit', status: 429, outcome: 'failed', bytes: reply.length });
    first.destroy();
  });

  test('is let in again once one of its connections has ended', async () => {
    const rig = await startRig({ limits: { connectionsPerClient: 1 } });
    const first = await dialProxy(rig.port);
    await until(() => rig.proxy.connections === 1, 'the first connection');
    expect(await say(rig.port, HELP)).toMatch(/^HTTP\/1\.1 429 /);
    first.destroy();
    await until(() => rig.proxy.connections === 0, 'its end');
    expect(await say(rig.port, HELP)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a connection for which there is no place', () => {
  test('waits for one, and is served when it is free', async () => {
    const rig = await startRig({ limits: { connections: 1 } });
    const first = await dialProxy(rig.port);
    await until(() => rig.proxy.connections === 1, 'the first connection');
    const second = await dialProxy(rig.port);
    second.write(HELP);
    const reply = readAll(second);
    await until(() => rig.proxy.connections === 2, 'the second connection');
    first.destroy();
    expect(await reply).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('is answered 503 when none is free in time', async () => {
    const rig = await startRig({ limits: { connections: 1, connectTimeout: 50 } });
    const first = await dialProxy(rig.port);
    await until(() => rig.proxy.connections === 1, 'the first connection');
    const reply = await say(rig.port, HELP);
    expect(reply).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(reply).toMatch(/\r\nRetry-After: 5\r\n/);
    const [entry] = await rig.entries(1);
    expect(entry).toMatchObject({ error: 'overloaded', status: 503, outcome: 'failed' });
    first.destroy();
  });
});
