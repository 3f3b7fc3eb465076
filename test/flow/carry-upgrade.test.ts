// Connections that leave HTTP, plain and inside bumped tunnels: what is asked, granted and carried; what opens nothing; and
// the one line at the end.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Recorder, record } from '../hostile/recorder.ts';
import { dialProxy, openRig, type Rig, readAll, readUntil, startRig, tlsThrough, until } from '../support/rig.ts';
import { readBytes } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
/** The example of RFC 6455 section 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const ASK = `Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n`;
const GRANT = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`;

const SIDES = ['plain', 'tunnel'] as const;
type Side = (typeof SIDES)[number];

let rig: Rig;
const origins = {} as Record<Side, Recorder>;
/** The origin's end of what was upgraded last. */
let far: Socket;
let lines = 0;

const rules = [{ name: 'ok', hosts: ['ok.test'], action: 'allow' as const }];

beforeAll(async () => {
  origins.plain = await record('127.0.0.1');
  origins.tunnel = await record('127.0.0.1', ca.leaf({ san: 'DNS:ok.test' }));
  rig = await openRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy: { rules } });
});
afterAll(async () => {
  await rig.proxy.close(0);
  await Promise.all([origins.plain.close(), origins.tunnel.close()]);
});

/** The entries of requests since the last call; the lines of CONNECTs are left out. */
async function told(count: number, side: Side) {
  const all = await rig.entries(lines + count + (side === 'tunnel' ? 1 : 0));
  const fresh = all.slice(lines);
  lines = all.length;
  return fresh.filter(({ method }) => method !== 'CONNECT');
}

const authorityOf = (side: Side): string => `ok.test:${origins[side].port}`;
const open = (side: Side, port = rig.port, trust = rig.ca): Promise<Socket> =>
  side === 'plain' ? dialProxy(port) : tlsThrough(port, authorityOf(side), { ca: trust });
const ask = (side: Side, fields = ASK, path = '/chat?token=1'): string =>
  `GET ${side === 'plain' ? `http://${authorityOf(side)}` : ''}${path} HTTP/1.1\r\nHost: ${authorityOf(side)}\r\n${fields}\r\n`;

/** What the origin answers; behind a 101 its socket is the test's. */
function answerWith(side: Side, bytes: string): void {
  origins[side].forget();
  origins[side].answer = (_request, socket) => {
    far = socket;
    if (bytes.includes(' 101 ')) socket.removeAllListeners('data').removeAllListeners('end');
    socket.write(bytes, 'latin1');
  };
}

/** Until the proxy has ended its half of the connection to the origin. */
async function letGo(socket: Socket): Promise<void> {
  socket.resume();
  const isOver = (): boolean => socket.readableEnded || socket.destroyed;
  // A client that is gone looks for five seconds like one that has only said all it had to say.
  await until(isOver, 'the end of the connection to the origin', () => '', 10_000);
  socket.destroy();
}

describe.each(SIDES)('an upgrade to WebSocket (%s)', (side) => {
  test('goes on, is granted, and carries bytes both ways, which are told at the close', async () => {
    answerWith(side, `${GRANT}hello`);
    const client = await open(side);
    client.write(ask(side));
    const head = await readUntil(client, '\r\n\r\n');
    expect(head).toBe(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Extensions: permessage-deflate\r\nVia: 1.1 sallyport\r\n\r\n`,
    );
    expect(String(await readBytes(client, 5))).toBe('hello');
    const [request] = origins[side].requests();
    const fields = new Map(request?.fields.map(([name, value]) => [name.toLowerCase(), value]));
    expect(request?.line).toBe('GET /chat?token=1 HTTP/1.1');
    expect(
      ['connection', 'upgrade', 'sec-websocket-key', 'sec-websocket-extensions'].map((name) => fields.get(name)),
    ).toEqual(['Upgrade', 'WebSocket', KEY, 'permessage-deflate']);
    client.write('GET /no-request HTTP/1.1\r\n\r\n');
    expect(String(await readBytes(far, 28))).toBe('GET /no-request HTTP/1.1\r\n\r\n');
    far.write('HTTP/1.1 no reply');
    expect(String(await readBytes(client, 17))).toBe('HTTP/1.1 no reply');
    const rest = readAll(client);
    far.end('bye');
    expect(await rest).toBe('bye');
    client.end();
    const [entry] = await told(1, side);
    expect(entry).toMatchObject({
      ...{ tag: 'TCP_TUNNEL', status: 101, method: 'GET', outcome: 'upgraded', rule: 'ok', hierarchy: 'HIER_DIRECT' },
      ...{ bytes: head.length + 5 + 17 + 3, bytes_in: 28 },
    });
    const last = (await rig.lines(lines)).at(-1);
    const scheme = side === 'plain' ? 'http' : 'https';
    expect(last).toBe(`TCP_TUNNEL/101 N GET ${scheme}://${authorityOf(side)}/chat? - HIER_DIRECT/127.0.0.1 -`);
  });

  test('carries 50 MB each way unharmed, at once', { timeout: 60_000 }, async () => {
    answerWith(side, GRANT);
    const client = await open(side);
    client.write(ask(side));
    await readUntil(client, '\r\n\r\n');
    const block = randomBytes(1 << 20);
    const sum = createHash('sha256');
    for (let at = 0; at < 50; at += 1) sum.update(block);
    const pour = async (socket: Socket): Promise<void> => {
      for (let at = 0; at < 50; at += 1) if (!socket.write(block)) await once(socket, 'drain');
    };
    const drink = async (socket: Socket): Promise<string> => {
      const hash = createHash('sha256');
      let left = 50 << 20;
      const whole = Promise.withResolvers<string>();
      socket.on('data', (chunk: Buffer) => {
        hash.update(chunk);
        left -= chunk.length;
        if (left === 0) whole.resolve(hash.digest('hex'));
      });
      socket.resume();
      return whole.promise;
    };
    const expected = sum.digest('hex');
    const [down, up] = await Promise.all([drink(client), drink(far), pour(client), pour(far)]);
    expect([down, up]).toEqual([expected, expected]);
    far.end();
    client.end();
    const [entry] = await told(1, side);
    expect(entry).toMatchObject({ outcome: 'upgraded', bytes_in: 50 << 20 });
    expect(Number(entry?.['bytes'])).toBeGreaterThan(50 << 20);
  });

  test('holds the origin back while the client takes nothing', async () => {
    answerWith(side, GRANT);
    const client = await open(side);
    client.write(ask(side));
    await readUntil(client, '\r\n\r\n');
    const block = Buffer.alloc(1 << 20);
    let sent = 0;
    while (
      far.write(block) ||
      (await Promise.race([once(far, 'drain'), new Promise((go) => setTimeout(go, 300, 0))]))
    ) {
      sent += 1;
      expect(sent).toBeLessThan(64);
    }
    client.destroy();
    await letGo(far);
    expect((await told(1, side))[0]).toMatchObject({ outcome: 'aborted', tag: 'TCP_TUNNEL_ABORTED', status: 101 });
  });

  test('takes what the client has sent before the 101 for the new protocol, and for no request', async () => {
    origins[side].forget();
    const asked = Promise.withResolvers<Socket>();
    origins[side].answer = (_request, socket) => {
      socket.removeAllListeners('data');
      asked.resolve(socket);
    };
    const client = await open(side);
    client.write(`${ask(side)}GET /early HTTP/1.1\r\n\r\n`);
    far = await asked.promise;
    far.write(GRANT);
    expect(String(await readBytes(far, 23))).toBe('GET /early HTTP/1.1\r\n\r\n');
    client.destroy();
    await told(1, side);
  });

  test.each([
    ['200 OK', 'ok'],
    ['403 Forbidden', 'no'],
    ['426 Upgrade Required', ''],
  ])('that is answered %s is an ordinary request, and the connection goes on', async (status, body) => {
    answerWith(side, `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const client = await open(side);
    client.write(ask(side));
    const head = await readUntil(client, '\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n.*Connection: keep-alive\r\n`, 's'));
    if (body !== '') expect(String(await readBytes(client, body.length))).toBe(body);
    answerWith(side, 'HTTP/1.1 204 X\r\n\r\n');
    client.write(ask(side, 'Connection: close\r\n', '/next'));
    expect(await readAll(client)).toMatch(/^HTTP\/1\.1 204 /);
    expect((await told(2, side)).map(({ tag, status: one }) => [tag, one])).toEqual([
      ['TCP_MISS', Number(status.slice(0, 3))],
      ['TCP_MISS', 204],
    ]);
  });

  test.each(['200 OK', '426 Upgrade Required'])(
    'SMUG-06: that is answered %s has no request behind it that came before the answer',
    async (status) => {
      answerWith(side, `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
      const client = await open(side);
      client.write(`${ask(side)}${ask(side, 'Connection: close\r\n', '/smuggled')}`);
      expect(await readAll(client)).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n(?:(?!HTTP/1).)*$`, 's'));
      client.destroy();
      expect(await told(1, side)).toHaveLength(1);
      expect(origins[side].bytes()).not.toContain('smuggled');
    },
  );

  test.each([
    ['to nothing', 'HTTP/1.1 101 X\r\nConnection: upgrade\r\n\r\n', 'A 101 that does not say to what.'],
    [
      'that names no connection',
      'HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n',
      'A 101 without an upgrade of its connection.',
    ],
    ['to h2c', GRANT.replace('websocket', 'h2c'), 'A change to a protocol that nobody asked for.'],
    [
      'to more than was asked',
      GRANT.replace('websocket', 'websocket, h2c'),
      'A change to a protocol that nobody asked for.',
    ],
    ['of another key', GRANT.replace(ACCEPT, `A${ACCEPT.slice(1)}`), 'Sec-WebSocket-Accept is not that of the key.'],
    ['without proof', GRANT.replace('-Accept', '-Except'), 'Sec-WebSocket-Accept is not that of the key.'],
    ['with a body', GRANT.replace('\r\n', '\r\nContent-Length: 9\r\n'), 'A 101 with a body.'],
    ['of HTTP/1.0', GRANT.replace('1.1', '1.0'), 'A 101 without an upgrade of its connection.'],
    ['of 101 fields', GRANT.replace('\r\n', `\r\n${'A: b\r\n'.repeat(100)}`), 'More than 100 fields.'],
    ['with a broken field', GRANT.replace('\r\n', '\r\nA b: c\r\n'), 'Malformed field name.'],
  ])('SMUG-06: with a 101 %s opens nothing', async (_name, answer, detail) => {
    answerWith(side, `${answer}raw`);
    const client = await open(side);
    client.write(ask(side));
    const head = await readUntil(client, '\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    client.destroy();
    await letGo(far);
    expect((await told(1, side))[0]).toMatchObject({ error: 'response-malformed', error_detail: detail, status: 502 });
  });

  test('whose 101 stops at any of its bytes is no success', async () => {
    const step = Math.ceil(GRANT.length / 12);
    for (let end = 0; end < GRANT.length; end += step) {
      origins[side].forget();
      origins[side].answer = (_request, socket) => void socket.end(GRANT.slice(0, end), 'latin1');
      const client = await open(side);
      client.write(ask(side));
      expect([end, await readUntil(client, '\r\n')]).toEqual([end, 'HTTP/1.1 502 Bad Gateway\r\n']);
      client.destroy();
      expect((await told(1, side))[0]).toMatchObject({ status: 502, tag: 'TCP_MISS' });
    }
  });

  test('whose client goes away before the 101 lets the origin go', async () => {
    const asked = Promise.withResolvers<Socket>();
    origins[side].answer = (_request, socket) => asked.resolve(socket);
    const client = await open(side);
    client.write(ask(side));
    far = await asked.promise;
    client.destroy();
    await letGo(far);
    expect((await told(1, side))[0]).toMatchObject({ outcome: 'aborted', status: 0 });
  });
});

describe('what may be upgraded to', () => {
  async function outcomeOf(policy: object, protocol: string): Promise<[string, string]> {
    const one = await startRig({ hosts: { 'ok.test': '127.0.0.1' }, policy: { rules, ...policy } });
    answerWith('plain', `HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
    const client = await dialProxy(one.port);
    client.write(ask('plain', `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`));
    const line = await readUntil(client, '\r\n');
    client.destroy();
    far.end();
    const [entry] = await one.entries(1);
    return [line.slice(9, 12), `${entry?.['rule']} ${entry?.['outcome']} ${entry?.['would_deny'] ?? ''}`.trim()];
  }

  test.each<[string, object, string, [string, string]]>([
    ['is WebSocket alone', {}, 'tcp', ['403', 'upgrades denied']],
    ['is what the policy says', { upgrades: ['TCP'] }, 'Tcp', ['101', 'ok upgraded']],
    ['is what the rule says', { rules: [{ ...rules[0], upgrades: ['spdy'] }] }, 'SPDY/3.1', ['101', 'ok upgraded']],
    ['is nothing where the list is empty', { upgrades: [] }, 'websocket', ['403', 'upgrades denied']],
    ['is all that can be in report mode', { mode: 'report' }, 'tcp', ['101', 'upgrades upgraded true']],
  ])('%s: %j, %s', async (_name, policy, protocol, expected) => {
    expect(await outcomeOf(policy, protocol)).toEqual(expected);
  });

  test('is told to who is refused', async () => {
    const client = await dialProxy(rig.port);
    client.write(ask('plain', 'Connection: Upgrade, close\r\nUpgrade: spdy/3.1\r\n'));
    expect(await readAll(client)).toMatch(
      /an upgrade to &quot;spdy\/3\.1&quot; is not among those permitted \(websocket\)/,
    );
    expect((await told(1, 'plain'))[0]).toMatchObject({ tag: 'TCP_DENIED', status: 403, hierarchy: 'HIER_NONE' });
  });
});

describe('an upgraded connection', () => {
  async function upgradedOn(one: Rig): Promise<Socket> {
    answerWith('plain', GRANT);
    const client = await dialProxy(one.port);
    client.write(ask('plain'));
    await readUntil(client, '\r\n\r\n');
    return client;
  }

  test('in which nothing moves ends at its deadline', async () => {
    const one = await startRig({
      hosts: { 'ok.test': '127.0.0.1' },
      policy: { rules },
      limits: { tunnelIdleTimeout: 200 },
    });
    const client = await upgradedOn(one);
    await Promise.all([readAll(client), letGo(far)]);
    expect((await one.entries(1))[0]).toMatchObject({ tag: 'TCP_TUNNEL_TIMEDOUT', outcome: 'timed_out', status: 101 });
  });

  test('is cut at the end of a drain, and told', async () => {
    const one = await startRig({ hosts: { 'ok.test': '127.0.0.1' }, policy: { rules } });
    const client = await upgradedOn(one);
    const [ended] = await Promise.all([readAll(client), letGo(far), one.proxy.close(100)]);
    expect(ended).toBe('');
    expect((await one.entries(1))[0]).toMatchObject({ tag: 'TCP_TUNNEL_ABORTED', outcome: 'aborted', status: 101 });
  });

  test('of which one half has ended still carries the other', async () => {
    const client = await upgradedOn(rig);
    client.end('last');
    expect(String(await readBytes(far, 4))).toBe('last');
    const rest = readAll(client);
    far.end('still here');
    expect(await rest).toBe('still here');
    expect((await told(1, 'plain'))[0]).toMatchObject({ tag: 'TCP_TUNNEL', outcome: 'upgraded', bytes_in: 4 });
  });
});

test('nothing of all that is left open', async () => {
  await until(() => rig.proxy.connections === 0, 'the end of all connections');
});
