// One exchange with an origin: streams both ways in flat memory, replies that make no sense, ends that are no ends, and
// when a request may be sent again.

import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DEFAULT_LIMITS, type Limits } from '../../src/core/limits.ts';
import { beginSession } from '../../src/core/session.ts';
import { admit } from '../../src/http/admission.ts';
import { type Connection, connectionOn } from '../../src/http/connection.ts';
import { type Forwarded, forward } from '../../src/http/forward.ts';
import { OriginPools } from '../../src/http/origin-pools.ts';
import type { ReplyWriter } from '../../src/http/reply-writer.ts';
import type { Request } from '../../src/http/request.ts';
import { MessageServer } from '../../src/http/server.ts';
import { Inlet } from '../../src/net/inlet.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { tcpOrigin } from '../support/origin.ts';
import { readAll, readUntil, until } from '../support/rig.ts';
import { closed, closedPort, pourUntilStuck, readBytes, socketPair } from '../support/socket-pair.ts';
import { loopbackUpstream, permitFor } from '../support/upstream.ts';

expectNothingLeft();

const session = beginSession({ address: '127.0.0.1', port: 1 });
const LIMITS: Limits = { ...DEFAULT_LIMITS, responseTimeout: 5_000, bodyTimeout: 5_000 };

interface Front {
  readonly client: Socket;
  readonly pools: OriginPools;
  /** What `forward` told of each request, in order. */
  readonly results: Forwarded[];
  /** Our end of the client's connection. */
  readonly near: Socket;
  readonly requests: Request[];
}

/** A client connection whose requests are all forwarded; what failed before a reply is answered by its code alone. */
async function front(limits: Partial<Limits> = {}, via?: string): Promise<Front> {
  const results: Forwarded[] = [];
  const requests: Request[] = [];
  const all = { ...LIMITS, ...limits };
  const pools = new OriginPools(loopbackUpstream(), all);
  const serve = async ({ socket }: Connection, request: Request, reply: ReplyWriter): Promise<void> => {
    requests.push(request);
    const admitted = admit(request);
    if (!admitted.ok) throw admitted.error;
    const { target, body } = admitted.value;
    const permit = permitFor(`${target.authority.host}:${target.authority.port}`);
    const result = await forward(request, reply, { client: socket, pools, permit, target, body, via });
    results.push(result);
    if (result.error && result.reply) socket.destroy();
    else if (result.error && !reply.gone) {
      reply.last = true;
      reply.writeHead(502, 'Bad Gateway', []);
      reply.end(Buffer.from(result.error.code));
    }
  };
  const server = new MessageServer(all, {
    request: serve,
    connect: async () => undefined,
    malformed: ({ socket }) => void socket.destroy(),
    fault: (_connection, fault) => {
      throw fault;
    },
  });
  const { near, far } = await socketPair();
  onTestFinished(() => {
    pools.destroy();
  });
  server.take(connectionOn(new Inlet(near), session));
  return { client: far, near, pools, results, requests };
}

interface Raw {
  readonly port: number;
  readonly accepted: number;
  /** Connections, as they came. */
  readonly sockets: Socket[];
  /** All that was received, per connection. */
  readonly got: string[];
}

/** An origin that stores what it gets; `answer` is called for each header that has arrived. */
async function origin(answer: (socket: Socket, nth: number, connection: number) => void): Promise<Raw> {
  const sockets: Socket[] = [];
  const got: string[] = [];
  let heads = 0;
  const opened = await tcpOrigin((socket) => {
    const connection = sockets.push(socket) - 1;
    got.push('');
    let seen = 0;
    socket.on('data', (chunk: Buffer) => {
      const text = (got[connection] ?? '') + chunk.toString('latin1');
      got[connection] = text;
      const count = text.match(/ HTTP\/1\.1\r\n/g)?.length ?? 0;
      while (seen < count && text.includes('\r\n\r\n')) {
        seen += 1;
        heads += 1;
        answer(socket, heads, connection);
      }
    });
  });
  onTestFinished(() => opened.close());
  return {
    port: opened.port,
    get accepted() {
      return opened.accepted;
    },
    sockets,
    got,
  };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok';

const ask = (port: number, path = '/', fields = '', method = 'GET'): string =>
  `${method} http://ok.test:${port}${path} HTTP/1.1\r\nHost: ok.test:${port}\r\n${fields}\r\n`;

async function result({ results }: Front, count = 1): Promise<Forwarded> {
  await until(() => results.length >= count, `result ${count}`);
  const one = results[count - 1];
  if (!one) throw new Error('no result');
  return one;
}

describe('an exchange', () => {
  test('goes out with our Host, framing and Via, and comes back with Via and what the reply had', async () => {
    const { port, got } = await origin((socket) => void socket.write(OK));
    const one = await front({}, 'sallyport');
    one.client.write(ask(port, '/a/../b?c', 'X-a: 1\r\nConnection: x-b\r\nX-B: 2\r\nContent-Length: 0\r\n', 'POST'));
    const reply = await readUntil(one.client, '\r\n\r\nok');
    expect(got[0]).toMatch(/^POST \/b\?c HTTP\/1\.1\r\n/);
    expect(got[0]?.toLowerCase()).toContain(`\r\nhost: ok.test:${port}\r\n`);
    expect(got[0]).toContain('\r\nX-a: 1\r\n');
    expect(got[0]).toContain('\r\nVia: 1.1 sallyport\r\n');
    expect(got[0]?.toLowerCase()).toContain('\r\ncontent-length: 0\r\n');
    expect(got[0]).not.toMatch(/x-b/i);
    expect(reply).toMatch(
      /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain\r\nContent-Length: 2\r\nVia: 1\.1 sallyport\r\n/,
    );
    expect(await result(one)).toMatchObject({
      reply: { status: 200, contentType: 'text/plain' },
      error: undefined,
      bytesIn: 0,
      connection: { address: '127.0.0.1' },
    });
    expect((await result(one)).firstByte).toBeGreaterThan(0);
  });

  test('after another uses the same connection', async () => {
    const target = await origin((socket) => void socket.write(OK));
    const one = await front();
    for (let i = 0; i < 3; i += 1) {
      one.client.write(ask(target.port));
      await readUntil(one.client, '\r\n\r\nok');
    }
    expect(target.accepted).toBe(1);
    expect(one.pools.size).toBe(1);
  });

  test.each([
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n',
      /Transfer-Encoding: chunked\r\n\r\n(?:3\r\nabc\r\n2\r\nde|5\r\nabcde)\r\n0\r\nX-Trailer: 1\r\n\r\n$/,
    ],
    ['up to the close', 'HTTP/1.1 200 OK\r\n\r\nabcde', /\r\nabcde\r\n0\r\n\r\n$/],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nabcde', /Content-Length: 5\r\n.*\r\n\r\nabcde$/s],
    ['of 204', 'HTTP/1.1 204 No Content\r\n\r\n', /^HTTP\/1\.1 204 No Content\r\n.*\r\n\r\n$/s],
    [
      'of 304 with a length',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
      /^HTTP\/1\.1 304 Not Modified\r\n.*\r\n\r\n$/s,
    ],
    [
      'behind interim ones',
      'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
      /^HTTP\/1\.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 200 OK\r\n.*\r\n\r\nx$/s,
    ],
    [
      'with an odd reason',
      'HTTP/1.1 200 Tr\xe8s bien\r\nContent-Length: 1\r\n\r\nx',
      /^HTTP\/1\.1 200 Tr.{1,2}s bien\r\n.*\r\n\r\nx$/s,
    ],
    ['without a reason', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx', /^HTTP\/1\.1 200 .*\r\n\r\nx$/s],
    ['with a status that nobody knows', 'HTTP/1.1 599 Odd\r\nContent-Length: 1\r\n\r\nx', /^HTTP\/1\.1 599 Odd\r\n/],
  ])('with a reply %s is whole', async (_name, bytes, expected) => {
    const { port } = await origin((socket) => void socket.end(bytes, 'latin1'));
    const one = await front();
    one.client.write(ask(port, '/', 'Connection: close\r\n'));
    expect(await readAll(one.client)).toMatch(expected);
    expect(await result(one)).toMatchObject({ error: undefined });
  });

  test('of HEAD keeps the length and has no body', async () => {
    const { port } = await origin((socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'));
    const one = await front();
    one.client.write(ask(port, '/', 'Connection: close\r\n', 'HEAD'));
    expect(await readAll(one.client)).toMatch(/\r\nContent-Length: 5\r\n.*\r\n\r\n$/s);
  });

  test.each([
    ['GET', 'Content-Length: 5\r\n', 'hello', /content-length: 5\r\n/i],
    ['POST', 'Content-Length: 5\r\n', 'hello', /content-length: 5\r\n/i],
    ['DELETE', 'Content-Length: 5\r\n', 'hello', /content-length: 5\r\n/i],
    ['POST', 'Transfer-Encoding: chunked\r\n', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n', /transfer-encoding: chunked\r\n/i],
    ['GET', 'Transfer-Encoding: chunked\r\n', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n', /transfer-encoding: chunked\r\n/i],
  ])(
    'of %s with a body (%s) is framed anew, and the next request is intact',
    async (method, framing, body, expected) => {
      const target = await origin((socket) => void socket.write(OK));
      const one = await front();
      one.client.write(ask(target.port, '/1', framing, method) + body);
      await readUntil(one.client, '\r\n\r\nok');
      expect(target.got[0]).toMatch(expected);
      expect(await result(one)).toMatchObject({ bytesIn: 5 });
      one.client.write(ask(target.port, '/2'));
      await readUntil(one.client, '\r\n\r\nok');
      expect(target.got.join('')).toMatch(/GET \/2 HTTP\/1\.1\r\n/);
      expect(target.got.join('').match(/ HTTP\/1\.1\r\n/g)).toHaveLength(2);
    },
  );
});

describe('a download', () => {
  const GIANT = 1 << 30;

  test('that the client does not take is not taken from the origin, and goes on when it is', async () => {
    const { port, sockets, got } = await origin(
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${GIANT}\r\n\r\n`),
    );
    const one = await front();
    one.client.write(ask(port));
    await until(() => got[0]?.endsWith('\r\n\r\n') === true, 'the request');
    const [socket] = sockets;
    if (!socket) throw new Error('no connection');
    const taken = await pourUntilStuck(socket, 256 << 20);
    expect(taken).toBeLessThan(32 << 20);
    expect(one.near.writableLength).toBeLessThan(512 << 10);
    // It flows again as soon as the client reads, and stops again when it does not.
    const before = socket.writableLength;
    await readBytes(one.client, Math.floor(taken / 2));
    await until(() => socket.writableLength < before || socket.writableLength === 0, 'the origin to go on');
    expect(one.near.writableLength).toBeLessThan(1 << 20);
  });

  test('from which the client goes away ends the connection to the origin', async () => {
    const { port, sockets } = await origin(
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${GIANT}\r\n\r\nfirst`),
    );
    const one = await front();
    one.client.write(ask(port));
    await readUntil(one.client, 'first');
    one.client.resetAndDestroy();
    expect(await result(one)).toMatchObject({ error: { code: 'client-aborted' }, reply: { status: 200 } });
    await until(() => sockets[0]?.readableEnded === true || sockets[0]?.destroyed === true, 'the close');
    await until(() => one.pools.size === 0, 'the end of the lane');
  });

  test('of which the client does not take the end is cut, though the origin has said all', async () => {
    const target = await origin((socket) => void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'));
    const one = await front({ bodyTimeout: 300 });
    one.client.write(ask(target.port));
    await until(() => one.near.bytesWritten > 0, 'the head of the reply');
    const toClient = one.near;
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    while (toClient.writableLength === 0) {
      target.sockets[0]?.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    target.sockets[0]?.write('0\r\n\r\n');
    expect(await result(one)).toMatchObject({ error: undefined, reply: { status: 200 } });
    const begin = performance.now();
    await until(() => toClient.destroyed === true, 'the cut');
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(one.pools.size).toBe(1);
  });

  test('whose origin falls silent is response-timeout', async () => {
    const { port } = await origin((socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'));
    const one = await front({ responseTimeout: 300 });
    one.client.write(ask(port));
    expect(await readAll(one.client)).toMatch(/half$/);
    expect(await result(one)).toMatchObject({ error: { code: 'response-timeout' }, reply: { status: 200 } });
  });

  test.each([
    ['shorter than its length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    ['cut between chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['cut within a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf'],
    ['cut within the last line', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n'],
  ])('%s is response-aborted and never ends cleanly', async (_name, bytes) => {
    for (const leave of [(socket: Socket) => void socket.end(), (socket: Socket) => void socket.destroy()]) {
      const { port } = await origin((socket) => void socket.write(bytes, () => setTimeout(leave, 30, socket)));
      const one = await front();
      one.client.write(ask(port));
      const text = await readAll(one.client);
      expect(text).toContain('half');
      expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
      expect(await result(one)).toMatchObject({ error: { code: 'response-aborted' }, reply: { status: 200 } });
      await until(() => one.pools.size === 0, 'the end of the lane');
    }
  });
});

describe('an upload', () => {
  test('that the origin does not take is not taken from the client, and has an end', async () => {
    const opened = await tcpOrigin((socket) => void socket.pause());
    onTestFinished(() => opened.close());
    const one = await front({ responseTimeout: 1_000 });
    one.client.write(ask(opened.port, '/', `Content-Length: ${1 << 30}\r\n`, 'POST'));
    const taken = await pourUntilStuck(one.client, 256 << 20);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(64 << 20);
    expect(await result(one)).toMatchObject({ error: { code: 'response-timeout' }, reply: undefined });
  });

  test('that the origin takes slowly is not cut while it moves', async () => {
    const opened = await tcpOrigin((socket) => {
      let got = 0;
      // A pause before each piece: in all, longer than the origin may be silent.
      socket.on('data', (chunk: Buffer) => {
        got += chunk.length;
        socket.pause();
        setTimeout(() => (got < SIZE ? socket.resume() : socket.write(OK)), 2);
      });
    });
    onTestFinished(() => opened.close());
    const SIZE = 48 << 20;
    const one = await front({ responseTimeout: 500 });
    one.client.write(ask(opened.port, '/', `Content-Length: ${SIZE}\r\n`, 'POST'));
    const begin = performance.now();
    await pourUntilStuck(one.client, SIZE, 2_000);
    await readUntil(one.client, '\r\n\r\nok');
    expect(performance.now() - begin).toBeGreaterThan(1_500);
    expect(await result(one)).toMatchObject({ error: undefined, reply: { status: 200 } });
  });

  test('whose client falls silent is request-timeout', async () => {
    const { port } = await origin(() => undefined);
    const one = await front({ bodyTimeout: 100 });
    one.client.write(`${ask(port, '/', 'Content-Length: 10\r\n', 'POST')}abc`);
    expect(await readAll(one.client)).toMatch(/\r\nrequest-timeout\r\n/);
    expect(await result(one)).toMatchObject({ error: { code: 'request-timeout' }, bytesIn: 3 });
    await until(() => one.pools.size === 0, 'the end of the lane');
  });

  test('from which the client goes away is client-aborted, and the origin sees no whole body', async () => {
    const target = await origin(() => undefined);
    const one = await front();
    one.client.write(`${ask(target.port, '/', 'Transfer-Encoding: chunked\r\n', 'POST')}3\r\nabc\r\n`);
    await until(() => (target.got[0] ?? '').includes('abc'), 'the first chunk');
    one.client.resetAndDestroy();
    expect(await result(one)).toMatchObject({ error: { code: 'client-aborted' }, reply: undefined, bytesIn: 3 });
    await until(() => target.sockets[0]?.readableEnded === true || target.sockets[0]?.destroyed === true, 'the close');
    expect(target.got[0]).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  test('whose framing breaks is request-malformed, and the origin sees no whole body', async () => {
    const target = await origin(() => undefined);
    const one = await front();
    one.client.write(`${ask(target.port, '/', 'Transfer-Encoding: chunked\r\n', 'POST')}3\r\nabc\r\n`);
    await until(() => (target.got[0] ?? '').includes('abc'), 'the first chunk');
    one.client.write('nonsense\r\n');
    expect(await readAll(one.client)).toMatch(/\r\nrequest-malformed\r\n/);
    expect(await result(one)).toMatchObject({ error: { code: 'request-malformed' }, reply: undefined, bytesIn: 3 });
    await until(() => one.pools.size === 0, 'the end of the lane');
    expect(target.got[0]).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  test('that the origin answers before its end brings the client the answer, and is the last on its connection', async () => {
    const target = await origin(
      (socket) => void socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno'),
    );
    const one = await front();
    one.client.write(`${ask(target.port, '/', `Content-Length: ${64 << 20}\r\n`, 'POST')}${'x'.repeat(100_000)}`);
    const reply = await readAll(one.client);
    expect(reply).toMatch(/^HTTP\/1\.1 413 Content Too Large\r\n.*Connection: close\r\n(?:.*\r\n)?\r\nno$/s);
    expect(await result(one)).toMatchObject({ error: undefined, reply: { status: 413 } });
    // Neither is the other connection used again, on which the body broke off.
    await until(() => one.pools.size === 0, 'the end of the lane');
  });

  test('that is whole but not wanted does not hold up the next request', async () => {
    const target = await origin((socket, nth) => void (nth === 1 ? socket.pause() : socket.write(OK)));
    const one = await front();
    one.client.write(ask(target.port, '/1', 'Transfer-Encoding: chunked\r\n', 'POST'));
    await until(() => one.requests.length === 1, 'the request');
    const [request] = one.requests;
    // Until the origin's side takes no more, and a little waits in the request for it.
    const piece = 16_384;
    const chunk = `${piece.toString(16)}\r\n${'x'.repeat(piece)}\r\n`;
    let arrived = 0;
    for (let still = 0; still < 20; ) {
      if (still === 0) {
        one.client.write(chunk);
        arrived += piece;
      }
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      still = request && request.bytes < arrived ? still + 1 : 0;
    }
    one.client.write('0\r\n\r\n');
    await until(() => request?.complete === true, 'the end of the request');
    expect(request?.bytes).toBeLessThan(arrived);
    target.sockets[0]?.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno');
    const reply = await readUntil(one.client, '\r\n\r\nno');
    expect(reply).toMatch(/^HTTP\/1\.1 413 .*Connection: keep-alive\r\n/s);
    one.client.write(ask(target.port, '/2'));
    expect(await readUntil(one.client, '\r\n\r\nok')).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('a reply that makes no sense', () => {
  const fields = (count: number): string => Array.from({ length: count }, (_, i) => `X-${i}: 1\r\n`).join('');
  test.each([
    ['a status of three zeros', 'HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['a status above 599', 'HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['a status with a letter', 'HTTP/1.1 20x Odd\r\nContent-Length: 0\r\n\r\n'],
    ['another protocol', 'ICY 200 OK\r\n\r\n'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['a control character in the reason', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n'],
    ['a bare carriage return in the reason', 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n'],
    ['NUL in a value', 'HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n'],
    ['a control character in a value', 'HTTP/1.1 200 OK\r\nA: b\x01c\r\nContent-Length: 0\r\n\r\n'],
    ['a space in a name', 'HTTP/1.1 200 OK\r\nA b: c\r\nContent-Length: 0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    [
      'a bad chunk size at once',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked, chunked, gzip\r\nContent-Length: 3\r\n\r\nabc',
    ],
    ['an unasked 101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['51 interim replies', `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(51)}${OK}`],
    ['101 fields', `HTTP/1.1 200 OK\r\n${fields(100)}Content-Length: 0\r\n\r\n`],
    ['2500 fields', `HTTP/1.1 200 OK\r\n${fields(2_500)}Content-Length: 0\r\n\r\n`],
    ['a header of 70 KB', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`],
    ['garbage', 'what is this\r\n\r\n'],
  ])('by %s is response-malformed', async (_name, bytes) => {
    const { port } = await origin((socket) => void socket.end(bytes, 'latin1'));
    const one = await front();
    one.client.write(ask(port, '/', '', 'POST'));
    const text = await readAll(one.client);
    expect(await result(one)).toMatchObject({ reply: undefined, error: { side: 'upstream', status: 502 } });
    expect(text.replaceAll('HTTP/1.1 103 Early Hints\r\n\r\n', '')).toMatch(
      /^HTTP\/1\.1 502 Bad Gateway\r\n.*\r\nresponse-(?:malformed|aborted)\r\n/s,
    );
    await until(() => one.pools.size === 0, 'the end of the lane');
  });

  test.each([
    ['50 interim replies', `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)}${OK}`, 50],
    ['100 fields', `HTTP/1.1 200 OK\r\n${fields(99)}Content-Length: 0\r\n\r\n`, 0],
  ])('is not one of %s', async (_name, bytes, hints) => {
    const { port } = await origin((socket) => void socket.write(bytes));
    const one = await front();
    one.client.write(ask(port, '/', 'Connection: close\r\n'));
    const text = await readAll(one.client);
    expect(text.slice(28 * hints)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text.split('HTTP/1.1 103 Early Hints\r\n\r\n')).toHaveLength(hints + 1);
  });

  test('because none comes is response-timeout', async () => {
    const { port } = await origin(() => undefined);
    const one = await front({ responseTimeout: 300 });
    one.client.write(ask(port));
    expect(await readAll(one.client)).toMatch(/response-timeout\r\n/);
  });
});

describe('a request is sent again', () => {
  /** The first exchange on a connection is answered; what happens at the second is up to `second`. */
  async function stale(second: (socket: Socket) => void, method: string, extra = '') {
    const seen = new Map<number, number>();
    const target = await origin((socket, _nth, connection) => {
      const count = (seen.get(connection) ?? 0) + 1;
      seen.set(connection, count);
      if (count === 2) second(socket);
      else
        socket.write(
          method === 'HEAD' && connection > 0
            ? 'HTTP/1.1 200 OK\r\nX-Again: 1\r\n\r\n'
            : `HTTP/1.1 200 OK\r\nX-Again: ${connection}\r\nContent-Length: 2\r\n\r\nok`,
        );
    });
    const one = await front();
    one.client.write(ask(target.port, '/1'));
    await readUntil(one.client, '\r\n\r\nok');
    one.client.write(ask(target.port, '/2', extra, method));
    return { one, target };
  }

  test.each(['GET', 'HEAD', 'OPTIONS'])('when %s finds a kept connection closed', async (method) => {
    const { one, target } = await stale((socket) => void socket.destroy(), method);
    expect(await readUntil(one.client, 'X-Again: 1')).toMatch(/^HTTP\/1\.1 200/);
    expect(await result(one, 2)).toMatchObject({ error: undefined, reply: { status: 200 } });
    expect(target.accepted).toBe(2);
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('but not when %s does, which may have been heard', async (method) => {
    const { one, target } = await stale((socket) => void socket.destroy(), method);
    expect(await readAll(one.client)).toMatch(/response-aborted/);
    expect(target.accepted).toBe(1);
  });

  test('but not when a part of its body has gone', async () => {
    const { one, target } = await stale(
      (socket) => void setTimeout(() => socket.destroy(), 50),
      'GET',
      'Content-Length: 10\r\n',
    );
    one.client.write('abc');
    expect(await readAll(one.client)).toMatch(/response-aborted/);
    expect(target.accepted).toBe(1);
  });

  test('but not when the reply has begun', async () => {
    const { one, target } = await stale(
      (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
      'GET',
    );
    await readAll(one.client);
    expect(await result(one, 2)).toMatchObject({ error: { code: 'response-aborted' }, reply: { status: 200 } });
    expect(target.accepted).toBe(1);
  });

  test('but not when a new connection breaks, nor a second time', async () => {
    const target = await origin((socket) => void socket.destroy());
    const one = await front();
    one.client.write(ask(target.port));
    expect(await readAll(one.client)).toMatch(/response-aborted/);
    expect(target.accepted).toBe(1);
  });

  test('whatever its method when nothing of it can have left', async () => {
    const target = await origin((socket) => void socket.write(OK));
    const one = await front();
    one.client.write(ask(target.port, '/1'));
    await readUntil(one.client, '\r\n\r\nok');
    // Closed by us in the very moment: the lane is idle and its connection is gone when the next request is sent on it.
    const lane = one.pools.take(permitFor(`ok.test:${target.port}`).authority, 'http');
    if (!lane) throw new Error('no lane is idle');
    one.pools.release(lane);
    lane.destroy();
    one.client.write(`${ask(target.port, '/2', 'Content-Length: 5\r\n', 'POST')}hello`);
    await readUntil(one.client, '\r\n\r\nok');
    expect(await result(one, 2)).toMatchObject({ error: undefined, bytesIn: 5 });
    expect(target.got[1]).toMatch(/^POST \/2 .*hello$/s);
  });
});

describe('an origin that cannot be reached', () => {
  test('is told with its address', async () => {
    const port = await closedPort();
    const one = await front();
    one.client.write(`${ask(port, '/', 'Content-Length: 5\r\n', 'POST')}hello`);
    expect(await readAll(one.client)).toMatch(/connect-failed/);
    expect(await result(one)).toMatchObject({ connection: undefined, error: { peer: '127.0.0.1' }, bytesIn: 0 });
  });
});

describe('a client that goes away before its reply', () => {
  test('takes its connection to the origin with it, and what waits behind costs no request', async () => {
    const target = await origin(() => undefined);
    const one = await front();
    one.client.write(`${ask(target.port, '/1')}${ask(target.port, '/2')}`);
    await until(() => (target.got[0] ?? '').includes('/1'), 'the first request');
    one.client.resetAndDestroy();
    expect(await result(one)).toMatchObject({ error: { code: 'client-aborted' }, reply: undefined });
    await until(() => one.pools.size === 0, 'the end of the lane');
    await closed(one.client);
    expect(target.got.join('')).not.toContain('/2');
  });
});
