// WebSockets over HTTP/2, on either side or both: asked, granted, refused, and logged as any other.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { asHandshake, isWebSocket, withoutProofs } from '../../src/http/h2-websocket.ts';
import { record } from '../hostile/recorder.ts';
import { ask, h2Origin, h2Through, replyOf } from '../support/h2.ts';
import { gone } from '../support/h2-proxy.ts';
import type { Origin } from '../support/origin.ts';
import { type Rig, type RigOptions, readUntil, startRig, tlsThrough } from '../support/rig.ts';
import { readBytes } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));
const pair = ca.leaf({ san: 'DNS:ok.test' });

/** The example of RFC 6455 section 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const ASK = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n`;

const rigFor = (options: RigOptions = {}): Promise<Rig> =>
  startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
    ...options,
  });

/** Opens WebSockets by extended CONNECT, and says back what comes. */
async function echoH2(heads: IncomingHttpHeaders[] = [], reply: OutgoingHttpHeaders = {}): Promise<Origin> {
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    heads.push(headers);
    if (headers[':protocol'] !== 'websocket') {
      stream.respond({ ':status': 200 });
      stream.end('plain');
      return;
    }
    stream.respond({ ':status': 200, ...reply });
    stream.pipe(stream);
  };
  const origin = await h2Origin(pair, onStream, { settings: { enableConnectProtocol: true } });
  onTestFinished(() => origin.close());
  return origin;
}

/** Grants them by a 101, with the proof of the key that came. */
async function echoH1(heads: string[] = []): Promise<Origin> {
  const origin = await record('127.0.0.1', pair);
  origin.answer = (_request, socket) => {
    const request = origin.bytes();
    heads.push(request);
    const [, key = ''] = /sec-websocket-key: (.*)\r\n/i.exec(request) ?? [];
    const proof = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.removeAllListeners('data').removeAllListeners('end');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
    socket.write(`Sec-WebSocket-Accept: ${proof}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`);
    socket.pipe(socket);
  };
  onTestFinished(() => origin.close());
  return origin;
}

async function sessionFor(rig: Rig, origin: { readonly port: number }): Promise<ClientHttp2Session> {
  const session = await h2Through(rig, `ok.test:${origin.port}`);
  if (!session.remoteSettings.enableConnectProtocol) await once(session, 'remoteSettings');
  return session;
}

function open(session: ClientHttp2Session, fields: OutgoingHttpHeaders = {}): ClientHttp2Stream {
  const head = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': '/chat?secret=1',
    'sec-websocket-version': '13',
  };
  const stream = session.request({ ...head, ...fields }, { endStream: false, waitForTrailers: true });
  stream.on('error', () => undefined);
  return stream;
}

async function answerOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  const [headers] = await once(stream, 'response');
  return headers;
}

/** 5 MB there and back. */
async function echo(stream: NodeJS.ReadWriteStream): Promise<void> {
  const bytes = randomBytes(5 << 20);
  const hash = createHash('sha256');
  let got = 0;
  const whole = Promise.withResolvers<void>();
  stream.on('data', (piece: Buffer) => {
    hash.update(piece);
    got += piece.length;
    if (got === bytes.length) whole.resolve();
  });
  stream.resume();
  stream.write(bytes);
  await whole.promise;
  expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
}

/** The line of a WebSocket, whatever carried it. */
const LINE = (port: number): string => `TCP_TUNNEL/101 N GET https://ok.test:${port}/chat? - HIER_DIRECT/127.0.0.1 -`;

describe('a client of HTTP/2', () => {
  test('opens a WebSocket at an origin of HTTP/2, frames untouched, logged at its close', async () => {
    const heads: IncomingHttpHeaders[] = [];
    const origin = await echoH2(heads, { 'sec-websocket-protocol': 'chat' });
    const rig = await rigFor();
    const session = await sessionFor(rig, origin);
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const stream = open(session, { 'sec-websocket-protocol': 'chat, superchat', 'sec-websocket-key': KEY });
    expect(await answerOf(stream)).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    await echo(stream);
    stream.end();
    await gone(stream);
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    expect((await rig.lines(2))[1]).toBe(LINE(origin.port));
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'upgraded', bytes_in: 5 << 20 });
    expect(heads).toEqual([
      expect.objectContaining({
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':scheme': 'https',
        ':path': '/chat?secret=1',
        'sec-websocket-version': '13',
        'sec-websocket-protocol': 'chat, superchat',
        via: '2.0 sallyport',
      }),
    ]);
    expect(heads[0]).not.toHaveProperty('sec-websocket-key');
    expect(origin.accepted).toBe(1);
  });

  test('opens one at an origin of HTTP/1, on a connection of its own', async () => {
    const heads: string[] = [];
    const origin = await echoH1(heads);
    const rig = await rigFor();
    const session = await sessionFor(rig, origin);
    const stream = open(session);
    const reply = await answerOf(stream);
    expect(reply).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    for (const name of ['connection', 'upgrade', 'sec-websocket-accept']) expect(reply).not.toHaveProperty(name);
    await echo(stream);
    stream.end();
    await gone(stream);
    expect((await rig.lines(2))[1]).toBe(LINE(origin.port));
    expect(heads[0]).toMatch(/^GET \/chat\?secret=1 HTTP\/1\.1\r\n/);
    expect(heads[0]).toMatch(/\r\nConnection: Upgrade\r\n[\s\S]*\r\nUpgrade: websocket\r\n/i);
  });

  test('has what it sends before the answer carried on behind it', async () => {
    const origin = await echoH2();
    const rig = await rigFor();
    const stream = open(await sessionFor(rig, origin));
    stream.write('early');
    expect(String((await once(stream, 'data'))[0])).toBe('early');
    stream.close(constants.NGHTTP2_CANCEL);
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'aborted', status: 101 });
  });

  test('has its reset carried to the origin, and the other way round', async () => {
    const streams: ServerHttp2Stream[] = [];
    const onStream = (stream: ServerHttp2Stream): void => {
      streams.push(stream);
      stream.respond();
      stream.resume();
    };
    const origin = await h2Origin(pair, onStream, { settings: { enableConnectProtocol: true } });
    onTestFinished(() => origin.close());
    const rig = await rigFor();
    const session = await sessionFor(rig, origin);
    const [one, two] = [open(session), open(session)];
    await Promise.all([answerOf(one), answerOf(two)]);
    const [first, second] = streams;
    one.close(constants.NGHTTP2_CANCEL);
    if (!first || !second) throw new Error('no streams');
    await gone(first);
    expect(first.rstCode).toBe(constants.NGHTTP2_CANCEL);
    second.close(constants.NGHTTP2_INTERNAL_ERROR);
    await gone(two.resume());
    expect(two.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect((await rig.lines(3)).slice(1)).toEqual([1, 2].map(() => LINE(origin.port).replace('/', '_ABORTED/')));
  });

  test('is answered as the origin answers where that refuses', async () => {
    const origin = await h2Origin(
      pair,
      (stream) => {
        stream.respond({ ':status': 403, 'x-why': 'no' });
        stream.end('not here');
      },
      { settings: { enableConnectProtocol: true } },
    );
    onTestFinished(() => origin.close());
    const rig = await rigFor();
    const reply = await replyOf(open(await sessionFor(rig, origin)));
    expect(reply).toMatchObject({ status: 403, code: 0, headers: { 'x-why': 'no' } });
    expect(reply.body.toString()).toBe('not here');
    expect((await rig.lines(2))[1]).toMatch(/^TCP_MISS\/403 N GET https:/);
  });

  test('is refused where the policy permits none, and told of no such thing', async () => {
    const origin = await echoH2();
    const upgrades: string[] = [];
    const rules = [
      { name: 'some', urls: [`https://ok.test:${origin.port}/open`], action: 'allow' as const },
      { name: 'all', hosts: ['.test'], action: 'allow' as const, upgrades },
    ];
    const some = await rigFor({ policy: { rules } });
    const reply = await replyOf(open(await sessionFor(some, origin)));
    expect(reply).toMatchObject({ status: 403, headers: { 'x-squid-error': 'ERR_ACCESS_DENIED 0' } });
    expect((await some.entries(2))[1]).toMatchObject({ rule: 'upgrades', method: 'GET' });
    const none = await rigFor({ policy: { upgrades, rules: rules.slice(1) } });
    const session = await h2Through(none, `ok.test:${origin.port}`);
    expect((await ask(session, { ':path': '/' })).body.toString()).toBe('plain');
    expect(session.remoteSettings.enableConnectProtocol).toBe(false);
  });

  test.each(['connect-udp', 'webtransport', 'WebSocket'])('opens nothing but WebSockets: %s', async (protocol) => {
    const origin = await echoH2();
    const rig = await rigFor();
    const reply = await replyOf(open(await sessionFor(rig, origin), { ':protocol': protocol }));
    expect(reply.status).toBe(405);
    expect((await rig.entries(2))[1]).toMatchObject({ error: 'request-method', status: 405 });
  });

  test('goes on with requests on the same connection', async () => {
    const origin = await echoH2();
    const rig = await rigFor();
    const session = await sessionFor(rig, origin);
    const stream = open(session);
    await answerOf(stream);
    expect((await ask(session, { ':path': '/' })).body.toString()).toBe('plain');
    expect(origin.accepted).toBe(1);
    stream.close();
  });
});

describe('a client of HTTP/1', () => {
  const upgrade = async (rig: Rig, port: number) => {
    const tls = await tlsThrough(rig.port, `ok.test:${port}`, { ca: rig.ca, ALPNProtocols: ['http/1.1'] });
    tls.write(`GET /chat?secret=1 HTTP/1.1\r\nHost: ok.test:${port}\r\n${ASK}\r\n`);
    return { tls, head: await readUntil(tls, '\r\n\r\n') };
  };

  test('opens a WebSocket at an origin that has nothing but HTTP/2', async () => {
    const heads: IncomingHttpHeaders[] = [];
    const origin = await echoH2(heads);
    const rig = await rigFor();
    const { tls, head } = await upgrade(rig, origin.port);
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
    expect(head).toContain(`\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n`);
    tls.write('there');
    expect(String(await readBytes(tls, 5))).toBe('there');
    await echo(tls);
    tls.end();
    expect((await rig.lines(2))[1]).toBe(LINE(origin.port));
    expect(heads.at(-1)).toMatchObject({ ':method': 'CONNECT', ':protocol': 'websocket', via: '1.1 sallyport' });
  });

  test('is told with a page where such an origin opens none', async () => {
    const origin = await h2Origin(pair, (stream) => stream.respond(undefined, { endStream: true }));
    onTestFinished(() => origin.close());
    const rig = await rigFor();
    const { head } = await upgrade(rig, origin.port);
    expect(head).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect(head).toContain('Proxy-Status: sallyport; error=http_upgrade_failed;');
    expect((await rig.entries(2))[1]).toMatchObject({ error: 'no-websocket', status: 502, outcome: 'failed' });
  });
});

describe('a head', () => {
  test('that asks for a WebSocket is a handshake of HTTP/1.1 with a key of our own', () => {
    const rawHeaders = ['host', 'a', 'Sec-WebSocket-Key', 'theirs', 'sec-websocket-version', '13'];
    const { method, rawHeaders: fields } = asHandshake({ method: 'CONNECT', url: '/', httpVersion: '2.0', rawHeaders });
    expect(method).toBe('GET');
    expect(fields.slice(0, -1)).toEqual([
      ...['host', 'a', 'sec-websocket-version', '13'],
      ...['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Key'],
    ]);
    expect(fields.at(-1)).toMatch(/^[A-Za-z0-9+/]{22}==$/);
  });

  test.each<[string, string[], boolean]>([
    ['with the protocol asks for one', [':method', 'CONNECT', ':protocol', 'websocket'], true],
    ['with another protocol does not', [':method', 'CONNECT', ':protocol', 'x'], false],
    ['with a field of that name does not', [':method', 'GET', 'x', 'y', ':protocol', 'websocket'], false],
  ])('%s', (_, raw, expected) => {
    expect(isWebSocket(raw)).toBe(expected);
  });

  test('loses its proofs, in any spelling', () => {
    expect(withoutProofs(['SEC-WebSocket-Accept', 'x', 'a', 'b', 'sec-websocket-key', 'y'])).toEqual(['a', 'b']);
  });
});
