// What crosses to a parent and what does not: credentials, names, addresses, and the loop that leads back.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer as createSecureServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { httpsOrigin, listening, type Origin } from '../support/origin.ts';
import { parentAt, scriptedParent, tunnellingParent } from '../support/parents.ts';
import {
  connectThrough,
  dialProxy,
  get,
  type Rig,
  type RigOptions,
  readAll,
  readUntil,
  say,
  startRig,
  tlsThrough,
} from '../support/rig.ts';
import { closedPort } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const CREDENTIALS = { user: 'sally', password: 'hunter2 é' };
const BASIC = `Basic ${Buffer.from('sally:hunter2 é').toString('base64')}`;

let secure: Origin;
const seen: string[] = [];
beforeAll(async () => {
  const pair = ca.leaf({ san: 'DNS:ok.test,DNS:a.spliced.test' });
  secure = await httpsOrigin(pair, (request, response) => {
    seen.push(request.rawHeaders.join('\n'));
    response.end('hello');
  });
});
afterAll(() => secure.close());

const start = (options: RigOptions): Promise<Rig> =>
  startRig({
    trust: [ca.rootFile],
    servers: ['127.0.0.1:1'],
    policy: {
      rules: [
        { name: 'spliced', hosts: ['.spliced.test'], action: 'allow', tls: 'splice' },
        { name: 'raw', hosts: ['raw.test'], action: 'allow', tls: 'tunnel' },
        { name: 'all', hosts: ['*'], action: 'allow' },
      ],
    },
    ...options,
  });

/** Everything the proxy has written to a file. */
const written = (rig: Rig): string =>
  ['access.log', 'access.json'].map((name) => readFileSync(join(rig.folder, name), 'utf8')).join('');

const plainGet = (rig: Rig, url: string, extra = ''): Promise<string> =>
  say(rig.port, `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${extra}Connection: close\r\n\r\n`);

describe('credentials', () => {
  test('for the parent go with CONNECT, and to nobody else', async () => {
    const parent = await tunnellingParent();
    const rig = await start({ parents: [parentAt(parent.port, CREDENTIALS)] });
    const authority = `ok.test:${secure.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    expect(await get(tls, authority)).toMatch(/hello$/);
    expect(parent.heads).toEqual([
      expect.stringMatching(
        /^CONNECT ok\.test:\d+ HTTP\/1\.1\r\nHost: ok\.test:\d+\r\nVia: 1\.1 sallyport \([0-9a-f]{8}\)\r\n/,
      ),
    ]);
    expect(parent.heads[0]).toContain(`\r\nProxy-Authorization: ${BASIC}\r\n`);
    expect(seen.at(-1)).not.toMatch(/authorization/i);
    await rig.lines(2);
    expect(written(rig)).not.toMatch(/hunter2|c2FsbHk/);
  });

  test('for the parent go with plain requests, those of the client do not', async () => {
    const parent = await scriptedParent((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const rig = await start({ parents: [parentAt(parent.port, CREDENTIALS)] });
    const url = 'http://plain.test/a?b=c';
    expect(await plainGet(rig, url, 'Proxy-Authorization: Basic bWU6bWluZQ==\r\nProxy-Connection: x\r\n')).toMatch(
      /ok$/,
    );
    const [head = ''] = parent.heads;
    expect(head).toMatch(/^GET http:\/\/plain\.test\/a\?b=c HTTP\/1\.1\r\nhost: plain\.test\r\n/);
    expect(head.match(/proxy-authorization: .*/gi)).toEqual([`Proxy-Authorization: ${BASIC}`]);
    expect(head).not.toMatch(/bWU6bWluZQ|proxy-connection/i);
  });

  test('of the client reach no parent that has none', async () => {
    const parent = await scriptedParent((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const rig = await start({ parents: [parentAt(parent.port)] });
    await plainGet(rig, 'http://plain.test/', 'Proxy-Authorization: Basic bWU6bWluZQ==\r\n');
    const socket = await dialProxy(rig.port);
    socket.write(
      'CONNECT raw.test:443 HTTP/1.1\r\nHost: raw.test:443\r\nProxy-Authorization: Basic bWU6bWluZQ==\r\n\r\nhi',
    );
    await readAll(socket);
    expect(parent.heads).toHaveLength(2);
    expect(parent.heads.join('')).not.toMatch(/authorization/i);
  });

  test('that the parent does not take are our fault, not that of the client: its 407 does not pass', async () => {
    const parent = await scriptedParent((socket) =>
      socket.end('HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm="hq"\r\nContent-Length: 0\r\n\r\n'),
    );
    const rig = await start({ parents: [parentAt(parent.port, CREDENTIALS)] });
    const page = await plainGet(rig, 'http://plain.test/');
    expect(page).toMatch(/^HTTP\/1\.1 502 /);
    expect(page).toContain('<dd>parent-auth</dd>');
    expect(page).toContain('hq: it answered with 407 Who.');
    expect(page).not.toMatch(/proxy-authenticate|realm/i);
    expect(await rig.lines(1)).toEqual(['TCP_MISS/502 N GET http://plain.test/ - FIRSTUP_PARENT/127.0.0.1 text/html']);
  });
});

describe('what the parent says behind its 200', () => {
  test('reaches a client of a tunnel in which the server speaks first', async () => {
    const parent = await scriptedParent((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nSSH-2.0-sshd\r\n');
      socket.once('data', (bytes: Buffer) => socket.end(`you said ${bytes.toString()}`)).resume();
    });
    const rig = await start({ parents: [parentAt(parent.port)] });
    const { socket } = await connectThrough(rig.port, 'raw.test:443');
    expect(await readUntil(socket, 'sshd\r\n')).toBe('SSH-2.0-sshd\r\n');
    socket.write('SSH-2.0-me\r\n');
    expect(await readAll(socket)).toBe('you said SSH-2.0-me\r\n');
    expect((await rig.lines(2))[1]).toBe('TCP_TUNNEL/200 N - raw.test:443 - FIRSTUP_PARENT/127.0.0.1 -');
  });

  test('is no TLS where TLS is wanted, and is told as the failure of a handshake', async () => {
    const parent = await scriptedParent((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nhello, this is no TLS'));
    const rig = await start({ parents: [parentAt(parent.port)] });
    const tls = await tlsThrough(rig.port, 'ok.test:443', { ca: rig.ca });
    const page = await get(tls, 'ok.test');
    expect(page).toContain('<dd>upstream-tls</dd>');
    expect(page).toContain('(through the parent hq)');
  });
});

describe('a parent that dies', () => {
  test.each([
    ['ends', (socket: { end(): void; resetAndDestroy(): void }) => socket.end()],
    ['resets', (socket: { end(): void; resetAndDestroy(): void }) => socket.resetAndDestroy()],
  ])('in the middle of a handshake with the origin (%s) is told as that, and named', async (_how, die) => {
    const parent = await scriptedParent((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.once('data', () => die(socket)).resume();
    });
    const rig = await start({ parents: [parentAt(parent.port)] });
    const tls = await tlsThrough(rig.port, 'ok.test:443', { ca: rig.ca });
    const page = await get(tls, 'ok.test');
    expect(page).toContain('<dd>upstream-tls</dd>');
    expect(page).toContain('(through the parent hq)');
  });

  test('before it has answered a plain request is told as that, and named', async () => {
    const parent = await scriptedParent((socket) => socket.destroy());
    const rig = await start({ parents: [parentAt(parent.port)] });
    const page = await plainGet(rig, 'http://plain.test/');
    expect(page).toMatch(/^HTTP\/1\.1 502 /);
    expect(page).toContain('<dd>response-aborted</dd>');
    expect(page).toContain('(through the parent hq)');
    expect(await rig.lines(1)).toEqual(['TCP_MISS/502 N GET http://plain.test/ - FIRSTUP_PARENT/127.0.0.1 text/html']);
  });

  test('with a tunnel open cuts the tunnel, and nothing else', async () => {
    const parent = await scriptedParent((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.once('data', () => socket.resetAndDestroy()).resume();
    });
    const rig = await start({ parents: [parentAt(parent.port)] });
    const { socket } = await connectThrough(rig.port, 'raw.test:443');
    socket.write('hello');
    expect(await readAll(socket)).toBe('');
    expect((await rig.entries(2))[1]).toMatchObject({ tag: 'TCP_TUNNEL_ABORTED', outcome: 'aborted', parent: 'hq' });
  });
});

describe('an origin behind a parent', () => {
  test('proves who it is to us, whatever the parent says', async () => {
    const stranger = new TestCa('Stranger');
    const imposter = await httpsOrigin(stranger.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end());
    onTestFinished(() => imposter.close());
    const parent = await tunnellingParent();
    const rig = await start({ parents: [parentAt(parent.port)] });
    const authority = `ok.test:${imposter.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    expect(await get(tls, authority)).toContain('<dd>upstream-certificate</dd>');
    expect(await rig.lines(2)).toEqual([
      `NONE_NONE/200 0 CONNECT ${authority} - HIER_NONE/- -`,
      `NONE_NONE/503 N GET https://${authority}/ - HIER_NONE/- text/html`,
    ]);
  });

  test.each([
    ['10.0.0.1', 'private'],
    ['169.254.169.254', 'link-local'],
    ['[::1]', 'loopback'],
    ['[::ffff:10.0.0.1]', ''],
    ['localhost', 'loopback'],
    ['x.localhost', 'loopback'],
    ['known.test', 'private'],
  ])('is not asked for at %s: what can be checked is checked', async (host, why) => {
    const parent = await tunnellingParent();
    const rig = await start({
      parents: [parentAt(parent.port)],
      allowAddresses: [],
      hosts: { 'known.test': '10.0.0.1' },
    });
    const page = await plainGet(rig, `http://${host}/`);
    expect(page).toMatch(/^HTTP\/1\.1 403 /);
    expect(page).toContain('<dd>address-forbidden</dd>');
    expect(page).toContain(why);
    const { head } = await connectThrough(rig.port, `${host}:443`);
    expect(head).toMatch(/^HTTP\/1\.1 403 /);
    expect(parent.heads).toEqual([]);
    expect((await rig.lines(2)).every((line) => line.includes(' HIER_NONE/- '))).toBe(true);
  });
});

describe('a loop', () => {
  test('through a parent that is this very proxy is refused without a dial', async () => {
    const port = await closedPort();
    const rig = await start({ port, parents: [parentAt(port)] });
    const page = await plainGet(rig, 'http://plain.test/');
    expect(page).toMatch(/^HTTP\/1\.1 508 /);
    expect(page).toContain(`127.0.0.1 port ${port} is this proxy itself`);
    expect(await rig.lines(1)).toEqual(['TCP_MISS/508 N GET http://plain.test/ - HIER_NONE/- text/html']);
  });

  test('of two proxies that are each the parent of the other ends where the request has been before', async () => {
    const ports = [await closedPort(), await closedPort()] as const;
    const rigs = [
      await start({ port: ports[0], parents: [parentAt(ports[1])] }),
      await start({ port: ports[1], parents: [parentAt(ports[0])] }),
    ] as const;
    const page = await plainGet(rigs[0], 'http://plain.test/');
    expect(page).toMatch(/^HTTP\/1\.1 508 /);
    const { head } = await connectThrough(rigs[0].port, 'raw.test:443');
    expect(head).toMatch(/^HTTP\/1\.1 502 /);
    // Of either transaction its own line, and one where it came back.
    const entries = await rigs[0].entries(4);
    expect(entries.map(({ error }) => error).filter((error) => error !== undefined)).toEqual([
      'loop',
      'loop',
      'parent-failed',
    ]);
    expect((await rigs[1].entries(2)).map(({ error }) => error)).toEqual([undefined, 'parent-failed']);
  }, 60_000);
});

describe('a parent by https', () => {
  test.each([
    ['is trusted by nobody', new TestCa('Stranger').leaf({ san: 'IP:127.0.0.1' }), /certificate/],
    ['has another name', ca.leaf({ san: 'DNS:elsewhere.test' }), /127\.0\.0\.1/],
  ])('that %s is told nothing, and the client why', async (_name, pair, why) => {
    let said = 0;
    const server = createSecureServer(pair, (socket) => socket.on('data', () => (said += 1)));
    const parent = await listening(server, '127.0.0.1');
    onTestFinished(() => parent.close());
    const rig = await start({
      parents: [parentAt(parent.port, { ...CREDENTIALS, secure: true, trust: [ca.rootFile] })],
    });
    const page = await plainGet(rig, 'http://plain.test/');
    expect(page).toMatch(/^HTTP\/1\.1 503 /);
    expect(page).toContain('<dd>parent-tls</dd>');
    expect(page).toMatch(why);
    expect(said).toBe(0);
  });
});
