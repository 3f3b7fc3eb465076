// What a message has besides a head and a body, over HTTP/2 and across to HTTP/1: a body that is waited for, interim
// replies, trailers, fields said twice, events that are long in coming, and an upgrade, which no stream has.

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import {
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
  sensitiveHeaders,
} from 'node:http2';
import { createServer, type TLSSocket } from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, h2Origin, h2Through, type OnStream, replyOf } from '../support/h2.ts';
import { END_HEADERS, fields, frame, TYPE } from '../support/h2-frames.ts';
import { httpsOrigin, listening, type Origin } from '../support/origin.ts';
import { type Rig, readAll, readUntil, startRig, tlsThrough } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));
const pair = ca.leaf({ san: 'DNS:ok.test' });
const policy = { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' as const, upgrades: ['websocket'] }] };

interface Path {
  readonly rig: Rig;
  readonly origin: Origin;
  readonly authority: string;
}

async function pathTo(opening: Promise<Origin>, limits: { responseTimeout?: number; tunnelIdleTimeout?: number } = {}) {
  const origin = await opening;
  onTestFinished(() => origin.close());
  const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy, limits });
  return { rig, origin, authority: `ok.test:${origin.port}` } satisfies Path;
}

const h2 = (onStream: OnStream): Promise<Origin> => h2Origin(pair, onStream);
const h1 = (listener: RequestListener): Promise<Origin> => httpsOrigin(pair, listener);

async function readBody(stream: AsyncIterable<Buffer>): Promise<string> {
  let body = '';
  for await (const piece of stream) body += piece.toString();
  return body;
}

describe('a client that waits for 100 before its body', () => {
  test('has the word of an origin of HTTP/2', async () => {
    const { rig, authority } = await pathTo(
      h2(async (stream, headers) => {
        stream.additionalHeaders({ ':status': 100 });
        stream.respond({ 'x-expect': headers.expect ?? 'nothing' });
        stream.end(await readBody(stream));
      }),
    );
    const session = await h2Through(rig, authority);
    const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue' });
    const reply = replyOf(stream);
    await once(stream, 'continue');
    stream.end('the body');
    expect(await reply).toMatchObject({ status: 200, headers: { 'x-expect': '100-continue' }, whole: true });
    expect((await reply).body.toString()).toBe('the body');
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'forwarded', bytes_in: 8 });
  });

  test('has the word of an origin of HTTP/1', async () => {
    const { rig, authority } = await pathTo(
      h1(async (request, response) => {
        response.setHeader('x-expect', request.headers.expect ?? 'nothing');
        response.end(await readBody(request));
      }),
    );
    const session = await h2Through(rig, authority);
    const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue' });
    const reply = replyOf(stream);
    await once(stream, 'continue');
    stream.end('the body');
    expect(await reply).toMatchObject({ status: 200, headers: { 'x-expect': '100-continue' } });
    expect((await reply).body.toString()).toBe('the body');
  });

  test('has a refusal of an origin of HTTP/2 at once', async () => {
    const { rig, authority } = await pathTo(h2((stream) => stream.respond({ ':status': 413 }, { endStream: true })));
    const session = await h2Through(rig, authority);
    const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue' });
    expect(await replyOf(stream)).toMatchObject({ status: 413, code: 0 });
    expect((await rig.entries(2))[1]).toMatchObject({ status: 413, bytes_in: 0 });
  });
});

describe('early hints', () => {
  test('of HTTP/1 reach a client of HTTP/2', async () => {
    const { rig, authority } = await pathTo(
      h1((_request, response) => {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' });
        response.end('x');
      }),
    );
    const session = await h2Through(rig, authority);
    const stream = session.request({ ':path': '/' });
    const reply = replyOf(stream);
    const [hints] = await once(stream, 'headers');
    expect(hints).toMatchObject({ ':status': 103, link: '</a.css>; rel=preload' });
    expect(await reply).toMatchObject({ status: 200 });
  });

  test('of HTTP/2 reach a client of HTTP/1, by their name', async () => {
    const { rig, authority } = await pathTo(
      h2((stream) => {
        stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
        stream.respond();
        stream.end('x');
      }),
    );
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['http/1.1'] });
    tls.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
    const reply = await readAll(tls);
    expect(reply).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  test('that change the protocol are no reply', async () => {
    const server = createServer({ ...pair, ALPNProtocols: ['h2'] }, (socket: TLSSocket) => {
      socket.on('error', () => undefined);
      const settings = frame(TYPE.settings, 0, 0);
      socket.once('data', () => {
        const head = frame(TYPE.headers, END_HEADERS, 1, fields([[':status', '101']]));
        socket.write(Buffer.concat([settings, head]));
      });
    });
    const { rig, authority } = await pathTo(listening(server, '127.0.0.1'));
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['http/1.1'] });
    tls.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
    expect(await readAll(tls)).toMatch(/^HTTP\/1\.1 502 /);
  });
});

describe('trailers', () => {
  const forbidden = { 'x-sum': 'abc', 'content-encoding': 'gzip', 'set-cookie': 'a=b' };

  test.each(['HTTP/2', 'HTTP/1'])(
    'of a reply from %s reach a client of HTTP/2, those that may come there',
    async (by) => {
      const opening =
        by === 'HTTP/2'
          ? h2((stream) => {
              stream.respond({ trailer: 'x-sum, set-cookie' }, { waitForTrailers: true });
              stream.on('wantTrailers', () => stream.sendTrailers(forbidden));
              stream.end('x');
            })
          : h1((_request, response) => {
              response.setHeader('Trailer', 'x-sum, set-cookie');
              response.write('x');
              response.addTrailers(forbidden);
              response.end();
            });
      const { rig, authority } = await pathTo(opening);
      const reply = await ask(await h2Through(rig, authority), { ':path': '/', te: 'trailers' });
      expect(reply).toMatchObject({ status: 200, headers: { trailer: 'x-sum' }, whole: true });
      expect(Object.entries(reply.trailers ?? {})).toEqual([['x-sum', 'abc']]);
    },
  );

  test('of a request reach an origin of HTTP/1, which is told that they are welcome', async () => {
    const { rig, authority } = await pathTo(
      h1(async (request, response) => {
        await readBody(request);
        response.end(JSON.stringify({ te: request.headers.te, trailers: request.trailers }));
      }),
    );
    const session = await h2Through(rig, authority);
    const stream = session.request(
      { ':method': 'POST', ':path': '/', te: 'trailers', trailer: 'x-sum' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers(forbidden));
    stream.end('x');
    const reply = await replyOf(stream);
    expect(JSON.parse(reply.body.toString())).toEqual({ te: 'trailers', trailers: { 'x-sum': 'abc' } });
  });
});

test('fields said twice pass twice, in the head and behind the body', async () => {
  const twice = ['x-content-type-options', 'nosniff', 'x-content-type-options', 'nosniff', 'x-end', '1'];
  const { rig, authority } = await pathTo(
    h1((_request, response) => {
      response.sendDate = false;
      response.writeHead(200, ['Trailer', 'etag', 'Transfer-Encoding', 'chunked', ...twice]);
      response.addTrailers([
        ['etag', 'a'],
        ['etag', 'b'],
      ]);
      response.end('x');
    }),
  );
  const stream = (await h2Through(rig, authority)).request({ ':path': '/', te: 'trailers' });
  const raw: unknown[] = [];
  stream.on('response', (_headers, _flags, rawHeaders) => raw.push(rawHeaders));
  stream.on('trailers', (_headers, _flags, rawHeaders) => raw.push(rawHeaders));
  expect(await replyOf(stream)).toMatchObject({ status: 200, whole: true });
  expect(raw).toEqual([expect.arrayContaining(twice), ['etag', 'a', 'etag', 'b']]);
});

describe('an origin of HTTP/2 that is silent within its reply', () => {
  const pausing = (type: string) =>
    h2((stream: ServerHttp2Stream) => {
      stream.respond({ 'content-type': type });
      stream.write('data: 1\n\n');
      setTimeout(() => {
        if (!stream.destroyed) stream.end('data: 2\n\n');
      }, 900);
    });

  test('is waited for where it sends events', async () => {
    const limits = { responseTimeout: 300, tunnelIdleTimeout: 10_000 };
    const { rig, authority } = await pathTo(pausing('text/event-stream; charset=utf-8'), limits);
    const reply = await ask(await h2Through(rig, authority), { ':path': '/' });
    expect(reply).toMatchObject({ status: 200, whole: true });
    expect(reply.body.toString()).toBe('data: 1\n\ndata: 2\n\n');
  });

  test('is given up where it sends anything else', async () => {
    const limits = { responseTimeout: 300, tunnelIdleTimeout: 10_000 };
    const { rig, authority } = await pathTo(pausing('text/plain'), limits);
    expect(await ask(await h2Through(rig, authority), { ':path': '/' })).toMatchObject({ status: 200, whole: false });
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'aborted', error: 'response-timeout' });
  });
});

describe('an upgrade', () => {
  test('goes by HTTP/1, also to an origin that is spoken to in HTTP/2 already', async () => {
    const asked: string[] = [];
    const origin = h2Origin(pair, (stream) => stream.respond(undefined, { endStream: true }), {
      allowHTTP1: true,
      onRequest: (request: Http2ServerRequest, response: Http2ServerResponse) => {
        asked.push(`${request.httpVersion} ${request.headers['upgrade']}`);
        response.end('no');
      },
    });
    const { rig, authority } = await pathTo(origin);
    await ask(await h2Through(rig, authority), { ':path': '/' });
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['http/1.1'] });
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    const fieldsOfIt = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n`;
    tls.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\n${fieldsOfIt}\r\n`);
    expect(await readUntil(tls, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(asked).toEqual(['1.1 websocket']);
    tls.destroy();
  });
});

test('credentials, and what came so, never enter a table that the exchanges of others share', async () => {
  let seen: unknown;
  const { rig, authority } = await pathTo(
    h2((stream, headers) => {
      seen = Reflect.get(headers, sensitiveHeaders);
      const marked = { 'x-token': 't', 'x-open': 'o', 'set-cookie': ['a=b'] };
      stream.respond(Object.assign(marked, { [sensitiveHeaders]: ['x-token'] }));
      stream.end('ok');
    }),
  );
  const session = await h2Through(rig, authority);
  const asked = { ':path': '/', authorization: 'Basic eDp5', cookie: 'c=d', 'x-key': 'k', 'x-open': 'o' };
  const reply = await ask(session, Object.assign(asked, { [sensitiveHeaders]: ['x-key'] }));
  expect(reply.body.toString()).toBe('ok');
  expect(seen).toEqual(expect.arrayContaining(['authorization', 'cookie', 'x-key']));
  expect(seen).toHaveLength(3);
  expect(Reflect.get(reply.headers, sensitiveHeaders)).toEqual(['x-token', 'set-cookie']);
});
