// Origins that mean harm or are broken: what they send is passed on whole, or refused, or cut off where everybody can see
// it; and never does one request get what belongs to another.

import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  connectThrough,
  dialProxy,
  type Entry,
  openRig,
  type Rig,
  readAll,
  readUntil,
  tlsThrough,
  until,
  WORKERS,
} from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { type ReadMessage, readReplies } from './read-messages.ts';
import { plainAnswer, type Recorder, record } from './recorder.ts';
import { BAD_REPLIES } from './tables/replies.ts';

const SIDES = ['plain', 'tunnel'] as const;
type Side = (typeof SIDES)[number];

const ca = new TestCa();
let plain: Recorder;
let secure: Recorder;
let rig: Rig;

beforeAll(async () => {
  plain = await record('127.0.0.2');
  secure = await record('127.0.0.2', ca.leaf({ san: 'DNS:ok.test' }));
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.2' },
    policy: {
      rules: [
        { name: 'raw', hosts: ['raw.test'], action: 'allow', tls: 'tunnel' },
        { name: 'ok', hosts: ['ok.test'], action: 'allow' },
      ],
    },
    limits: { responseTimeout: 700, bodyTimeout: 700 },
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  await Promise.all([plain.close(), secure.close()]);
});

const recorderOf = (side: Side): Recorder => (side === 'plain' ? plain : secure);
const authorityOf = (side: Side): string => `ok.test:${recorderOf(side).port}`;
const open = (side: Side): Promise<Socket> =>
  side === 'plain' ? dialProxy(rig.port) : tlsThrough(rig.port, authorityOf(side), { ca: rig.ca });

function requestOf(side: Side, path: string, { method = 'GET', version = '1.1', extra = '' } = {}): string {
  const authority = authorityOf(side);
  const target = side === 'plain' ? `http://${authority}${path}` : path;
  return `${method} ${target} HTTP/${version}\r\nHost: ${authority}\r\n${extra}`;
}

/** What came, and whether the connection was reset rather than ended. */
async function listen(socket: Socket): Promise<{ text: string; reset: boolean }> {
  let reset = false;
  socket.on('error', () => {
    reset = true;
  });
  return { text: await readAll(socket), reset };
}

/** The one line of the request for a path that was asked for once. */
async function entryOf(path: string): Promise<Entry> {
  let found: Entry[] = [];
  for (const end = performance.now() + 5_000; found.length === 0 && performance.now() < end; ) {
    found = (await rig.entries(0)).filter((entry) => String(entry['url']).endsWith(path));
    if (found.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(found).toHaveLength(1);
  return found[0] ?? {};
}

/** A request that has nothing to do with what went before is answered with its own path. */
async function expectGoodOrder(side: Side): Promise<void> {
  recorderOf(side).answer = plainAnswer;
  const path = `/own-${Math.random()}`;
  const socket = await open(side);
  socket.write(`${requestOf(side, path)}Connection: close\r\n\r\n`);
  const { messages } = readReplies((await listen(socket)).text, [], true);
  expect(messages.map(({ line, body }) => [line, body])).toEqual([['HTTP/1.1 200 OK', path]]);
}

describe.each(SIDES)('a bad reply (%s)', (side) => {
  test.each(BAD_REPLIES)('$id: $name', async ({ input, expected }) => {
    const { bytes, after, method = 'GET', version = '1.1' } = input;
    const recorder = recorderOf(side);
    recorder.answer = (_request, socket) => {
      if (after === 'end') socket.end(bytes, 'latin1');
      else socket.write(bytes, 'latin1', () => void (after === 'reset' && socket.destroy()));
    };
    const path = `/bad-${Math.random()}`;
    const socket = await open(side);
    socket.write(`${requestOf(side, path, { method, version })}Connection: close\r\n\r\n`);
    const { text, reset } = await listen(socket);
    const { messages, rest } = readReplies(text, [method], !reset);
    const entry = await entryOf(path);
    const got = messages[0] && rest === '' ? Number(messages[0].line.slice(9, 12)) : 'cut';
    if (expected.got === '502 or cut') expect([502, 'cut']).toContain(got);
    else expect(got).toBe(expected.got);
    // Without a length or chunks, only a reset tells the end of the connection from the end of the reply.
    if (version === '1.0') expect(reset).toBe(true);
    if (expected.body !== undefined) expect(messages[0]?.body).toBe(expected.body);
    if (got === 'cut') expect(entry).toMatchObject({ outcome: 'aborted', tag: 'TCP_MISS_ABORTED' });
    else if (got === 502 || got === 504) expect(entry).toMatchObject({ outcome: 'failed', status: got });
    else expect(entry).toMatchObject({ outcome: 'forwarded', status: got });
    await expectGoodOrder(side);
  });
});

describe('RESP-03: a reply that is broken off at each of its bytes', () => {
  const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const head = whole.length - 2;
  test.each(['ended', 'reset'])('is never taken for whole (%s)', async (how) => {
    const wrong: string[] = [];
    for (let at = 0; at < whole.length; at += 1) {
      plain.answer = (_request, socket) => {
        if (how === 'ended') socket.end(whole.slice(0, at));
        else socket.write(whole.slice(0, at), () => socket.resetAndDestroy());
      };
      const socket = await dialProxy(rig.port);
      socket.write(`${requestOf('plain', '/cut')}Connection: close\r\n\r\n`);
      const { text } = await listen(socket);
      const { messages, rest } = readReplies(text, [], false);
      const status = messages[0]?.line.slice(9, 12);
      const right =
        status === '502' || (at >= head && messages.length === 0 && (rest === '' || rest.startsWith('HTTP/1.1 200')));
      if (!right) wrong.push(`${at}: ${JSON.stringify(text)}`);
    }
    expect(wrong).toEqual([]);
    await expectGoodOrder('plain');
  });
});

describe('RESP-06: an origin that drips', () => {
  test.each([
    ['its header', 'HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n', 504],
    ['interim replies', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10), 504],
  ])('%s is given up', async (_what, bytes, status) => {
    plain.answer = (_request, socket) => {
      let at = 0;
      const timer = setInterval(() => {
        at += 1;
        if (at < bytes.length && !socket.destroyed) socket.write(bytes.slice(at - 1, at));
        else clearInterval(timer);
      }, 60);
      socket.once('close', () => clearInterval(timer));
    };
    const begin = performance.now();
    const socket = await dialProxy(rig.port);
    socket.write(`${requestOf('plain', '/drip')}Connection: close\r\n\r\n`);
    const { text } = await listen(socket);
    expect(Number(text.slice(9, 12))).toBe(status);
    expect(performance.now() - begin).toBeLessThan(4_000);
    await expectGoodOrder('plain');
  });
});

describe.each(SIDES)('POOL-01: an origin that logs in the connection, not the request (%s)', (side) => {
  /** As IIS does with NTLM: what came with credentials once needs none any more. */
  function logInConnections(): void {
    const users = new WeakMap<Socket, string>();
    recorderOf(side).answer = (request, socket) => {
      const user = request.fields.find(([name]) => name.toLowerCase() === 'authorization')?.[1]?.split(' ')[1];
      if (user) users.set(socket, user);
      const body = `<${users.get(socket) ?? 'nobody'}>`;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    };
  }

  test.each(['NTLM', 'Negotiate', 'negotiate'])(
    '%s: nobody else gets the connection, and its user keeps it',
    async (scheme) => {
      logInConnections();
      const [alice, bob] = [await open(side), await open(side)];
      const ask = async (socket: Socket, extra = ''): Promise<string> => {
        socket.write(`${requestOf(side, '/', { extra })}\r\n`);
        return /<\w+>/.exec(await readUntil(socket, '>'))?.[0] ?? '';
      };
      expect(await ask(bob)).toBe('<nobody>');
      expect(await ask(alice, `Authorization: ${scheme} alice\r\n`)).toBe('<alice>');
      expect(await ask(bob)).toBe('<nobody>');
      expect(await ask(alice)).toBe('<alice>');
      expect(await ask(bob, `Authorization: ${scheme} bob\r\n`)).toBe('<bob>');
      expect([await ask(alice), await ask(bob)]).toEqual(['<alice>', '<bob>']);
      alice.destroy();
      bob.destroy();
      const third = await open(side);
      expect(await ask(third)).toBe('<nobody>');
      third.destroy();
    },
  );

  test('its connection ends with the client', async () => {
    logInConnections();
    const alice = await open(side);
    const closed = new Promise<void>((resolve) => {
      const { answer } = recorderOf(side);
      recorderOf(side).answer = (request, socket) => {
        socket.once('close', resolve);
        answer(request, socket);
      };
    });
    alice.write(`${requestOf(side, '/', { extra: 'Authorization: NTLM alice\r\n' })}\r\n`);
    await readUntil(alice, '<alice>');
    alice.destroy();
    await closed;
  });
});

describe.each(SIDES)('POOL-03: what comes on an idle connection (%s)', (side) => {
  test.each(['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil', 'x'])('%j ends it', async (extra) => {
    const recorder = recorderOf(side);
    recorder.answer = plainAnswer;
    const socket = await open(side);
    socket.write(`${requestOf(side, '/first')}\r\n`);
    await readUntil(socket, '/first');
    recorder.push(extra);
    // On the wire before the next request, as far as loopback can tell.
    await new Promise((resolve) => setTimeout(resolve, 30));
    const accepted = recorder.accepted;
    socket.write(`${requestOf(side, '/second')}Connection: close\r\n\r\n`);
    const { messages } = readReplies((await listen(socket)).text, [], true);
    expect(messages.map(({ body }) => body)).toEqual(['/second']);
    // What was pushed may have come to a connection of the other worker.
    if (WORKERS === 1) expect(recorder.accepted).toBe(accepted + 1);
  });
});

describe('POOL-04: an origin that closes the connection as it is used again', () => {
  test('a GET is tried once more, a POST is not; no body goes astray', async () => {
    plain.forget();
    const served = new WeakMap<Socket, number>();
    plain.answer = (request: ReadMessage, socket) => {
      const count = (served.get(socket) ?? 0) + 1;
      served.set(socket, count);
      if (count % 2 === 0) socket.destroy();
      else plainAnswer(request, socket);
    };
    const socket = await dialProxy(rig.port);
    const wrong: string[] = [];
    let failedPosts = 0;
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    for (let i = 0; i < 200; i += 1) {
      text = '';
      const post = i % 4 === 3;
      socket.write(
        post
          ? `${requestOf('plain', `/${i}`, { method: 'POST', extra: 'Content-Length: 2\r\n' })}\r\nhi`
          : `${requestOf('plain', `/${i}`)}\r\n`,
      );
      await until(() => readReplies(text, [], false).messages.length > 0, `the reply to ${i}`);
      const [reply] = readReplies(text, [], false).messages;
      if (post && reply?.line.startsWith('HTTP/1.1 502')) failedPosts += 1;
      else if (reply?.body !== `/${i}`) wrong.push(`${i}: ${reply?.line}`);
    }
    socket.destroy();
    expect(wrong).toEqual([]);
    const posts = plain.conversations.join('').match(/POST \/\d+ /g) ?? [];
    expect(posts).toHaveLength(50);
    expect(new Set(posts).size).toBe(50);
    expect(failedPosts).toBeGreaterThan(0);
    await expectGoodOrder('plain');
  });
});

describe('HTTP-06: Expect: 100-continue', () => {
  const ask = (path: string): string =>
    `${requestOf('plain', path, { method: 'POST', extra: 'Expect: 100-continue\r\nContent-Length: 5\r\n' })}Connection: close\r\n\r\n`;

  test('is answered by us when the origin does not say a word, and the body then goes on', async () => {
    plain.forget();
    plain.answer = plainAnswer;
    const socket = await dialProxy(rig.port);
    socket.write(ask('/continue'));
    expect(await readUntil(socket, '\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('hello');
    expect((await listen(socket)).text).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\/continue$/);
    expect(plain.bytes()).toMatch(/\r\nExpect: 100-continue\r\n/);
  });

  test('is answered by the origin, and no body is asked for before', async () => {
    plain.forget();
    plain.answer = plainAnswer;
    const socket = await dialProxy(rig.port);
    let got = '';
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1');
    });
    socket.write(ask('/go-on'));
    await until(() => plain.bytes().endsWith('\r\n\r\n'), 'the header');
    expect(got).toBe('');
    plain.push('HTTP/1.1 100 Go on\r\nX-A: b\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n');
    await until(() => got !== '', 'a word');
    socket.write('hello');
    await until(() => socket.closed || got.includes('/go-on'), 'the reply');
    expect(got).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(plain.bytes()).toMatch(/\r\nExpect: 100-continue\r\n.*\r\n\r\nhello$/s);
  });

  test('of HTTP/1.0, or without a body, is none', async () => {
    plain.forget();
    plain.answer = plainAnswer;
    const old = await dialProxy(rig.port);
    old.write(
      `${requestOf('plain', '/old', { method: 'POST', version: '1.0', extra: 'Expect: 100-continue\r\nContent-Length: 5\r\n' })}\r\nhello`,
    );
    expect((await listen(old)).text).toMatch(/^HTTP\/1\.1 200 OK/);
    const bare = await dialProxy(rig.port);
    bare.write(`${requestOf('plain', '/bare', { extra: 'Expect: 100-continue\r\n' })}Connection: close\r\n\r\n`);
    expect((await listen(bare)).text).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(plain.bytes()).not.toMatch(/expect/i);
  });

  test.each(['417 Expectation Failed', '401 Unauthorized'])(
    'an origin that says %s is relayed, without a 100',
    async (status) => {
      plain.forget();
      plain.answer = plainAnswer;
      const socket = await dialProxy(rig.port);
      socket.write(ask('/no'));
      await until(() => plain.bytes().endsWith('\r\n\r\n'), 'the header');
      plain.push(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
      expect((await listen(socket)).text).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n`));
      await expectGoodOrder('plain');
    },
  );

  test('that is denied gets no 100', async () => {
    const socket = await dialProxy(rig.port);
    socket.write('POST http://no.test/ HTTP/1.1\r\nHost: no.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    expect((await listen(socket)).text).toMatch(/^HTTP\/1\.1 403 /);
  });

  test.each(['417 Expectation Failed', '200 OK'])(
    'an origin that says %s before the body is relayed, and not used again',
    async (status) => {
      plain.forget();
      const socket = await dialProxy(rig.port);
      socket.write(`${ask('/early')}he`);
      await until(() => plain.bytes().endsWith('he'), 'half of the body');
      plain.push(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
      expect((await listen(socket)).text).toContain(`HTTP/1.1 ${status}\r\n`);
      plain.forget();
      await expectGoodOrder('plain');
      expect(plain.bytes()).toMatch(/^GET \/own/);
    },
  );

  test('a client that never sends the body is answered 408', async () => {
    const socket = await dialProxy(rig.port);
    socket.write(ask('/never'));
    expect((await listen(socket)).text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 408 /);
    await expectGoodOrder('plain');
  });
});

describe('HTTP-12: one half of a connection', () => {
  test('ended by the client behind its request: the reply comes whole', async () => {
    plain.answer = (request, socket) => void setTimeout(() => plainAnswer(request, socket), 100);
    const socket = await dialProxy(rig.port);
    socket.end(`${requestOf('plain', '/half')}Connection: close\r\n\r\n`);
    expect((await listen(socket)).text).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\/half$/);
  });

  test('ended by the origin behind its reply: the next request has a connection of its own', async () => {
    plain.answer = (_request, socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf');
    const socket = await dialProxy(rig.port);
    socket.write(`${requestOf('plain', '/a')}Connection: close\r\n\r\n`);
    expect((await listen(socket)).text).toMatch(/\r\n\r\nhalf$/);
    await expectGoodOrder('plain');
  });

  test.each(['client', 'origin'])('of a tunnel ended by the %s: the other one goes on', async (who) => {
    const upstream = Promise.withResolvers<Socket>();
    const { tcpOrigin } = await import('../support/origin.ts');
    const origin = await tcpOrigin((socket) => upstream.resolve(socket));
    const tunnels = await openRig({
      hosts: { 'raw.test': '127.0.0.1' },
      policy: { rules: [{ name: 'raw', hosts: ['raw.test'], action: 'allow', tls: 'tunnel' }] },
    });
    const { socket } = await connectThrough(tunnels.port, `raw.test:${origin.port}`);
    socket.write('\x01first');
    const far = await upstream.promise;
    const [ending, other] = who === 'client' ? [socket, far] : [far, socket];
    const atOther = readAll(other);
    const atEnding = readAll(ending);
    ending.end('last');
    expect(await atOther).toMatch(/last$/);
    other.write('still ');
    other.end('here');
    expect(await atEnding).toMatch(/still here$/);
    await tunnels.proxy.close(0);
    await origin.close();
  });
});
