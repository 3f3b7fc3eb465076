// Requests that mean harm, on the proxy's own port and inside bumped tunnels: what is refused leaves no byte upstream and
// one line in the log; what is passed on arrives framed anew.

import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dialProxy, openRig, type Rig, readAll, readUntil, tlsThrough, until, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { type ReadMessage, readReplies, valuesIn } from './read-messages.ts';
import { plainAnswer, type Recorder, record } from './recorder.ts';
import { MALFORMED_REQUESTS } from './tables/malformed-requests.ts';
import { EXCHANGES, type Exchange } from './tables/requests.ts';
import { fill } from './tables/row.ts';

const SIDES = ['plain', 'tunnel'] as const;
type Side = (typeof SIDES)[number];

const ca = new TestCa();
let plain: Recorder;
let secure: Recorder;
let rig: Rig;
let lines = 0;

beforeAll(async () => {
  plain = await record('127.0.0.2');
  secure = await record('127.0.0.2', ca.leaf({ san: 'DNS:ok.test' }));
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.2' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
    limits: { headerTimeout: 2_000, bodyTimeout: 2_000, responseTimeout: 2_000 },
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  await Promise.all([plain.close(), secure.close()]);
});

const recorderOf = (side: Side): Recorder => (side === 'plain' ? plain : secure);
const placesOf = (side: Side) => {
  const authority = `ok.test:${recorderOf(side).port}`;
  return { H: authority, U: side === 'plain' ? `http://${authority}` : '', S: side === 'plain' ? 'http' : 'https' };
};

/** A connection that takes requests: to the port itself, or through a bumped tunnel, whose line is awaited by `told`. */
function open(side: Side): Promise<Socket> {
  return side === 'plain' ? dialProxy(rig.port) : tlsThrough(rig.port, placesOf(side).H, { ca: rig.ca });
}

/** The entries of requests since the last call, once there are `count`; those of CONNECTs are left out. */
async function told(count: number, side: Side): Promise<Record<string, unknown>[]> {
  const wanted = lines + count + (side === 'tunnel' ? 1 : 0);
  const all = await rig.entries(wanted);
  const fresh = all.slice(lines);
  lines = all.length;
  return fresh.filter((entry) => !(entry['method'] === 'CONNECT' && entry['outcome'] === 'bumped'));
}

describe.each(SIDES)('SMUG-01/02: a malformed request (%s)', (side) => {
  test.each(MALFORMED_REQUESTS)('$area: $name', async ({ input, expected }) => {
    const recorder = recorderOf(side);
    recorder.forget();
    const socket = await open(side);
    socket.write(Buffer.from(fill(input, placesOf(side)), 'latin1'));
    const reply = await readAll(socket);
    socket.destroy();
    expect(expected).toContain(Number(/^HTTP\/1\.1 (\d{3}) /.exec(reply)?.[1]));
    expect(readReplies(reply, [], true)).toMatchObject({ messages: [{}], rest: '', problem: undefined });
    const entries = await told(1, side);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ outcome: 'malformed', hierarchy: 'HIER_NONE' });
    expect(recorder.bytes()).toBe('');
  });

  test('of each kind left the proxy in good order, and no line came late', async () => {
    const { H, U } = placesOf(side);
    const socket = await open(side);
    socket.write(`GET ${U}/clean HTTP/1.1\r\nHost: ${H}\r\nConnection: close\r\n\r\n`);
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 200 [\s\S]*\/clean$/);
    expect(await told(1, side)).toHaveLength(1);
    expect(new Set(MALFORMED_REQUESTS.map(({ input }) => input)).size).toBeGreaterThanOrEqual(63);
  });
});

/** A request as the origin got it, in short: its line, its body, and the fields a case asks for. */
const brief = ({ line, body, trailers }: ReadMessage): string =>
  [line, ...(body === '' ? [] : [body]), ...trailers].join(' | ');

describe.each(SIDES)('an exchange (%s)', (side) => {
  const cases = EXCHANGES.filter(({ input }) => input.only === undefined || input.only === side);
  test.each(cases)('$id: $name', async ({ input, expected }: Exchange) => {
    const recorder = recorderOf(side);
    const places = placesOf(side);
    recorder.forget();
    recorder.answer = input.answer
      ? (_request, socket) => void socket.write(input.answer ?? '', 'latin1')
      : plainAnswer;
    const socket = await open(side);
    socket.write(Buffer.from(fill(input.bytes, places), 'latin1'));
    const text = await readAll(socket);
    socket.destroy();
    const replies = readReplies(text, input.methods ?? [], true);
    expect(replies).toMatchObject({ rest: '', problem: undefined });
    expect(replies.messages.map(({ line }) => Number(line.slice(9, 12)))).toEqual(expected.statuses);
    const got = recorder.requests();
    expect(got.map(brief)).toEqual(expected.upstream);
    for (const [name, values] of Object.entries(expected.fields ?? {})) {
      expect([name, got[0] ? valuesIn(got[0], name) : []]).toEqual([name, values.map((value) => fill(value, places))]);
    }
    for (const [name, values] of Object.entries(expected.replyFields ?? {})) {
      const last = replies.messages.at(-1);
      expect([name, last ? valuesIn(last, name) : []]).toEqual([name, values]);
    }
    if (expected.replyTrailers) expect(replies.messages.at(-1)?.trailers).toEqual(expected.replyTrailers);
    expect((await told(expected.statuses.length, side)).map(({ status }) => status)).toEqual(expected.statuses);
    recorder.answer = plainAnswer;
  });
});

describe('a long conversation', () => {
  test('HTTP-10: 1,000 pipelined requests, mixed sizes and denials, are done and answered in order, one line each', async () => {
    plain.forget();
    const { H } = placesOf('plain');
    const requests = Array.from({ length: 1_000 }, (_, i) => {
      const host = i % 7 === 3 ? 'no.test' : H;
      const body = i % 5 === 1 && host === H ? 'x'.repeat(i) : '';
      const end = i === 999 ? 'Connection: close\r\n' : '';
      return {
        host,
        body,
        bytes: `POST http://${host}/${i} HTTP/1.1\r\nHost: ${host}\r\n${end}Content-Length: ${body.length}\r\n\r\n${body}`,
      };
    });
    const socket = await dialProxy(rig.port);
    const all = readAll(socket);
    socket.write(requests.map(({ bytes }) => bytes).join(''));
    const { messages, rest } = readReplies(await all, [], true);
    expect(rest).toBe('');
    expect(messages.map(({ line, body }) => (line.startsWith('HTTP/1.1 200') ? body : line.slice(9, 12)))).toEqual(
      requests.map(({ host }, i) => (host === H ? `/${i}` : '403')),
    );
    expect((await told(1_000, 'plain')).map(({ url }) => url)).toEqual(
      requests.map(({ host }, i) => `http://${host}/${i}`),
    );
    // In their order at the origin too, since each waited for the reply to the one before.
    expect(plain.requests().map(brief)).toEqual(
      requests.flatMap(({ host, body }, i) =>
        host === H ? [brief({ line: `POST /${i} HTTP/1.1`, body, fields: [], trailers: [] })] : [],
      ),
    );
  });

  test('SMUG-01: what is malformed behind a slow request is answered behind its reply', async () => {
    plain.forget();
    const { H, U } = placesOf('plain');
    plain.answer = (request, socket) => void setTimeout(() => plainAnswer(request, socket), 100);
    const socket = await dialProxy(rig.port);
    const all = readAll(socket);
    socket.write(
      `POST ${U}/slow HTTP/1.1\r\nHost: ${H}\r\nContent-Length: 2\r\n\r\nhiGET  ${U}/x HTTP/1.1\r\nHost: ${H}\r\n\r\n`,
    );
    socket.write('\x01garbage\r\n\r\n');
    socket.write('and more of it');
    const { messages } = readReplies(await all, [], true);
    expect(messages.map(({ line }) => line.slice(9, 12))).toEqual(['200', '400']);
    expect((await told(2, 'plain')).map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(plain.requests().map(brief)).toEqual(['POST /slow HTTP/1.1 | hi']);
    plain.answer = plainAnswer;
  });

  test('SMUG-01: garbage behind a slow request, in many pieces, has one answer and one line', async () => {
    const { H, U } = placesOf('plain');
    plain.answer = (request, socket) => void setTimeout(() => plainAnswer(request, socket), 100);
    const socket = await dialProxy(rig.port);
    const all = readAll(socket);
    socket.write(`GET ${U}/slow HTTP/1.1\r\nHost: ${H}\r\n\r\n`);
    for (let i = 0; i < 5; i += 1) {
      socket.write('\x01\x02\r\n\r\n');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(readReplies(await all, [], true).messages.map(({ line }) => line.slice(9, 12))).toEqual(['200', '400']);
    const socketTwo = await dialProxy(rig.port);
    socketTwo.end(`GET ${U}/clean HTTP/1.1\r\nHost: ${H}\r\nConnection: close\r\n\r\n`);
    await readAll(socketTwo);
    expect((await told(3, 'plain')).map(({ status }) => status)).toEqual([200, 400, 200]);
    plain.answer = plainAnswer;
  });

  test('FRONT-06: a CONNECT behind a slow request opens its tunnel behind the reply', async () => {
    const { H, U } = placesOf('plain');
    plain.answer = (request, socket) => void setTimeout(() => plainAnswer(request, socket), 100);
    const socket = await dialProxy(rig.port);
    socket.write(
      `GET ${U}/slow HTTP/1.1\r\nHost: ${H}\r\n\r\nCONNECT ok.test:${secure.port} HTTP/1.1\r\nHost: ok.test:${secure.port}\r\n\r\n`,
    );
    expect(await readUntil(socket, '/slow')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await readUntil(socket, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 Connection established/);
    socket.destroy();
    await told(2, 'plain');
    plain.answer = plainAnswer;
  });
});

describe('SMUG-07: a large body that is not wanted', () => {
  test('behind a denial is not read, and the connection is closed', async () => {
    const socket = await dialProxy(rig.port);
    const all = readAll(socket);
    let sent = 0;
    socket.write('POST http://no.test/ HTTP/1.1\r\nHost: no.test\r\nContent-Length: 104857600\r\n\r\n');
    const piece = Buffer.alloc(65_536);
    const push = (): void => {
      while (sent < 104_857_600 && !socket.destroyed && socket.writable) {
        sent += piece.length;
        if (!socket.write(piece)) return;
      }
    };
    socket.on('drain', push);
    push();
    expect(await all).toMatch(/^HTTP\/1\.1 403 [\s\S]*Connection: close/);
    expect(sent).toBeLessThan(20_000_000);
    socket.destroy();
    expect(await told(1, 'plain')).toHaveLength(1);
  });

  test('by an origin that answers at once ends both connections', async () => {
    plain.forget();
    const { H, U } = placesOf('plain');
    const early = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n';
    const accepted = plain.accepted;
    const socket = await dialProxy(rig.port);
    const all = readAll(socket);
    socket.write(`POST ${U}/early HTTP/1.1\r\nHost: ${H}\r\nContent-Length: 104857600\r\n\r\n${'x'.repeat(100_000)}`);
    await until(() => plain.bytes().includes('xxxx'), 'the body at the origin');
    plain.push(early);
    expect(await all).toMatch(/^HTTP\/1\.1 413 [\s\S]*Connection: close/);
    expect(await told(1, 'plain')).toMatchObject([{ status: 413 }]);
    plain.forget();
    // Whoever comes next gets another connection: on that one the origin still waits for the body.
    const next = await dialProxy(rig.port);
    next.write(`GET ${U}/next HTTP/1.1\r\nHost: ${H}\r\nConnection: close\r\n\r\n`);
    expect(await readAll(next)).toMatch(/\/next$/);
    // Another worker may have one of its own that is idle.
    if (WORKERS === 1) expect(plain.accepted).toBeGreaterThan(accepted);
    expect(plain.bytes()).toMatch(/^GET \/next HTTP\/1\.1\r\n/);
    await told(1, 'plain');
  });
});
