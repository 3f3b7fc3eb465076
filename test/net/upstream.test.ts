// The way to an origin: only checked addresses are dialled, only a proven peer is given out, and a failure leaves nothing
// open on either end.

import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { Resolver } from '../../src/net/resolver.ts';
import { Upstream } from '../../src/net/upstream.ts';
import { createUpstreamContext } from '../../src/pki/upstream-trust.ts';
import { AddressGuard } from '../../src/policy/address-guard.ts';
import { blackHole } from '../support/black-hole.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { type Origin, tcpOrigin } from '../support/origin.ts';
import { until } from '../support/rig.ts';
import { closed, closedPort, portOf } from '../support/socket-pair.ts';
import { type Pair, TestCa } from '../support/test-ca.ts';
import { loopbackUpstream, permitFor, type UpstreamWish } from '../support/upstream.ts';

expectNothingLeft();

const ca = new TestCa();
const stranger = new TestCa('Stranger');
const context = createUpstreamContext([ca.rootFile]);
const good = ca.leaf({ san: 'DNS:ok.test,DNS:*.wild.test,IP:127.0.0.1' });
afterAll(() => {
  for (const { folder } of [ca, stranger]) rmSync(folder, { recursive: true });
});

const upstream = (limits: Omit<UpstreamWish, 'context'> = {}): Upstream => loopbackUpstream({ context, ...limits });

interface SecureOrigin {
  readonly port: number;
  /** What each handshake that succeeded told. */
  readonly seen: {
    serverName: string | false | null;
    alpn: string | false | null;
    resumed: boolean;
    version: string | null;
  }[];
  /** The TCP connections, open or closed. */
  readonly sockets: Socket[];
  /** The same with TLS on them, of those whose handshake succeeded. */
  readonly secured: TLSSocket[];
}

/** `port`: one that is free on 127.0.0.1, where it is not the system that chooses. */
async function secureOrigin(pair: Pair, options: TlsOptions = {}, port = 0): Promise<SecureOrigin> {
  const seen: SecureOrigin['seen'] = [];
  const sockets: Socket[] = [];
  const secured: TLSSocket[] = [];
  const server = createServer({ ...pair, ALPNProtocols: ['h2', 'http/1.1'], ...options }, (socket: TLSSocket) => {
    secured.push(socket);
    seen.push({
      serverName: socket.servername,
      alpn: socket.alpnProtocol,
      resumed: socket.isSessionReused(),
      version: socket.getProtocol(),
    });
    socket.on('error', () => undefined).resume();
  });
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: portOf(server), seen, sockets, secured };
}

async function rawOrigin(onSocket: (socket: Socket) => void): Promise<Origin> {
  const origin = await tcpOrigin(onSocket);
  onTestFinished(() => origin.close());
  return origin;
}

/** Resolves with what has come when it is as long as this. */
function listening(awaited: string) {
  const { promise: text, resolve } = Promise.withResolvers<string>();
  const buffer = Buffer.alloc(1_024);
  let got = '';
  const callback = (bytes: number): boolean => {
    got += buffer.toString('latin1', 0, bytes);
    if (got.length >= awaited.length) resolve(got);
    return true;
  };
  return { onread: { buffer, callback }, text };
}

async function connectSecurely(way: Upstream, text: string) {
  const connection = await way.connectSecurely(await way.locate(permitFor(text)));
  onTestFinished(() => void connection.socket.destroy());
  return connection;
}

describe('the addresses of a permitted host', () => {
  test.each([
    ['ok.test:443', ['127.0.0.1']],
    ['127.0.0.5:443', ['127.0.0.5']],
    ['mixed.test:443', ['127.0.0.1']],
  ])('%s are those that may be dialled', async (text, addresses) => {
    const permit = permitFor(text);
    const route = await upstream().locate(permit);
    expect(route).toMatchObject({ permit, addresses });
    expect(route.dnsTime).toBeGreaterThanOrEqual(0);
  });

  test.each([
    ['private.test:443', /^private\.test: .*10\.0\.0\.1.*; .*169\.254\.169\.254/],
    ['10.0.0.1:443', /10\.0\.0\.1/],
    ['[::1]:443', /::1/],
  ])('%s that may not be dialled are named', async (text, detail) => {
    await expect(upstream().locate(permitFor(text))).rejects.toMatchObject({
      code: 'address-forbidden',
      status: 403,
      detail: expect.stringMatching(detail),
    });
  });

  test('are had at once where nobody has to be asked for them', async () => {
    const way = upstream();
    expect(way.locateAtOnce(permitFor('127.0.0.5:443'))).toMatchObject({ addresses: ['127.0.0.5'], dnsTime: 0 });
    expect(way.locateAtOnce(permitFor('mixed.test:443'))).toMatchObject({ addresses: ['127.0.0.1'], dnsTime: 0 });
    expect(way.locateAtOnce(permitFor('nowhere.test:443'))).toBeUndefined();
    expect(() => way.locateAtOnce(permitFor('private.test:443'))).toThrow(/10\.0\.0\.1/);
  });

  test('that the resolver does not find are its failure', async () => {
    await expect(upstream().locate(permitFor('nowhere.test:443'))).rejects.toMatchObject({ code: 'dns-failed' });
  });
});

describe('a plain connection', () => {
  test('has its address and its times', async () => {
    const origin = await rawOrigin((socket) => socket.end());
    const way = upstream();
    const connection = await way.connect(await way.locate(permitFor(`mixed.test:${origin.port}`)));
    onTestFinished(() => void connection.socket.destroy());
    expect(connection.address).toBe('127.0.0.1');
    expect(connection.tls).toBeUndefined();
    expect(connection.timings.connect).toBeGreaterThan(0);
  });

  test('to a port that nobody has fails with the address', async () => {
    const way = upstream();
    const route = await way.locate(permitFor(`ok.test:${await closedPort()}`));
    await expect(way.connect(route)).rejects.toMatchObject({ code: 'connect-failed', peer: '127.0.0.1' });
    await expect(way.connectSecurely(route)).rejects.toMatchObject({ code: 'connect-failed', peer: '127.0.0.1' });
  });
});

describe('a secure connection', () => {
  test.each([
    ['ok.test', 'ok.test'],
    ['a.wild.test', 'a.wild.test'],
    // RFC 6066 section 3: an address is no server name.
    ['127.0.0.1', false],
  ])('to %s sends the server name %s', async (host, serverName) => {
    const origin = await secureOrigin(good);
    const connection = await connectSecurely(upstream(), `${host}:${origin.port}`);
    expect(connection.tls).toEqual({ version: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/) });
    expect(connection.timings.tls).toBeGreaterThan(0);
    await until(() => origin.seen.length === 1, 'the handshake');
    expect(origin.seen).toEqual([{ serverName, alpn: 'http/1.1', resumed: false, version: 'TLSv1.3' }]);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('never resumes a session, in %s', async (version) => {
    const origin = await secureOrigin(good, { maxVersion: version });
    const way = upstream();
    for (let i = 0; i < 3; i += 1) {
      const { socket, tls } = await connectSecurely(way, `ok.test:${origin.port}`);
      expect(tls?.version).toBe(version);
      socket.end();
      await closed(socket.resume());
    }
    await until(() => origin.seen.length === 3, 'three handshakes');
    expect(origin.seen.map(({ resumed }) => resumed)).toEqual([false, false, false]);
  });

  test('that breaks later does not end the process', async () => {
    const origin = await secureOrigin(good);
    const { socket } = await connectSecurely(upstream(), `ok.test:${origin.port}`);
    await until(() => origin.seen.length === 1, 'the handshake');
    origin.sockets[0]?.resetAndDestroy();
    await closed(socket.resume());
    expect(socket.destroyed).toBe(true);
  });
});

describe('a name with two addresses', () => {
  const FIRST = '127.0.0.7';
  /** As the name has them, the second being that of the origin. */
  const hosts = { 'ok.test': [FIRST, '127.0.0.1'] };
  const twoWays = (limits: Omit<UpstreamWish, 'context'> = {}): Upstream =>
    new Upstream({
      resolver: new Resolver({ servers: ['127.0.0.1:1'], hosts, maxTtl: 0 }, 500),
      guard: new AddressGuard({ allowAddresses: ['127.0.0.0/8'] }),
      context,
      connectTimeout: 2_000,
      handshakeTimeout: 2_000,
      ...limits,
    });
  /** Sockets of this process that are on their way or stand, the origin's own among them. */
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((kind) => ['TCPSocketWrap', 'TLSWrap', 'ConnectWrap'].includes(kind))
      .length;

  const firsts: readonly (readonly [string, () => Promise<number>])[] = [
    ['refuses', async () => 0],
    ['swallows what is sent', () => blackHole(FIRST)],
  ];

  test.each(firsts)('of which the first %s is reached and proven at the second', async (_name, first) => {
    const origin = await secureOrigin(good, {}, await first());
    const before = sockets();
    const way = twoWays();
    const route = await way.locate(permitFor(`ok.test:${origin.port}`));
    expect(route.addresses).toEqual([FIRST, '127.0.0.1']);
    const { onread, text } = listening('hello');
    const { socket, address, tls, timings } = await way.connectSecurely(route, onread);
    onTestFinished(() => void socket.destroy());
    expect({ address, peer: socket.remoteAddress }).toEqual({ address: '127.0.0.1', peer: '127.0.0.1' });
    expect(tls?.version).toBe('TLSv1.3');
    expect(timings.tls).toBeGreaterThan(0);
    await until(() => origin.secured.length === 1, 'the handshake');
    expect(origin.seen).toMatchObject([{ serverName: 'ok.test', resumed: false }]);
    // The socket that was tried first is gone, though this one stands.
    expect(process.getActiveResourcesInfo()).not.toContain('ConnectWrap');
    origin.secured[0]?.write('hello');
    expect(await text).toBe('hello');
    expect(origin.sockets).toHaveLength(1);
    socket.destroy();
    await until(() => origin.sockets.every((one) => one.destroyed), 'the close');
    await until(() => sockets() <= before, 'the close of all that was tried');
  });

  test.each(firsts)('of which the first %s is not given out when the second is another', async (_name, first) => {
    const origin = await secureOrigin(stranger.leaf({ san: 'DNS:ok.test' }), {}, await first());
    const before = sockets();
    await expect(connectSecurely(twoWays(), `ok.test:${origin.port}`)).rejects.toMatchObject({
      code: 'upstream-certificate',
    });
    expect(origin.sockets).toHaveLength(1);
    await until(() => origin.sockets.every((socket) => socket.destroyed), 'the close');
    await until(() => sockets() <= before, 'the close of all that was tried');
  });

  test('of which neither answers in time is connect-timeout, and no TLS socket stays', async () => {
    const port = await blackHole(FIRST);
    const before = sockets();
    const way = twoWays({ connectTimeout: 400 });
    const route = await way.locate(permitFor(`ok.test:${port}`));
    const hole = { ...route, addresses: [FIRST, FIRST] };
    await expect(way.connectSecurely(hole)).rejects.toMatchObject({ code: 'connect-timeout', peer: FIRST });
    await until(() => sockets() <= before, 'the close of all that was tried');
  });
});

describe('a peer that is not the authority', () => {
  const cases: readonly [string, () => Pair, string, string, RegExp][] = [
    [
      'vouches for itself',
      () => ca.selfSigned('DNS:ok.test'),
      'ok.test',
      'upstream-certificate',
      /X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT/,
    ],
    [
      'has an unknown issuer',
      () => stranger.leaf({ san: 'DNS:ok.test' }),
      'ok.test',
      'upstream-certificate',
      /X509_V_ERR_UNABLE_TO_/,
    ],
    [
      'has expired',
      () => ca.leaf({ san: 'DNS:ok.test', notAfter: '20200201000000Z' }),
      'ok.test',
      'upstream-certificate',
      /X509_V_ERR_CERT_HAS_EXPIRED/,
    ],
    [
      'is not valid yet',
      () => ca.leaf({ san: 'DNS:ok.test', notBefore: '20400101000000Z', notAfter: '20410101000000Z' }),
      'ok.test',
      'upstream-certificate',
      /X509_V_ERR_CERT_NOT_YET_VALID/,
    ],
    ['is for another name', () => ca.leaf({ san: 'DNS:other.test' }), 'ok.test', 'upstream-name', /^ok\.test:\d+: /],
    [
      'has the name as common name only',
      () => ca.leaf({ cn: 'ok.test' }),
      'ok.test',
      'upstream-name',
      /^ok\.test:\d+: /,
    ],
    [
      'has the name as common name beside others',
      () => ca.leaf({ cn: 'ok.test', san: 'DNS:other.test' }),
      'ok.test',
      'upstream-name',
      /^ok\.test:\d+: /,
    ],
    [
      'has a wildcard one label too high',
      () => ca.leaf({ san: 'DNS:*.test' }),
      'a.wild.test',
      'upstream-name',
      /^a\.wild\.test:\d+: /,
    ],
    [
      'has the address as a name',
      () => ca.leaf({ san: 'DNS:127.0.0.1' }),
      '127.0.0.1',
      'upstream-name',
      /^127\.0\.0\.1:\d+: /,
    ],
    [
      'has a name for an address',
      () => ca.leaf({ san: 'DNS:ok.test' }),
      '127.0.0.1',
      'upstream-name',
      /^127\.0\.0\.1:\d+: /,
    ],
  ];
  test.each(cases)('because it %s is refused, and both ends are closed', async (_name, pair, host, code, detail) => {
    const origin = await secureOrigin(pair());
    await expect(connectSecurely(upstream(), `${host}:${origin.port}`)).rejects.toMatchObject({
      code,
      status: 503,
      detail: expect.stringMatching(detail),
    });
    expect(origin.sockets).toHaveLength(1);
    await until(() => origin.sockets.every((socket) => socket.destroyed), 'the close');
  });
});

describe('a handshake that fails', () => {
  test('because the origin has nothing above TLS 1.1 is upstream-tls', async () => {
    const origin = await secureOrigin(good, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
    await expect(connectSecurely(upstream(), `ok.test:${origin.port}`)).rejects.toMatchObject({
      code: 'upstream-tls',
      detail: expect.stringMatching(/PROTOCOL/),
    });
    await until(() => origin.sockets.every((socket) => socket.destroyed), 'the close');
  });

  test('because the origin is silent ends at the deadline, and the origin sees the close', async () => {
    const sockets: Socket[] = [];
    const origin = await rawOrigin((socket) => void sockets.push(socket.resume()));
    const begin = performance.now();
    await expect(connectSecurely(upstream({ handshakeTimeout: 120 }), `ok.test:${origin.port}`)).rejects.toMatchObject({
      code: 'upstream-tls',
      detail: 'No end of the handshake in time.',
    });
    expect(performance.now() - begin).toBeLessThan(1_000);
    await until(() => sockets[0]?.readableEnded === true, 'the end');
  });

  test.each([
    ['closes at once', (socket: Socket) => void socket.destroy()],
    ['ends its half', (socket: Socket) => void socket.end()],
    ['resets', (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy())],
    ['speaks HTTP', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['sends garbage', (socket: Socket) => void socket.write('this is no record of any kind')],
    ['sends an alert', (socket: Socket) => void socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 40]))],
  ])('because the origin %s is upstream-tls, and nothing stays open', async (_name, behaviour) => {
    const sockets: Socket[] = [];
    const origin = await rawOrigin((socket) => {
      sockets.push(socket);
      behaviour(socket);
      socket.resume();
    });
    await expect(connectSecurely(upstream(), `ok.test:${origin.port}`)).rejects.toMatchObject({ code: 'upstream-tls' });
    await until(() => sockets.every((socket) => socket.destroyed || socket.readableEnded), 'the close');
  });
});
