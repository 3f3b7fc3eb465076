// Connections that leave HTTP on the ways that are not the straight one: through parents, by users who are known, and where
// a firewall has turned the client around to us.

import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Recorder, record } from '../hostile/recorder.ts';
import { parentAt, scriptedParent, tunnellingParent } from '../support/parents.ts';
import { dialProxy, type Rig, type RigOptions, readUntil, startRig, tlsThrough } from '../support/rig.ts';
import { readBytes } from '../support/socket-pair.ts';
import { type Pair, TestCa } from '../support/test-ca.ts';
import { basic, writeUsers } from '../support/users.ts';

const ca = new TestCa();
const users = writeUsers({ alice: 'a', bob: 'b' });
afterAll(() => {
  rmSync(ca.folder, { recursive: true });
  rmSync(users.folder, { recursive: true });
});

/** The example of RFC 6455 section 1.3. */
const ASK =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const GRANT =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

/** Grants what it is asked, and says back whatever comes then. */
async function startEcho(pair?: Pair): Promise<Recorder> {
  const origin = await record('127.0.0.1', pair);
  origin.answer = (_request, socket) => {
    socket.removeAllListeners('data').removeAllListeners('end');
    socket.write(GRANT);
    socket.pipe(socket);
  };
  onTestFinished(() => origin.close());
  return origin;
}

const rigFor = (options: RigOptions = {}): Promise<Rig> =>
  startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
    ...options,
  });

const plainAsk = (authority: string, fields = ''): string =>
  `GET http://${authority}/chat HTTP/1.1\r\nHost: ${authority}\r\n${ASK}${fields}\r\n`;

/** Asks, is granted it, and has its words said back. */
async function converse(client: Socket, ask: string): Promise<void> {
  client.write(ask);
  expect(await readUntil(client, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 101 /);
  client.write('GET /no-request HTTP/1.1\r\n\r\n');
  expect(String(await readBytes(client, 28))).toBe('GET /no-request HTTP/1.1\r\n\r\n');
  client.end();
}

describe('a WebSocket through a parent', () => {
  test('in the clear is asked for in absolute form, and judged by both proxies', async () => {
    const origin = await startEcho();
    const authority = `ok.test:${origin.port}`;
    const parent = await rigFor();
    const rig = await rigFor({ servers: ['127.0.0.1:1'], hosts: {}, parents: [parentAt(parent.port)] });
    await converse(await dialProxy(rig.port), plainAsk(authority));
    expect(await rig.lines(1)).toEqual([`TCP_TUNNEL/101 N GET http://${authority}/chat - FIRSTUP_PARENT/127.0.0.1 -`]);
    expect(await parent.lines(1)).toEqual([`TCP_TUNNEL/101 N GET http://${authority}/chat - HIER_DIRECT/127.0.0.1 -`]);
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'upgraded', parent: 'hq', bytes_in: 28 });
    expect(origin.bytes()).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
  });

  test('in the clear brings the parent our credentials, and none of the client', async () => {
    const parent = await scriptedParent((socket) => {
      socket.write(GRANT);
      socket.resume().pipe(socket);
    });
    const rig = await rigFor({ parents: [parentAt(parent.port, { user: 'we', password: 'secret' })] });
    const mine = 'Proxy-Authorization: Basic bWluZTptaW5l\r\n';
    await converse(await dialProxy(rig.port), plainAsk('ok.test:8080', mine));
    const [head = ''] = parent.heads;
    expect(head).toMatch(/^GET http:\/\/ok\.test:8080\/chat HTTP\/1\.1\r\n/);
    expect(head.match(/^proxy-authorization: .*$/gim)).toEqual([
      `Proxy-Authorization: Basic ${Buffer.from('we:secret').toString('base64')}`,
    ]);
    expect(head).toMatch(/\r\nconnection: Upgrade\r\n/i);
  });

  test.each([
    ['that does not know of such', 'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n', 426, undefined],
    ['that does not take our credentials', 'HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n', 502, 'parent-auth'],
    ['that grants what was not asked', GRANT.replace('websocket', 'spdy'), 502, 'response-malformed'],
  ])('%s opens nothing', async (_name, answer, status, error) => {
    const parent = await scriptedParent((socket) => socket.write(answer));
    const rig = await rigFor({ parents: [parentAt(parent.port)] });
    const client = await dialProxy(rig.port);
    client.write(plainAsk('ok.test:8080'));
    expect(await readUntil(client, '\r\n\r\n')).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const [entry] = await rig.entries(1);
    expect(entry).toMatchObject({ status, ...(error ? { error, parent: 'hq' } : {}) });
  });

  test('within TLS goes through its tunnel, unread by it', async () => {
    const origin = await startEcho(ca.leaf({ san: 'DNS:ok.test' }));
    const authority = `ok.test:${origin.port}`;
    const parent = await tunnellingParent();
    const rig = await rigFor({ parents: [parentAt(parent.port)] });
    const client = await tlsThrough(rig.port, authority, { ca: rig.ca });
    await converse(client, `GET /chat HTTP/1.1\r\nHost: ${authority}\r\n${ASK}\r\n`);
    expect((await rig.lines(2))[1]).toBe(`TCP_TUNNEL/101 N GET https://${authority}/chat - FIRSTUP_PARENT/127.0.0.1 -`);
    expect(parent.heads.map((head) => head.split('\r\n')[0])).toContain(`CONNECT ${authority} HTTP/1.1`);
  });
});

describe('a WebSocket in the clear where a rule has to know who asks', () => {
  const rules = [
    { name: 'alice alone', hosts: ['ok.test'], users: ['alice'], action: 'allow' },
    { name: 'all', hosts: ['ok.test'], authenticated: true, action: 'allow', upgrades: ['spdy'] },
  ] as const;
  const start = async () => {
    const origin = await startEcho();
    const rig = await rigFor({
      auth: { basic: { htpasswd: users.htpasswd, realm: 'r' }, groups: {} },
      policy: { rules },
    });
    return { origin, rig, authority: `ok.test:${origin.port}` };
  };

  test('is asked by a 407, after which it goes on, on the same connection', async () => {
    const { origin, rig, authority } = await start();
    const client = await dialProxy(rig.port);
    client.write(plainAsk(authority));
    const head = await readUntil(client, '\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 407 [\s\S]*\r\nProxy-Authenticate: Basic /);
    await readBytes(client, Number(/\r\nContent-Length: (\d+)/i.exec(head)?.[1]));
    await converse(client, plainAsk(authority, basic('alice', 'a')));
    expect(origin.accepted).toBe(1);
    expect(origin.bytes()).not.toMatch(/proxy-authorization/i);
    const entries = await rig.entries(2);
    expect(entries.map(({ status, user, error }) => [status, user, error])).toEqual([
      [407, undefined, 'auth-required'],
      [101, 'alice', undefined],
    ]);
  });

  test('is judged by the list of the rule that is for its user', async () => {
    const { origin, rig, authority } = await start();
    const client = await dialProxy(rig.port);
    client.write(plainAsk(authority, basic('bob', 'b')));
    expect(await readUntil(client, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect((await rig.entries(1))[0]).toMatchObject({
      user: 'bob',
      rule: 'upgrades',
      reason: 'an upgrade to "websocket" is not among those permitted (spdy)',
    });
    expect(origin.accepted).toBe(0);
  });
});

test('a WebSocket that a firewall has turned around to us goes where its Host says', async () => {
  const origin = await startEcho();
  const rig = await rigFor({ listen: { transparent: { httpsPort: 443, httpPort: origin.port } } });
  await converse(await dialProxy(rig.port), `GET /chat HTTP/1.1\r\nHost: ok.test\r\n${ASK}\r\n`);
  expect(await rig.lines(1)).toEqual([
    `TCP_TUNNEL/101 N GET http://ok.test:${origin.port}/chat - HIER_DIRECT/127.0.0.1 -`,
  ]);
  expect(origin.bytes()).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
});
