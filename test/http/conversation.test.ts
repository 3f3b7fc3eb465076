// One client connection: requests read in whatever pieces they come, answered one after another, and an end to every
// silence.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import type { ProxyError } from '../../src/core/errors.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/core/limits.ts';
import { beginSession } from '../../src/core/session.ts';
import { type Connection, connectionOn } from '../../src/http/connection.ts';
import { Conversation } from '../../src/http/conversation.ts';
import type { ReplyPort } from '../../src/http/reply-port.ts';
import type { Request } from '../../src/http/request.ts';
import type { Handlers } from '../../src/http/server.ts';
import { Inlet } from '../../src/net/inlet.ts';
import { hearBytes } from '../support/hear.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll, readUntil, until } from '../support/rig.ts';
import { closed, pourUntilStuck, socketPair } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

expectNothingLeft();

const session = beginSession({ address: '127.0.0.1', port: 1 });

interface Opened {
  readonly client: Socket;
  readonly connection: Connection;
  readonly conversation: Conversation;
}

interface Started {
  /** What was no request, as `malformed` got it. */
  readonly malformed: ProxyError[];
  readonly faults: unknown[];
  /** Those that said that they are over. */
  readonly over: Conversation[];
  open(): Promise<Opened>;
  /** Of which something may have been read. */
  on(connection: Connection): Opened['conversation'];
  /** On a socket that is here already. */
  take(socket: Socket): Opened['conversation'];
}

function say(reply: ReplyPort, text: string): void {
  reply.writeHead(200, 'OK', ['Content-Length', String(text.length)]);
  reply.end(Buffer.from(text));
}

const answer = async (_connection: Connection, request: Request, reply: ReplyPort): Promise<void> => {
  say(reply, `${request.method} ${request.url}`);
};

function start(handlers: Partial<Handlers> = {}, limits: Partial<Limits> = {}, stopping?: AbortSignal): Started {
  const malformed: ProxyError[] = [];
  const faults: unknown[] = [];
  const over: Conversation[] = [];
  const all: Handlers = {
    request: answer,
    connect: async ({ socket, inlet }, request) => {
      const rest = await hearBytes(inlet, 'hello'.length);
      socket.end(`CONNECT ${request.url} ${rest.toString()}`);
    },
    malformed: (connection, error) => {
      malformed.push(error);
      connection.socket.destroy();
    },
    fault: (_connection, error) => void faults.push(error),
    ...handlers,
  };
  const on = (connection: Connection): Conversation => {
    const options = { limits: { ...DEFAULT_LIMITS, ...limits }, stopping };
    const conversation: Conversation = new Conversation(connection, options, all, () => void over.push(conversation));
    conversation.begin();
    return conversation;
  };
  const take = (socket: Socket): Conversation => on(connectionOn(new Inlet(socket), session));
  return {
    malformed,
    faults,
    over,
    on,
    take,
    async open() {
      const { near, far } = await socketPair();
      const connection = connectionOn(new Inlet(near), session);
      const conversation = on(connection);
      return { client: far, connection, conversation };
    },
  };
}

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a proxy that is told to stop', () => {
  test('says in the reply to what is under way that it is the last, and ends the connection', async () => {
    const stopping = new AbortController();
    const { open } = start(
      {
        request: async (_connection, _request, reply) => {
          stopping.abort();
          say(reply, 'late');
        },
      },
      {},
      stopping.signal,
    );
    const { client } = await open();
    client.write(GET + GET);
    const text = await readAll(client);
    expect(text).toMatch(/\r\nConnection: close\r\n/);
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  });
});

describe('a client that is still sending a body nobody wants', () => {
  test('can read the whole reply, and is then cut off', async () => {
    const { open } = start({ request: async (_connection, _request, reply) => say(reply, 'x'.repeat(3_000)) });
    const { client, connection } = await open();
    client.pause();
    const ended = once(connection.socket, 'finish');
    client.write(`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n${'b'.repeat(1_000_000)}`);
    await ended;
    // Had the other side been closed on what it has not read, a reset would have come by now, and the next write would
    // have found it before the reply was read.
    await wait(100);
    client.write('b');
    await wait(100);
    const text = await readAll(client);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nx{3000}$/);
    await closed(connection.socket);
    expect(connection.socket.bytesRead).toBeLessThan(1_000_000);
  });
});

describe('a socket that was handed over', () => {
  test('is parsed, request after request', async () => {
    const { open } = start();
    const { client, connection } = await open();
    for (let i = 1; i <= 3; i += 1) {
      client.write(GET);
      expect(await readUntil(client, 'GET /a')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(connection.exchanges).toBe(i);
    }
  });

  test('is parsed from what was put back on it', async () => {
    const { take } = start();
    const { near, far } = await socketPair();
    near.unshift(Buffer.from('GET /a '));
    take(near);
    far.write('HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await readUntil(far, 'GET /a')).toMatch(/^HTTP\/1\.1 200/);
  });

  test('is parsed from what was read of it before, which may be a head that does not end in time', async () => {
    const { malformed, on } = start({}, { headerTimeout: 80 });
    const { near, far } = await socketPair();
    const inlet = new Inlet(near);
    inlet.putBack(Buffer.from('GET /a HTTP/1.1\r\nHost'));
    on(connectionOn(inlet, session));
    await closed(near);
    far.destroy();
    expect(malformed).toMatchObject([{ code: 'request-timeout' }]);
  });

  test('has no deadline of a head that was read of it before, whole', async () => {
    const held = Promise.withResolvers<void>();
    const { malformed, on } = start(
      {
        request: async (_connection, _request, reply) => {
          await held.promise;
          say(reply, 'late');
        },
      },
      { headerTimeout: 60 },
    );
    const { near, far } = await socketPair();
    const inlet = new Inlet(near);
    inlet.putBack(Buffer.from(GET));
    on(connectionOn(inlet, session));
    await new Promise((resolve) => setTimeout(resolve, 150));
    held.resolve();
    expect(await readUntil(far, 'late')).toMatch(/^HTTP\/1\.1 200/);
    expect(malformed).toEqual([]);
  });

  test('may be a decrypted one', async () => {
    const { take } = start();
    const ca = new TestCa();
    const { near, far } = await socketPair();
    const inner = new TLSSocket(near, {
      isServer: true,
      secureContext: createSecureContext(ca.leaf({ san: 'DNS:ok.test' })),
    });
    inner.on('error', () => undefined).once('secure', () => take(inner));
    const client = connectTls({ socket: far, ca: ca.root, servername: 'ok.test' });
    client.on('error', () => undefined);
    client.write(GET);
    expect(await readUntil(client, 'GET /a')).toMatch(/^HTTP\/1\.1 200/);
  });

  test('is given away at a CONNECT, with what came behind it to be read', async () => {
    const { open, over } = start();
    const { client, conversation } = await open();
    client.write('CONNECT ok.test:443 HTTP/1.1\r\n\r\nhello');
    expect(await readAll(client)).toBe('CONNECT ok.test:443 hello');
    expect(over).toEqual([conversation]);
  });

  test('keeps every field, however many there are', async () => {
    const counts: number[] = [];
    const { open } = start({
      request: async (_connection, request, reply) => {
        counts.push(request.rawHeaders.length / 2);
        say(reply, '');
      },
    });
    const { client } = await open();
    client.end(`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(2_500)}Content-Length: 0\r\n\r\n`);
    await readAll(client);
    expect(counts).toEqual([2_501]);
  });

  test.each(['100-continue', 'magic'])('with the expectation %s reaches the handler', async (expectation) => {
    const { open } = start();
    const { client } = await open();
    client.write(`GET /a HTTP/1.1\r\nExpect: ${expectation}\r\nConnection: close\r\n\r\n`);
    expect(await readAll(client)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*GET \/a$/s);
  });

  test('with an upgrade is an ordinary request', async () => {
    const { open } = start();
    const { client } = await open();
    client.write('GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(await readUntil(client, 'GET /a')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe('what is no request', () => {
  test.each([
    ['garbage', '\x01\x02\r\n\r\n', 'request-malformed'],
    ['a method that nobody knows', 'FOO / HTTP/1.1\r\n\r\n', 'request-malformed'],
    ['a space before a colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 'request-malformed'],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n', 'request-malformed'],
    ['a bare line feed', 'GET / HTTP/1.1\nHost: a\n\n', 'request-malformed'],
    ['a bare carriage return', 'GET / HTTP/1.1\r\nA: b\rc\r\n\r\n', 'request-malformed'],
    ['NUL in a value', 'GET / HTTP/1.1\r\nA: b\0c\r\n\r\n', 'request-malformed'],
    ['a control character in a value', 'GET / HTTP/1.1\r\nA: b\x01c\r\n\r\n', 'request-malformed'],
    ['two lengths', 'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'request-malformed'],
    [
      'length and chunks',
      'GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'request-malformed',
    ],
    ['a signed length', 'GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\na', 'request-malformed'],
    ['an unknown coding last', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n', 'request-malformed'],
    ['a header of 70 KB', `GET / HTTP/1.1\r\nA: ${'b'.repeat(70_000)}\r\n\r\n`, 'request-too-large'],
    ['an address of more than 64 KB', `GET /${'b'.repeat(70_000)}`, 'request-target-long'],
  ])('%s is told as such, and counts as an exchange', async (_name, bytes, code) => {
    const { open, malformed } = start();
    const { client, connection } = await open();
    client.write(Buffer.from(bytes, 'latin1'));
    await readAll(client);
    expect(malformed.map((error) => error.code)).toEqual([code]);
    expect(malformed[0]?.detail).toMatch(/^\S.*\.$/);
    expect(connection.exchanges).toBe(1);
  });

  test.each([
    ['a bad chunk size', '0x5\r\nhello\r\n'],
    ['a chunk longer than its size', '2\r\nabc\r\n'],
    ['a chunk size with a sign', '+2\r\nab\r\n'],
  ])('%s in a body is told to whoever answers the request', async (_name, body) => {
    const problems: (ProxyError | undefined)[] = [];
    const { open, malformed } = start({
      request: async (connection, { error }) => {
        problems.push(error);
        connection.socket.destroy();
      },
    });
    const { client } = await open();
    client.write(`POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    await readAll(client);
    expect(problems.map((problem) => problem?.code)).toEqual(['request-malformed']);
    expect(malformed).toEqual([]);
  });

  test('a body that turns out bad later is told to whoever reads it, and nothing behind it is looked at', async () => {
    const got: string[] = [];
    const { open, malformed } = start({
      request: async (_connection, request, reply) => {
        const over = Promise.withResolvers<void>();
        request.read({
          onBody: (piece) => void got.push(piece.toString()),
          onBodyEnd: () => over.reject(new Error('no end')),
          onBodyError: (error) => {
            got.push(error.code);
            over.resolve();
          },
        });
        await over.promise;
        say(reply, 'bad');
      },
    });
    const { client, connection } = await open();
    client.write('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
    await until(() => connection.exchanges === 1, 'the request');
    client.write(`x\r\n${GET}`);
    client.write(GET);
    expect(await readAll(client)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*bad$/s);
    expect([got, connection.exchanges, malformed]).toEqual([['a', 'request-malformed'], 1, []]);
  });

  test('is told behind the replies to what came before', async () => {
    const turn = Promise.withResolvers<void>();
    const { open, malformed } = start({
      request: async (_connection, request, reply) => {
        await turn.promise;
        say(reply, request.url);
      },
    });
    const { client, connection } = await open();
    client.write(`${GET}garbage\r\n\r\n`);
    await until(() => connection.exchanges === 1, 'the first');
    expect(malformed).toEqual([]);
    turn.resolve();
    expect(await readAll(client)).toMatch(/\/a$/);
    expect(malformed.map(({ code }) => code)).toEqual(['request-malformed']);
  });

  test.each([
    ['within its first line', 'GET /'],
    ['within its header', 'GET / HTTP/1.1\r\nHost'],
  ])('a client that ends %s has gone away', async (_name, bytes) => {
    const { open, malformed } = start();
    const { client } = await open();
    client.end(bytes);
    await readAll(client);
    expect(malformed.map((error) => error.code)).toEqual(['client-aborted']);
  });
});

describe('the deadline for a header', () => {
  test.each([
    ['nothing, to whom nothing is said', '', 'client-aborted'],
    ['half a line', 'GET /', 'request-timeout'],
    ['half a header', 'GET / HTTP/1.1\r\nHost: a\r\nA', 'request-timeout'],
  ])('holds for a client that sends %s', async (_name, bytes, code) => {
    const { open, malformed } = start({}, { headerTimeout: 150 });
    const { client } = await open();
    client.write(bytes);
    const begin = performance.now();
    await readAll(client);
    expect(malformed.map((error) => error.code)).toEqual([code]);
    expect(performance.now() - begin).toBeGreaterThan(100);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test('holds for a client that sends a byte now and then', async () => {
    const { open, malformed } = start({}, { headerTimeout: 150 });
    const { client } = await open();
    client.write('GET /');
    const drip = setInterval(() => client.write('a'), 20);
    await readAll(client);
    clearInterval(drip);
    expect(malformed.map((error) => error.code)).toEqual(['request-timeout']);
  });

  test('does not count the wait between two requests, nor a slow reply', async () => {
    const { open, malformed } = start(
      {
        request: async (_connection, request, reply) => {
          await new Promise((resolve) => setTimeout(resolve, 350));
          say(reply, `GET ${request.url}`);
        },
      },
      { headerTimeout: 100 },
    );
    const { client } = await open();
    client.write(GET);
    await readUntil(client, 'GET /a');
    await new Promise((resolve) => setTimeout(resolve, 350));
    client.write(GET);
    await readUntil(client, 'GET /a');
    expect(malformed).toEqual([]);
  });
});

describe('a connection without a request', () => {
  test('is closed after its time', async () => {
    const { open } = start({}, { keepAliveTimeout: 100 });
    const { client } = await open();
    client.write(GET);
    await readUntil(client, 'GET /a');
    expect(await readAll(client)).toBe('');
  });

  test('is idle when it has had one and no byte of a further one is here', async () => {
    const held = Promise.withResolvers<void>();
    const { open } = start({
      request: async (connection, request, reply) => {
        await held.promise;
        await answer(connection, request, reply);
      },
    });
    const { client, conversation, connection } = await open();
    expect(conversation.idle).toBe(false);
    client.write(GET);
    await until(() => connection.exchanges === 1, 'the request');
    expect(conversation.idle).toBe(false);
    held.resolve();
    await readUntil(client, 'GET /a');
    await until(() => conversation.idle, 'the end of the exchange');
    client.write('\r\n');
    client.write('GET');
    await until(() => !conversation.idle, 'the begin of a further one');
  });
});

describe('requests on one connection', () => {
  const WHOLE = [
    GET,
    'POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
    '\r\nPOST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n00\r\nX: y\r\n\r\n',
    'HEAD /d HTTP/1.1\r\nHost: a\r\n\r\n',
    'DELETE /e HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  ].join('');
  const LINES = ['GET /a', 'POST /b hello', 'POST /c abc', 'HEAD /d', 'DELETE /e'];

  /** Answers with what it got, its body with it. */
  const echo = async (_connection: Connection, request: Request, reply: ReplyPort): Promise<void> => {
    let body = '';
    await new Promise<void>((resolve, reject) =>
      request.read({
        onBody: (piece) => {
          body += piece.toString();
        },
        onBodyEnd: resolve,
        onBodyError: reject,
      }),
    );
    say(reply, `[${`${request.method} ${request.url} ${body}`.trim()}]`);
  };

  test.each([1, 2, 3, 7, 64, 10_000])('in pieces of %i bytes are the same requests', async (size) => {
    const { open, malformed } = start({ request: echo });
    const { client, connection } = await open();
    const all = readAll(client);
    for (let at = 0; at < WHOLE.length; at += size) {
      client.write(WHOLE.slice(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const replies = await all;
    expect([...replies.matchAll(/\[(.*?)\]/g)].map(([, line]) => line)).toEqual(
      LINES.filter((line) => !line.startsWith('HEAD')),
    );
    expect(replies.match(/HTTP\/1\.1 200/g)).toHaveLength(LINES.length);
    expect([connection.exchanges, malformed]).toEqual([LINES.length, []]);
  });

  test('are handled one after another, and not read without end', async () => {
    const turns: PromiseWithResolvers<void>[] = [];
    const { open } = start({
      request: async (connection, request, reply) => {
        const turn = Promise.withResolvers<void>();
        turns.push(turn);
        await turn.promise;
        await answer(connection, request, reply);
      },
    });
    const { client, connection } = await open();
    const count = 10_000;
    client.write(GET.repeat(count));
    await until(() => connection.socket.isPaused(), 'enough');
    expect([turns.length, connection.exchanges]).toEqual([1, 1]);
    expect(connection.socket.bytesRead).toBeLessThan(300_000);
    const all = readAll(client);
    for (let i = 0; i < count; i += 1) {
      while (turns.length === i) await new Promise((resolve) => setImmediate(resolve));
      expect(turns).toHaveLength(i + 1);
      expect(connection.socket.bytesRead).toBeLessThan(300_000 + i * GET.length);
      turns[i]?.resolve();
    }
    client.end();
    expect((await all).match(/GET \/a/g)).toHaveLength(count);
  });

  test.each([
    ['says so', 'Connection: x, close\r\n', '1.1', false],
    ['is of HTTP/1.0', '', '1.0', false],
    ['is of HTTP/1.0, and ends with it as it says', 'Connection: close\r\n', '1.0', false],
    ['is of HTTP/1.0, by a proxy', 'Connection: keep-alive\r\nVia: 1.0 old\r\n', '1.0', false],
    ['is answered so', '', '1.1', true],
  ])('end with one that %s', async (_how, field, version, byUs) => {
    const { open } = start({
      request: async (connection, request, reply) => {
        reply.last ||= byUs;
        await answer(connection, request, reply);
      },
    });
    const { client, connection } = await open();
    client.write(`GET /last HTTP/${version}\r\n${field}\r\n${GET}`);
    expect(await readAll(client)).toMatch(/\r\nConnection: close\r\n.*GET \/last$/s);
    expect(connection.exchanges).toBe(1);
  });

  test('end with one whose body nobody has read to its end', async () => {
    const { open } = start();
    const { client, connection } = await open();
    client.write(`POST /b HTTP/1.1\r\nContent-Length: 10\r\n\r\nhello`);
    expect(await readAll(client)).toMatch(/POST \/b$/);
    client.write(GET);
    await closed(connection.socket);
    expect(connection.exchanges).toBe(1);
  });
});

describe('the body of a request', () => {
  /** One that is read by `sink`, and the time of each thing that happens. */
  async function posted(header: string, limits: Partial<Limits>, paused = false) {
    const got: string[] = [];
    const arrived = Promise.withResolvers<Request>();
    const over = Promise.withResolvers<void>();
    const { open } = start(
      {
        request: async (connection, request) => {
          request.read({
            onBody: () => void (paused && request.pause()),
            onBodyEnd: () => void got.push('end'),
            onBodyError: ({ code, detail }) => {
              got.push(code, detail);
              over.resolve();
            },
          });
          arrived.resolve(request);
          await over.promise;
          connection.socket.destroy();
        },
      },
      limits,
    );
    const opened = await open();
    opened.client.write(`POST / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n`);
    return { ...opened, request: await arrived.promise, got, over };
  }

  test.each([
    ['before it', ''],
    ['within it', 'abc'],
  ])('has an end when the client falls silent %s', async (_name, bytes) => {
    const { client, request, got, over } = await posted('Content-Length: 10', { bodyTimeout: 80 });
    client.write(bytes);
    await over.promise;
    expect([got, request.bytes]).toEqual([['request-timeout', 'Its body stalled.'], bytes.length]);
  });

  test('has the whole time again after each byte', async () => {
    const { client, got } = await posted('Content-Length: 6', { bodyTimeout: 150, slowestBody: 0 });
    for (const byte of 'abcdef') {
      await new Promise((resolve) => setTimeout(resolve, 60));
      client.write(byte);
    }
    await until(() => got.length > 0, 'the end');
    expect(got).toEqual(['end']);
    client.destroy();
  });

  test('is not taken from the client while nobody takes it, nor the client blamed; it is when it falls silent then', async () => {
    const limits = { bodyTimeout: 100 };
    const { client, request, connection, got, over } = await posted(`Content-Length: ${1 << 30}`, limits, true);
    const taken = await pourUntilStuck(client, 256 << 20);
    expect(taken).toBeLessThan(32 << 20);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect([got, connection.socket.destroyed, connection.socket.isPaused()]).toEqual([[], false, true]);
    const before = request.bytes;
    const more = setInterval(() => request.resume(), 1);
    await over.promise;
    clearInterval(more);
    expect(request.bytes).toBeGreaterThan(before + 65_536);
    expect(got).toEqual(['request-timeout', 'Its body stalled.']);
  });

  test.each([
    ['ends its half', (client: Socket) => void client.end()],
    ['closes', (client: Socket) => void client.destroy()],
    ['resets', (client: Socket) => void client.resetAndDestroy()],
  ])('is client-aborted when the client %s within it', async (_name, leave) => {
    const { client, request, got, over } = await posted('Content-Length: 10', {});
    client.write('abc');
    await until(() => request.bytes === 3, 'the first bytes');
    leave(client);
    await over.promise;
    expect(got).toEqual(['client-aborted', '']);
  });
});

describe('a client that ends its half', () => {
  test('after its request still gets the reply', async () => {
    const { open } = start({
      request: async (_connection, _request, reply) => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        reply.writeHead(200, 'OK', []);
        reply.write(Buffer.from('one '));
        reply.flush();
        await new Promise((resolve) => setTimeout(resolve, 60));
        reply.end(Buffer.from('two'));
      },
    });
    const { client } = await open();
    client.end(GET);
    expect(await readAll(client)).toMatch(/one \r\n.*two\r\n/s);
  });

  test('is taken to be gone when nothing comes for it', async () => {
    const closedAt = Promise.withResolvers<void>();
    const { open } = start({
      request: async (_connection, _request, reply) => {
        reply.onGone = () => closedAt.resolve();
      },
    });
    const { client, connection } = await open();
    client.end(GET);
    await closedAt.promise;
    await closed(connection.socket);
    expect(connection.socket.destroyed).toBe(true);
  });

  test('without a request is closed', async () => {
    const { open } = start();
    const { client, connection } = await open();
    client.end();
    await closed(connection.socket);
  });
});

describe('a fault of ours', () => {
  const fault = new Error('a fault');
  const reject = async (): Promise<never> => {
    throw fault;
  };
  const throwAtOnce = (): never => {
    throw fault;
  };

  test.each<[string, Partial<Handlers>, string]>([
    ['that a request handler rejects with', { request: reject }, GET],
    ['that a request handler throws', { request: throwAtOnce }, GET],
    ['that a CONNECT handler rejects with', { connect: reject }, 'CONNECT a:1 HTTP/1.1\r\n\r\n'],
    ['that a CONNECT handler throws', { connect: throwAtOnce }, 'CONNECT a:1 HTTP/1.1\r\n\r\n'],
    ['that the handler of malformed ones throws', { malformed: throwAtOnce }, '\x01\r\n\r\n'],
  ])('%s ends that connection and no other', async (_name, handlers, bytes) => {
    const { open, faults } = start(handlers);
    const [other, broken] = [await open(), await open()];
    broken.client.write(bytes);
    expect(await readAll(broken.client)).toBe('');
    expect(faults).toEqual([fault]);
    expect(other.connection.socket.destroyed).toBe(false);
  });

  test.each([GET, '\x01'])('in what waits for the first request (%j) ends that connection', async (bytes) => {
    const { open, faults } = start();
    const { client, connection } = await open();
    connection.onFirstRequest = throwAtOnce;
    client.write(bytes);
    expect(await readAll(client)).toBe('');
    expect(faults).toEqual([fault]);
  });
});
