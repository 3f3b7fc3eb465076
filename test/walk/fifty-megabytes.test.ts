// Fifty megabytes up and down at once on the pairs of protocols that have no such test beside their other ones (h2.test.ts,
// flow/carry-upgrade.test.ts, peers/): unread tunnels, tunnels on streams, and WebSockets over HTTP/2.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { h2Origin, h2Through } from '../support/h2.ts';
import { connectOn, h2ToProxy, tlsOn, tlsToProxy } from '../support/h2-proxy.ts';
import { httpOrigin, listening, type Origin, tcpOrigin } from '../support/origin.ts';
import { connectThrough, type Rig, readUntil, startRig, tlsThrough } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const SIZE = 50 << 20;
const TIMEOUT = 60_000;
const ca = new TestCa();
const block = randomBytes(1 << 20);
const SUM = ((): string => {
  const hash = createHash('sha256');
  for (let at = 0; at < SIZE; at += block.length) hash.update(block);
  return hash.digest('hex');
})();

/** Each says back what it is told. */
const origins: Record<'raw' | 'plain' | 'h1' | 'h2', Origin | undefined> = {
  raw: undefined,
  plain: undefined,
  h1: undefined,
  h2: undefined,
};

const echo: RequestListener = (request, response) => {
  response.writeHead(200, { 'Content-Length': SIZE }).flushHeaders();
  request.pipe(response);
};

beforeAll(async () => {
  const pair = ca.leaf({ san: 'DNS:ok.test' });
  const secure = createSecureServer(pair, echo);
  secure.on('upgrade', (request, socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const proof = createHash('sha1').update(key).digest('base64');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
    socket.write(`Sec-WebSocket-Accept: ${proof}\r\n\r\n`);
    socket.pipe(socket);
  });
  origins.raw = await tcpOrigin((socket) => void socket.pipe(socket));
  origins.plain = await httpOrigin(echo);
  origins.h1 = await listening(secure, '127.0.0.1');
  origins.h2 = await h2Origin(
    pair,
    (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    },
    { settings: { enableConnectProtocol: true } },
  );
});
afterAll(async () => {
  for (const origin of Object.values(origins)) await origin?.close();
  rmSync(ca.folder, { recursive: true });
});

const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** A request on a connection; what is behind the head of its reply has not been read yet. */
async function asked(socket: Socket, head: string, status: number): Promise<Duplex> {
  socket.write(`${head}\r\n`);
  expect(await readUntil(socket, '\r\n\r\n')).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  return socket;
}

const posted = (socket: Socket, authority: string): Promise<Duplex> =>
  asked(socket, `POST /echo HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: ${SIZE}\r\n`, 200);

/** A request on a stream. */
async function streamed(session: ClientHttp2Session, head: OutgoingHttpHeaders = {}): Promise<Duplex> {
  const stream = session.request({ ':method': 'POST', ':path': '/echo', ...head }, { endStream: false });
  stream.once('close', () => session.close());
  const [reply] = await once(stream, 'response');
  expect(reply).toMatchObject({ ':status': 200 });
  return stream;
}

async function webSocket(session: ClientHttp2Session): Promise<Duplex> {
  if (!session.remoteSettings.enableConnectProtocol) await once(session, 'remoteSettings');
  return streamed(session, { ':method': 'CONNECT', ':protocol': 'websocket', 'sec-websocket-version': '13' });
}

/** HTTP/2 within a TLS connection that is there already. */
function sessionOn(tls: TLSSocket, authority: string): ClientHttp2Session {
  const session = connect(`https://${authority}`, { createConnection: () => tls });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

/** A tunnel on a stream of a connection to the proxy. */
async function tunnelOn(rig: Rig, authority: string): Promise<Duplex> {
  const { stream, status } = await connectOn(await h2ToProxy(rig), authority);
  expect(status).toBe(200);
  return stream;
}

/** What is written comes back; the digest of what has come, once it is as much as was sent. */
function echoed(pipe: Duplex): Promise<string> {
  const hash = createHash('sha256');
  let left = SIZE;
  return new Promise((resolve, reject) => {
    pipe.on('data', (piece: Buffer) => {
      hash.update(piece);
      left -= piece.length;
      if (left <= 0) resolve(`${hash.digest('hex')}${left}`);
    });
    pipe.once('error', reject).once('close', () => reject(new Error(`closed ${left} bytes before the end`)));
    pipe.resume();
    let toSend = SIZE;
    const pour = (): void => {
      while (toSend > 0) {
        toSend -= block.length;
        if (!pipe.write(block)) return void pipe.once('drain', pour);
      }
    };
    pour();
  });
}

interface Way {
  readonly name: string;
  readonly origin: keyof typeof origins;
  readonly tls: 'bump' | 'splice' | 'tunnel';
  /** Of the line that tells of the bytes, which is the last one. */
  readonly told: { readonly lines: number; readonly outcome: string; readonly status: number };
  open(rig: Rig, authority: string): Promise<Duplex>;
}

const SPLICED = { lines: 1, outcome: 'spliced', status: 200 };
const TUNNELLED = { lines: 2, outcome: 'tunnelled', status: 200 };
const FORWARDED = { lines: 2, outcome: 'forwarded', status: 200 };
const UPGRADED = { lines: 2, outcome: 'upgraded', status: 101 };

const WAYS: readonly Way[] = [
  {
    name: 'TLS with HTTP/1 within, passed unread',
    ...{ origin: 'h1', tls: 'splice', told: SPLICED },
    open: async (rig, authority) => posted(await tlsThrough(rig.port, authority, { ca: ca.root }), authority),
  },
  {
    name: 'TLS with HTTP/2 within, passed unread',
    ...{ origin: 'h2', tls: 'splice', told: SPLICED },
    open: async (rig, authority) => streamed(await h2Through({ port: rig.port, ca: ca.root }, authority)),
  },
  {
    name: 'bytes that are no TLS',
    ...{ origin: 'raw', tls: 'tunnel', told: TUNNELLED },
    open: async (rig, authority) => (await connectThrough(rig.port, authority)).socket,
  },
  {
    name: 'HTTP/1 in a tunnel of a client that has come by TLS',
    ...{ origin: 'h1', tls: 'bump', told: FORWARDED },
    open: async (rig, authority) => {
      const outer = await tlsToProxy(rig, { ALPNProtocols: ['http/1.1'] });
      await asked(outer, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n`, 200);
      return posted(await tlsOn(outer, 'ok.test', { ca: rig.ca }), authority);
    },
  },
  {
    name: 'HTTP/1 in a tunnel on a stream',
    ...{ origin: 'h1', tls: 'bump', told: FORWARDED },
    open: async (rig, authority) =>
      posted(await tlsOn(await tunnelOn(rig, authority), 'ok.test', { ca: rig.ca }), authority),
  },
  {
    name: 'HTTP/2 in a tunnel on a stream',
    ...{ origin: 'h2', tls: 'bump', told: FORWARDED },
    open: async (rig, authority) => {
      const options = { ca: rig.ca, ALPNProtocols: ['h2'] };
      return streamed(sessionOn(await tlsOn(await tunnelOn(rig, authority), 'ok.test', options), authority));
    },
  },
  {
    name: 'TLS on a stream, passed unread',
    ...{ origin: 'h1', tls: 'splice', told: SPLICED },
    open: async (rig, authority) =>
      posted(await tlsOn(await tunnelOn(rig, authority), 'ok.test', { ca: ca.root }), authority),
  },
  {
    name: 'bytes on a stream that are no TLS',
    ...{ origin: 'raw', tls: 'tunnel', told: TUNNELLED },
    open: tunnelOn,
  },
  {
    name: 'a request by HTTP/2 to the proxy itself, to an origin in the clear',
    ...{ origin: 'plain', tls: 'bump', told: { ...FORWARDED, lines: 1 } },
    open: async (rig, authority) =>
      streamed(await h2ToProxy(rig), { ':scheme': 'http', ':authority': authority, 'content-length': SIZE }),
  },
  {
    name: 'a WebSocket from HTTP/2 to HTTP/2',
    ...{ origin: 'h2', tls: 'bump', told: UPGRADED },
    open: async (rig, authority) => webSocket(await h2Through(rig, authority)),
  },
  {
    name: 'a WebSocket from HTTP/2 to HTTP/1',
    ...{ origin: 'h1', tls: 'bump', told: UPGRADED },
    open: async (rig, authority) => webSocket(await h2Through(rig, authority)),
  },
  {
    name: 'a WebSocket from HTTP/1 to HTTP/2',
    ...{ origin: 'h2', tls: 'bump', told: UPGRADED },
    open: async (rig, authority) =>
      asked(
        await tlsThrough(rig.port, authority, { ca: rig.ca }),
        `GET /echo HTTP/1.1\r\nHost: ${authority}\r\n${HANDSHAKE}`,
        101,
      ),
  },
];

describe('50 MB come back as they went', { timeout: TIMEOUT }, () => {
  test.each(WAYS)('as $name', async ({ origin, tls, told, open }) => {
    const authority = `ok.test:${origins[origin]?.port}`;
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow', tls }] },
    });
    const pipe = await open(rig, authority);
    expect(await echoed(pipe)).toBe(`${SUM}0`);
    pipe.end();
    const entry = (await rig.entries(told.lines))[told.lines - 1];
    expect(entry).toMatchObject({ outcome: told.outcome, status: told.status, rule: 'ok' });
    expect(Number(entry?.['bytes_in'])).toBeGreaterThanOrEqual(SIZE);
    expect(Number(entry?.['bytes'])).toBeGreaterThanOrEqual(SIZE);
  });
});
