// Whoever keeps us waiting is let go: each silence and each dripping of a peer ends at its own deadline, with its line, and
// the connection is closed, whether the client closes its side or not.

import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { catchHello } from '../support/client-hello.ts';
import { httpOrigin, httpsOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import {
  connectThrough,
  dialProxy,
  type Entry,
  openRig,
  type Rig,
  readUntil,
  tlsThrough,
  until,
} from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const LIMITS = {
  headerTimeout: 1_200,
  handshakeTimeout: 400,
  bodyTimeout: 350,
  responseTimeout: 700,
  keepAliveTimeout: 300,
  tunnelIdleTimeout: 400,
};
/** An overdue header is looked for once in a second. */
const OVERDUE_CHECK = 1_000;
/** Node adds this to the keep-alive it tells the client. */
const KEEP_ALIVE_BUFFER = 1_000;
/** A client that has our last words and does not close its side is given this. */
const LINGER = 2_000;
/** For a busy machine. */
const MARGIN = 1_000;
const DRIP = 100;

interface Case {
  readonly name: string;
  readonly limit: number;
  /** Milliseconds it may take beyond the limit. */
  readonly beyond?: number;
  readonly lines: readonly Entry[];
  readonly act: () => Promise<unknown>;
}

const ca = new TestCa();
let rig: Rig;
let origins: { secure: Origin; plain: Origin; mute: Origin; gush: Origin };
let hello: Buffer;
let spliceHello: Buffer;

beforeAll(async () => {
  const answer: Parameters<typeof httpOrigin>[0] = (request, response) => {
    if (request.url === '/endless') {
      const more = (): void => {
        while (response.writable && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    } else if (request.method === 'GET') response.end('ok');
  };
  origins = {
    secure: await httpsOrigin(ca.leaf({ san: 'DNS:bump.test' }), answer),
    plain: await httpOrigin(answer),
    gush: await tcpOrigin((socket) => socket.resume().write(Buffer.alloc(64 << 20))),
    mute: await tcpOrigin((socket) => void socket.once('data', () => socket.write('x')).pause()),
  };
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'bump.test': '127.0.0.1', 'splice.test': '127.0.0.1', 'tunnel.test': '127.0.0.1' },
    policy: {
      rules: [
        { name: 'bump', hosts: ['bump.test'], action: 'allow', tls: 'bump' },
        { name: 'splice', hosts: ['splice.test'], action: 'allow', tls: 'splice' },
        { name: 'tunnel', hosts: ['tunnel.test'], action: 'allow', tls: 'tunnel' },
      ],
    },
    limits: LIMITS,
  });
  const helloTo = (servername: string): Promise<Buffer> =>
    catchHello((port) => void connectTls({ port, servername }).on('error', () => undefined));
  hello = await helloTo('bump.test');
  spliceHello = await helloTo('splice.test');
});
afterAll(async () => {
  await rig.proxy.close(0);
  await Promise.all(Object.values(origins).map((origin) => origin.close()));
});

const IDLE = { tag: 'TCP_TUNNEL_TIMEDOUT', outcome: 'timed_out', status: 200 };
const CUT = { outcome: 'timed_out', status: 408, error: 'request-timeout' };
const BUMPED = { method: 'CONNECT', outcome: 'bumped' };
const NO_HELLO = { method: 'CONNECT', outcome: 'timed_out', status: 200, error: 'hello-timeout' };

/** The two ways to where requests are heard. */
const WAYS = [
  {
    where: 'on the own port',
    before: [],
    base: () => `http://bump.test:${origins.plain.port}`,
    open: () => dialProxy(rig.port),
  },
  { where: 'inside a bumped tunnel', before: [BUMPED], base: () => '', open: () => inside() },
] as const;

const inside = (): Promise<Socket> => tlsThrough(rig.port, `bump.test:${origins.secure.port}`, { ca: rig.ca });
const authority = (base: string): string => base.slice('http://'.length) || `bump.test:${origins.secure.port}`;

async function connectAndSay(host: string, origin: Origin, bytes: string | Buffer): Promise<Socket> {
  const { socket } = await connectThrough(rig.port, `${host}:${origin.port}`);
  socket.write(bytes);
  return socket;
}

/** One byte after the other, and never the end of the header; `stubborn`: nor the end of its side of the connection. */
function drip(socket: Socket, { stubborn }: { stubborn: boolean }): void {
  const text = 'GET / HTTP/1.1\r\nX: ';
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++] ?? 'x'), DRIP);
  socket.once('close', () => clearInterval(timer)).resume();
  onTestFinished(() => clearInterval(timer));
  if (!stubborn) socket.once('end', () => socket.destroy());
}

const CASES: readonly Case[] = [
  {
    name: 'a client that says nothing at all',
    limit: LIMITS.headerTimeout,
    lines: [{ outcome: 'no_request', error: 'request-timeout' }],
    act: () => dialProxy(rig.port),
  },
  {
    name: 'a client of the own TLS port with half a ClientHello',
    limit: LIMITS.handshakeTimeout,
    lines: [{ outcome: 'no_request', error: 'hello-timeout' }],
    act: async () => (await dialProxy(rig.port)).write(hello.subarray(0, 50)),
  },
  {
    name: 'a client of the own TLS port that does not go on with its handshake',
    limit: LIMITS.handshakeTimeout,
    lines: [{ outcome: 'timed_out', error: 'client-tls' }],
    act: async () => (await dialProxy(rig.port)).write(hello),
  },
  ...(['bump.test', 'splice.test'] as const).flatMap((host) => [
    {
      name: `a CONNECT to ${host} and then silence`,
      limit: LIMITS.handshakeTimeout,
      lines: [NO_HELLO],
      act: () => connectAndSay(host, origins.secure, ''),
    },
    {
      name: `a CONNECT to ${host} and then half a ClientHello`,
      limit: LIMITS.handshakeTimeout,
      lines: [NO_HELLO],
      act: () => connectAndSay(host, origins.secure, hello.subarray(0, 50)),
    },
  ]),
  {
    name: 'a ClientHello in a tunnel, byte by byte',
    limit: LIMITS.handshakeTimeout,
    lines: [NO_HELLO],
    act: async () => {
      const socket = await connectAndSay('bump.test', origins.secure, hello.subarray(0, 1));
      let at = 1;
      const timer = setInterval(() => socket.write(hello.subarray(at++, at)), DRIP);
      onTestFinished(() => clearInterval(timer));
    },
  },
  {
    name: 'a client that does not go on with its handshake in a tunnel',
    limit: LIMITS.handshakeTimeout,
    lines: [{ method: 'CONNECT', outcome: 'timed_out', error: 'client-tls' }],
    act: () => connectAndSay('bump.test', origins.secure, hello),
  },
  {
    name: 'a spliced tunnel in which nobody says anything',
    limit: LIMITS.tunnelIdleTimeout,
    beyond: LIMITS.tunnelIdleTimeout / 4,
    lines: [IDLE],
    act: () => connectAndSay('splice.test', origins.mute, spliceHello),
  },
  {
    name: 'a tunnel without TLS in which nobody says anything',
    limit: LIMITS.tunnelIdleTimeout,
    beyond: LIMITS.tunnelIdleTimeout / 4,
    lines: [{ method: 'CONNECT', outcome: 'tunnelled' }, IDLE],
    act: () => connectAndSay('tunnel.test', origins.mute, 'SSH-2.0-x\r\n'),
  },
  {
    name: 'a reader that takes nothing of a spliced tunnel',
    limit: LIMITS.tunnelIdleTimeout,
    beyond: LIMITS.tunnelIdleTimeout / 4,
    lines: [IDLE],
    act: () => connectAndSay('splice.test', origins.gush, spliceHello),
  },
  {
    name: 'a bumped tunnel without a request',
    limit: LIMITS.headerTimeout,
    beyond: OVERDUE_CHECK,
    lines: [BUMPED],
    act: inside,
  },
  ...WAYS.flatMap(({ where, before, base, open }): Case[] => [
    {
      name: `a header that comes byte by byte, ${where}`,
      limit: LIMITS.headerTimeout,
      beyond: OVERDUE_CHECK + LINGER,
      lines: [...before, CUT],
      act: async () => drip(await open(), { stubborn: true }),
    },
    {
      name: `the header of a further request that comes byte by byte, ${where}`,
      limit: LIMITS.headerTimeout,
      beyond: OVERDUE_CHECK,
      lines: [...before, { outcome: 'forwarded' }, CUT],
      act: async () => {
        const socket = await open();
        socket.write(`GET ${base()}/ HTTP/1.1\r\nHost: ${authority(base())}\r\n\r\n`);
        await readUntil(socket, '\r\n\r\nok');
        drip(socket, { stubborn: false });
      },
    },
    {
      name: `a body that stalls, ${where}`,
      limit: LIMITS.bodyTimeout,
      lines: [...before, { method: 'POST', outcome: 'failed', status: 408, error: 'request-timeout' }],
      act: async () =>
        (await open()).write(`POST ${base()}/ HTTP/1.1\r\nHost: ${authority(base())}\r\nContent-Length: 10\r\n\r\nabc`),
    },
    {
      name: `a reader that takes nothing of its reply, ${where}`,
      limit: LIMITS.bodyTimeout,
      lines: [...before, { method: 'GET', outcome: 'aborted', error: 'client-aborted' }],
      act: async () => (await open()).write(`GET ${base()}/endless HTTP/1.1\r\nHost: ${authority(base())}\r\n\r\n`),
    },
    {
      name: `a client without a further request, ${where}`,
      limit: LIMITS.keepAliveTimeout,
      beyond: KEEP_ALIVE_BUFFER,
      lines: [...before, { outcome: 'forwarded' }],
      act: async () => {
        const socket = await open();
        socket.write(`GET ${base()}/ HTTP/1.1\r\nHost: ${authority(base())}\r\n\r\n`);
        await readUntil(socket, '\r\n\r\nok');
      },
    },
    {
      name: `an upload that the origin does not take, ${where}`,
      limit: LIMITS.responseTimeout,
      // The client is told by a page, and then our end is not awaited any more.
      beyond: LIMITS.responseTimeout,
      lines: [...before, { method: 'POST', outcome: 'failed', status: 504, error: 'response-timeout' }],
      act: async () => {
        const socket = await open();
        socket.write(`POST ${base()}/ HTTP/1.1\r\nHost: ${authority(base())}\r\nContent-Length: ${64 << 20}\r\n\r\n`);
        socket.resume().write(Buffer.alloc(64 << 20));
      },
    },
  ]),
];

describe('DOS-02: at its deadline we let go of', () => {
  test.each(CASES)('$name', async ({ limit, beyond = 0, lines, act }) => {
    await until(() => rig.proxy.connections === 0, 'the connections of before to be closed');
    const before = (await rig.entries(0)).length;
    const begin = performance.now();
    await act();
    const waiting = performance.now();
    while (rig.proxy.connections > 0 && performance.now() - waiting < limit + beyond + MARGIN) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const end = performance.now();
    expect(rig.proxy.connections).toBe(0);
    expect(end - begin).toBeGreaterThanOrEqual(limit);
    const told = (await rig.entries(before + lines.length)).slice(before);
    expect(told).toMatchObject(lines);
  });

  test('a client that asks for page after page of ours and takes none', async () => {
    await until(() => rig.proxy.connections === 0, 'the connections of before to be closed');
    const socket = await dialProxy(rig.port);
    // Thousands are answered before the system's own buffers are full.
    socket.write('GET http://sallyport.internal/ca.pem HTTP/1.1\r\nHost: sallyport.internal\r\n\r\n'.repeat(20_000));
    await expect.poll(() => rig.proxy.connections, { timeout: 10_000 }).toBe(0);
    await expect.poll(async () => (await rig.entries(0)).at(-1)).toMatchObject({ outcome: 'aborted' });
  });

  test('a client that brings its body a byte at a time, too slowly though never silent', async () => {
    await until(() => rig.proxy.connections === 0, 'the connections of before to be closed');
    const before = (await rig.entries(0)).length;
    const socket = await dialProxy(rig.port);
    const drained = await tcpOrigin((socket) => void socket.resume());
    onTestFinished(() => drained.close());
    const host = `bump.test:${drained.port}`;
    socket.write(`POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000\r\n\r\n`);
    const timer = setInterval(() => socket.write('x'), LIMITS.bodyTimeout / 10);
    socket.resume();
    await until(() => rig.proxy.connections === 0, 'it to be cut');
    clearInterval(timer);
    const [entry] = (await rig.entries(before + 1)).slice(before);
    expect(entry).toMatchObject({ method: 'POST', error: 'request-timeout', status: 408 });
    expect(entry?.['error_detail']).toBe('Its body comes too slowly.');
  });
});
