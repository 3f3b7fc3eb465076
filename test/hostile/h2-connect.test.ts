// CONNECT on streams to the proxy itself, in hostile hands: what is no CONNECT opens nothing, what floods is bounded, and the
// other streams and connections are served meanwhile.

import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hello, hostNames } from '../support/client-hello.ts';
import {
  END_HEADERS,
  END_STREAM,
  type Field,
  fields,
  frame,
  type RawH2,
  setting,
  TYPE,
  uint32,
} from '../support/h2-frames.ts';
import { connectOn, h2ToProxy, rawToProxy, tlsOn } from '../support/h2-proxy.ts';
import { httpsOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import { get, openRig, type Rig, until, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
let origin: Origin;
let echo: Origin;
let rig: Rig;
let authority: string;
let unread: string;
/** What the echoing origin has got. */
let heard = '';
/** Tunnels that are open at it. */
let open = 0;
let memory = 0;

beforeAll(async () => {
  const pair = ca.leaf({ san: 'DNS:ok.test' });
  origin = await httpsOrigin(pair, (_request, response) => response.end('ok'));
  echo = await tcpOrigin((socket) => {
    open += 1;
    socket.on('close', () => {
      open -= 1;
    });
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1');
    });
    socket.on('end', () => socket.end());
  });
  authority = `ok.test:${origin.port}`;
  unread = `raw.test:${echo.port}`;
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1', 'raw.test': '127.0.0.1' },
    policy: {
      rules: [
        { name: 'ok', hosts: ['ok.test'], action: 'allow' },
        { name: 'raw', hosts: ['raw.test'], action: 'allow', tls: 'tunnel' },
      ],
    },
    // A worker has its part of them, and all streams of a connection are one worker's.
    limits: { handshakeTimeout: 1_500, connectionsPerClient: 60 * WORKERS },
  });
  memory = process.memoryUsage().rss;
});
afterAll(async () => {
  await rig.proxy.close(0);
  await Promise.all([origin.close(), echo.close()]);
  rmSync(ca.folder, { recursive: true });
});

/** Others are served within a second, and what was hostile has left nothing. */
afterEach(async () => {
  const begin = performance.now();
  const session = await h2ToProxy(rig);
  const { stream, status } = await connectOn(session, authority);
  expect(status).toBe(200);
  expect(await get(await tlsOn(stream, 'ok.test', { ca: rig.ca }), authority)).toContain('ok');
  expect(performance.now() - begin).toBeLessThan(1_000);
  session.destroy();
  await until(() => rig.proxy.connections === 0 && open === 0, 'the end of all connections');
  expect(process.memoryUsage().rss - memory).toBeLessThan(128 << 20);
  heard = '';
});

const connectHead = (to: string, extra: readonly Field[] = []): Buffer =>
  fields([[':method', 'CONNECT'], [':authority', to], ...extra]);

/** 2 is the index of a status of 200 in HPACK's static table, with the bit of an indexed field. */
const statusOf = (raw: RawH2, stream: number): 'ok' | 'other' | undefined => {
  const [head] = raw.of(TYPE.headers, stream);
  if (!head) return undefined;
  return head.payload[0] === 0x88 ? 'ok' : 'other';
};

const refused = (raw: RawH2, stream = 1): boolean =>
  raw.closed || raw.resetOf(stream) !== undefined || statusOf(raw, stream) === 'other';

describe('HTTP-11: a CONNECT on a stream', () => {
  test.each<[string, () => readonly Field[]]>([
    [
      'with a path',
      () => [
        [':method', 'CONNECT'],
        [':authority', unread],
        [':path', '/'],
      ],
    ],
    [
      'with a scheme',
      () => [
        [':method', 'CONNECT'],
        [':authority', unread],
        [':scheme', 'https'],
      ],
    ],
    [
      'with all that a request has',
      () => [
        [':method', 'CONNECT'],
        [':scheme', 'https'],
        [':authority', unread],
        [':path', '/'],
      ],
    ],
    ['without an authority', () => [[':method', 'CONNECT']]],
    [
      'with a Host alone',
      () => [
        [':method', 'CONNECT'],
        ['host', unread],
      ],
    ],
    [
      'with another Host',
      () => [
        [':method', 'CONNECT'],
        [':authority', unread],
        ['host', 'other.test:443'],
      ],
    ],
    [
      'without a port',
      () => [
        [':method', 'CONNECT'],
        [':authority', 'raw.test'],
      ],
    ],
    [
      'with a URL',
      () => [
        [':method', 'CONNECT'],
        [':authority', `https://${unread}/`],
      ],
    ],
    [
      'with a user',
      () => [
        [':method', 'CONNECT'],
        [':authority', `a@${unread}`],
      ],
    ],
    [
      'with two authorities',
      () => [
        [':method', 'CONNECT'],
        [':authority', unread],
        [':authority', 'other.test:443'],
      ],
    ],
    [
      'with a length of its body',
      () => [
        [':method', 'CONNECT'],
        [':authority', unread],
        ['content-length', '5'],
      ],
    ],
    [
      'with a coding',
      () => [
        [':method', 'CONNECT'],
        [':authority', unread],
        ['transfer-encoding', 'chunked'],
      ],
    ],
    [
      'with a protocol that nobody was offered',
      () => [
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
        [':scheme', 'http'],
        [':authority', unread],
        [':path', '/'],
      ],
    ],
    [
      'in lower case',
      () => [
        [':method', 'connect'],
        [':authority', unread],
      ],
    ],
  ])('%s opens nothing, and leaves one line', async (_, head) => {
    const before = (await rig.entries(0)).length;
    const raw = await rawToProxy(rig);
    raw.request(1, fields(head()), END_HEADERS);
    raw.send(frame(TYPE.data, 0, 1, Buffer.from('hello')));
    await until(() => refused(raw), 'the refusal');
    raw.socket.end();
    const entries = (await rig.entries(before + 1)).slice(before);
    expect(entries).toEqual([
      expect.objectContaining({ error: expect.stringMatching(/^request-(?:malformed|target)$/) }),
    ]);
    expect(heard).toBe('');
  });

  test('has what came before its answer carried on, in order', async () => {
    const raw = await rawToProxy(rig);
    raw.request(1, connectHead(unread), END_HEADERS);
    for (let at = 0; at < 50; at += 1) raw.send(frame(TYPE.data, 0, 1, Buffer.from(`${at},`)));
    raw.send(frame(TYPE.data, END_STREAM, 1));
    await until(() => raw.of(TYPE.data, 1).some(({ flags }) => flags === END_STREAM), 'the end');
    expect(heard).toBe(Array.from({ length: 50 }, (_, at) => `${at},`).join(''));
    raw.socket.destroy();
  });

  test('that is refused has what came behind it thrown away, not taken for a request', async () => {
    const before = (await rig.entries(0)).length;
    const raw = await rawToProxy(rig);
    raw.request(1, connectHead('no.test:443'), END_HEADERS);
    raw.send(frame(TYPE.data, 0, 1, Buffer.from(`CONNECT ${unread} HTTP/1.1\r\nHost: ${unread}\r\n\r\n`)));
    await until(() => statusOf(raw, 1) !== undefined, 'the answer');
    await until(() => raw.resetOf(1) !== undefined, 'the end of the stream');
    raw.socket.end();
    expect((await rig.entries(before + 1)).slice(before)).toEqual([
      expect.objectContaining({ outcome: 'denied', url: 'no.test:443', status: 403 }),
    ]);
  });

  test('that has ended at once is a tunnel whose client has nothing to say', async () => {
    const before = (await rig.entries(0)).length;
    const raw = await rawToProxy(rig);
    raw.request(1, connectHead(authority));
    await until(() => raw.resetOf(1) !== undefined, 'the end of the stream');
    expect((await rig.entries(before + 1)).slice(before)).toEqual([
      expect.objectContaining({ method: 'CONNECT', outcome: 'aborted', error: 'client-aborted' }),
    ]);
    raw.socket.destroy();
  });

  test.each<[string, (raw: RawH2) => void]>([
    ['a second CONNECT', (raw) => raw.request(1, connectHead('no.test:443'), END_HEADERS)],
    ['a second CONNECT that ends it', (raw) => raw.request(1, connectHead('no.test:443'))],
    ['trailers', (raw) => raw.request(1, fields([['x-a', 'b']]))],
    ['interim fields', (raw) => raw.request(1, fields([['x-a', 'b']]), END_HEADERS)],
  ])('%s on its stream ends the tunnel, or the connection', async (_, send) => {
    const raw = await rawToProxy(rig);
    raw.request(1, connectHead(unread), END_HEADERS);
    raw.send(frame(TYPE.data, 0, 1, Buffer.from('x')));
    await until(() => heard === 'x', 'the tunnel');
    send(raw);
    await until(() => raw.closed || raw.resetOf(1) !== undefined, 'the end');
    await until(() => open === 0, 'the end of the tunnel');
    expect(heard).toBe('x');
    raw.socket.destroy();
  });

  test('FRONT-06: within a tunnel within a tunnel gets no further', async () => {
    const session = await h2ToProxy(rig);
    const { stream } = await connectOn(session, authority);
    const tls = await tlsOn(stream, 'ok.test', { ca: rig.ca });
    tls.write(`CONNECT ${unread} HTTP/1.1\r\nHost: ${unread}\r\n\r\n`);
    const reply = await new Promise<string>((resolve) => tls.once('data', (bytes: Buffer) => resolve(String(bytes))));
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect((await rig.entries(0)).at(-1)).toMatchObject({ error: 'request-malformed' });
    session.destroy();
  });
});

describe('a flood of CONNECT streams', () => {
  test('DOS-03: has as many tunnels as a client may have connections, and the others are told so', async () => {
    const session = await h2ToProxy(rig);
    const answers = await Promise.all(Array.from({ length: 90 }, () => connectOn(session, unread)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(59);
    expect(statuses.filter((status) => status === 429)).toHaveLength(31);
    // They wait for the first words of the client, or for a second.
    await until(() => open === 59, 'the tunnels');
    session.destroy();
  });

  test('H2-02: that are reset as fast as they are opened ends the connection, and every tunnel', async () => {
    const raw = await rawToProxy(rig);
    for (let at = 0; at < 2_000 && !raw.closed; at += 1) {
      const stream = 2 * at + 1;
      raw.send(
        frame(TYPE.headers, END_HEADERS, stream, connectHead(unread)),
        frame(TYPE.data, 0, stream, Buffer.from('x')),
        frame(TYPE.reset, 0, stream, uint32(8)),
      );
      if (at % 50 === 0) await new Promise(setImmediate);
    }
    await raw.untilClosed();
    await until(() => open === 0, 'the end of the tunnels');
  });

  test('DOS-02: that say nothing are reset at the deadline of a hello', async () => {
    const raw = await rawToProxy(rig);
    for (let at = 0; at < 40; at += 1) raw.request(2 * at + 1, connectHead(authority), END_HEADERS);
    const all = Array.from({ length: 40 }, (_, at) => 2 * at + 1);
    await until(() => all.every((stream) => raw.resetOf(stream) === 10), 'the resets');
    raw.socket.destroy();
  });

  test('H2-05: whose windows never open holds little of what comes', async () => {
    const block = Buffer.alloc(65_536);
    let [poured, stuck] = [0, 0];
    const pour = await tcpOrigin((socket) => {
      let isStuck = false;
      const more = (): void => {
        if (isStuck) stuck -= 1;
        do poured += block.length;
        while (socket.write(block));
        isStuck = true;
        stuck += 1;
      };
      socket.on('drain', more);
      more();
    });
    const raw = await rawToProxy(rig, setting(4, 0));
    for (let at = 0; at < 40; at += 1) raw.request(2 * at + 1, connectHead(`raw.test:${pour.port}`), END_HEADERS);
    const all = Array.from({ length: 40 }, (_, at) => 2 * at + 1);
    await until(() => all.every((stream) => statusOf(raw, stream) === 'ok'), 'the tunnels');
    await until(() => pour.accepted === 40, 'the origins');
    await until(() => stuck === 40, 'the backpressure');
    // What a hundred MB and more would be without: each origin has poured less than the systems' buffers and ours hold.
    expect(poured).toBeLessThan(40 * (8 << 20));
    raw.socket.destroy();
    await pour.close();
  });

  test('H2-04: cut at any byte of a handshake inside leaves nothing', async () => {
    const bytes = Buffer.from(hello({ extensions: [hostNames('ok.test')] }));
    for (let length = 1; length <= bytes.length; length += 7) {
      const raw = await rawToProxy(rig);
      raw.request(1, connectHead(authority), END_HEADERS);
      raw.send(frame(TYPE.data, 0, 1, bytes.subarray(0, length)));
      await until(() => statusOf(raw, 1) === 'ok', 'the tunnel');
      if (length % 2 === 0) raw.send(frame(TYPE.reset, 0, 1, uint32(8)));
      else raw.socket.destroy();
      if (length % 2 === 0) raw.socket.end();
      await raw.untilClosed();
    }
  }, 30_000);
});
