// The parser without a port: sockets handed to it, deadlines that hold all the same, and faults that end one connection.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ProxyError } from '../../src/core/errors.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/core/limits.ts';
import { beginSession } from '../../src/core/session.ts';
import { type Connection, connectionOn } from '../../src/http/connection.ts';
import { canReply, type Handlers, MessageServer } from '../../src/http/server.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll, readUntil, until } from '../support/rig.ts';
import { closed, socketPair } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

expectNothingLeft();

const session = beginSession({ address: '127.0.0.1', port: 1 }, { address: '127.0.0.1', port: 2 });

interface Started {
  readonly server: MessageServer;
  /** Errors of the parser, as `malformed` got them. */
  readonly malformed: ProxyError[];
  readonly faults: unknown[];
  /** A new connection in the hands of the parser. */
  open(): Promise<{ client: Socket; connection: Connection }>;
}

const answer = async (_connection: Connection, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  response.end(`${request.method} ${request.url}`);
};

function start(handlers: Partial<Handlers> = {}, limits: Partial<Limits> = {}): Started {
  const malformed: ProxyError[] = [];
  const faults: unknown[] = [];
  const server = new MessageServer(
    { ...DEFAULT_LIMITS, ...limits },
    {
      request: answer,
      connect: async (connection, request, head) =>
        void connection.socket.end(`CONNECT ${request.url} ${head.toString()}`),
      malformed: (connection, error) => {
        malformed.push(error);
        connection.socket.destroy();
      },
      fault: (_connection, error) => void faults.push(error),
      ...handlers,
    },
  );
  onTestFinished(() => server.close());
  return {
    server,
    malformed,
    faults,
    async open() {
      const { near, far } = await socketPair();
      const connection = connectionOn(near, session);
      server.take(connection);
      return { client: far, connection };
    },
  };
}

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';

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
    const { server } = start();
    const { near, far } = await socketPair();
    near.unshift(Buffer.from('GET /a '));
    server.take(connectionOn(near, session));
    far.write('HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await readUntil(far, 'GET /a')).toMatch(/^HTTP\/1\.1 200/);
  });

  test('may be a decrypted one', async () => {
    const { server } = start();
    const ca = new TestCa();
    const { near, far } = await socketPair();
    const inner = new TLSSocket(near, {
      isServer: true,
      secureContext: createSecureContext(ca.leaf({ san: 'DNS:ok.test' })),
    });
    inner.on('error', () => undefined).once('secure', () => server.take(connectionOn(inner, session)));
    const client = connectTls({ socket: far, ca: ca.root, servername: 'ok.test' });
    client.on('error', () => undefined);
    client.write(GET);
    expect(await readUntil(client, 'GET /a')).toMatch(/^HTTP\/1\.1 200/);
  });

  test('leaves the parser at a CONNECT, with what came behind it', async () => {
    const { open } = start();
    const { client } = await open();
    client.write('CONNECT ok.test:443 HTTP/1.1\r\n\r\nhello');
    expect(await readAll(client)).toBe('CONNECT ok.test:443 hello');
  });

  test('keeps every field, however many there are', async () => {
    const counts: number[] = [];
    const { open } = start({
      request: async (_connection, request, response) => {
        counts.push(request.rawHeaders.length / 2);
        response.end();
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
      request: async (connection, _request, _response, problem) => {
        problems.push(problem);
        connection.socket.end();
      },
    });
    const { client } = await open();
    client.write(`POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    await readAll(client);
    expect(problems.map((problem) => problem?.code)).toEqual(['request-malformed']);
    expect(malformed).toEqual([]);
  });

  test.each([
    ['to whoever reads it', true],
    ['as such when nobody does', false],
  ])('a body that turns out bad later is told %s', async (_name, listens) => {
    const told: ProxyError[] = [];
    const { open, malformed } = start({
      request: async (connection, request) => {
        request.on('error', () => undefined).resume();
        if (!listens) return;
        connection.onBrokenBody = (problem) => {
          told.push(problem);
          connection.socket.end();
        };
      },
    });
    const { client, connection } = await open();
    client.write('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
    await until(() => connection.exchanges === 1, 'the request');
    client.write('x\r\n');
    client.write('more of it');
    await readAll(client);
    expect([told, malformed].map((errors) => errors.map(({ code }) => code))).toEqual(
      listens ? [['request-malformed'], []] : [[], ['request-malformed']],
    );
  });

  test.each([
    ['two spaces', 'GET  / HTTP/1.1'],
    ['another protocol', 'GET / RTSP/1.0'],
    ['a line feed before it', '\nGET / HTTP/1.1'],
  ])('a request line with %s is a problem, and so with CONNECT', async (_name, line) => {
    const problems: (ProxyError | undefined)[] = [];
    const { open } = start({
      request: async (connection, _request, _response, problem) => {
        problems.push(problem);
        connection.socket.end();
      },
      connect: async (connection, _request, _head, problem) => {
        problems.push(problem);
        connection.socket.end();
      },
    });
    const connect = line.replace('GET', 'CONNECT').replace('/ ', 'a:1 ').replace('RTSP/1.0', ' HTTP/1.1');
    for (const text of [line, connect]) {
      const { client } = await open();
      client.write(`${text}\r\nHost: a\r\n\r\n`);
      await readAll(client);
    }
    expect(problems.map((problem) => problem?.detail)).toEqual(
      Array.from({ length: 2 }, () => 'The request line is not METHOD SP TARGET SP HTTP/x.y.'),
    );
  });

  test('requests of one connection are handled one after another, and not read without end', async () => {
    const turns: PromiseWithResolvers<void>[] = [];
    const { open } = start({
      request: async (connection, request, response) => {
        const turn = Promise.withResolvers<void>();
        turns.push(turn);
        await turn.promise;
        await answer(connection, request, response);
      },
    });
    const { client, connection } = await open();
    client.write(GET.repeat(30));
    await until(() => connection.exchanges === 30, 'all of them');
    expect(turns).toHaveLength(1);
    expect(connection.socket.isPaused()).toBe(true);
    for (let i = 0; i < 30; i += 1) {
      await until(() => turns.length === i + 1, `the turn of ${i}`);
      turns[i]?.resolve();
    }
    await until(() => !connection.socket.isPaused(), 'reading again');
    client.destroy();
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
        request: async (_connection, request, response) => {
          await new Promise((resolve) => setTimeout(resolve, 350));
          response.end(`GET ${request.url}`);
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

  test('is closed when a drain begins, one with a request is not', async () => {
    const held = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const { open, server } = start({
      request: async (_connection, request, response) => {
        if (request.url === '/slow') {
          arrived.resolve();
          await held.promise;
        }
        response.end('done');
      },
    });
    const [idle, busy] = [await open(), await open()];
    idle.client.write(GET);
    await readUntil(idle.client, 'done');
    busy.client.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await arrived.promise;
    server.closeIdle();
    expect(await readAll(idle.client)).toBe('');
    held.resolve();
    expect(await readUntil(busy.client, 'done')).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('a client that ends its half', () => {
  test('after its request still gets the reply', async () => {
    const { open } = start({
      request: async (_connection, _request, response) => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        response.write('one ');
        await new Promise((resolve) => setTimeout(resolve, 60));
        response.end('two');
      },
    });
    const { client } = await open();
    client.end(GET);
    expect(await readAll(client)).toMatch(/one \r\n.*two\r\n/s);
  });

  test('is taken to be gone when nothing comes for it', async () => {
    const closedAt = Promise.withResolvers<void>();
    const { open } = start({
      request: async (_connection, _request, response) => void response.once('close', closedAt.resolve),
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

  test('in what waits for the first request ends that connection', async () => {
    const { open, faults } = start();
    const { client, connection } = await open();
    connection.onFirstRequest = throwAtOnce;
    client.write(GET);
    expect(await readAll(client)).toBe('');
    expect(faults).toEqual([fault]);
  });
});

describe('a socket', () => {
  test('can take a reply until it is ended or destroyed', async () => {
    const [first, second] = [await socketPair(), await socketPair()];
    expect(canReply(first.near)).toBe(true);
    first.near.end();
    second.near.destroy();
    expect([canReply(first.near), canReply(second.near)]).toEqual([false, false]);
    await until(() => first.near.writableFinished, 'the end');
  });
});
