// Connections that a load balancer passes on: the client is the one it tells of, in policy, shares and log.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { httpOrigin, httpsOrigin } from '../support/origin.ts';
import { binaryHeader, inet, lineHeader, TOLD } from '../support/proxy-header.ts';
import { dialProxy, get, type Rig, readAll, readUntil, say, startRig, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { basic, writeUsers } from '../support/users.ts';

const FRONTED = { proxyProtocol: { from: ['127.0.0.1'] } };
const NO_REQUEST = 'error:transaction-end-before-headers';

async function clients(rig: Rig, count: number): Promise<unknown[]> {
  return (await rig.entries(count)).map(({ client }) => client);
}

describe('behind a load balancer', () => {
  test.each([
    ['version 1', lineHeader()],
    ['version 2', binaryHeader(0x21, 0x11, inet())],
  ])('the client of %s is the one that rules and log see', async (_name, header) => {
    const origin = await httpOrigin((_request, response) => response.end('reached'));
    const rig = await startRig({
      hosts: { 'ok.test': '127.0.0.1' },
      listen: FRONTED,
      policy: { rules: [{ name: 'told', clients: [TOLD.from], hosts: ['ok.test'], action: 'allow' }] },
    });
    const request = Buffer.from(
      `GET http://ok.test:${origin.port}/ HTTP/1.1\r\nHost: ok.test:${origin.port}\r\nConnection: close\r\n\r\n`,
    );
    expect(await say(rig.port, Buffer.concat([header, request]))).toContain('reached');
    const other = lineHeader({ ...TOLD, from: '203.0.113.8' });
    expect(await say(rig.port, Buffer.concat([other, request]))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await clients(rig, 2)).toEqual([TOLD.from, '203.0.113.8']);
    await origin.close();
  });

  test('a CONNECT is bumped as any other, and TLS to the proxy itself is, too', async () => {
    const ca = new TestCa();
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end('inside'));
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      listen: FRONTED,
      policy: { rules: [{ name: 'all', hosts: ['ok.test'], action: 'allow' }] },
    });
    const secure = (socket: ConstructorParameters<typeof TLSSocket>[0], servername: string): Promise<TLSSocket> =>
      new Promise((resolve, reject) => {
        const tls = connectTls({ socket, servername, ca: rig.ca }, () => resolve(tls));
        tls.on('error', reject);
      });
    const socket = await dialProxy(rig.port);
    socket.write(lineHeader());
    const outer = await secure(socket, 'localhost');
    outer.write(`CONNECT ok.test:${origin.port} HTTP/1.1\r\nHost: ok.test:${origin.port}\r\n\r\n`);
    expect(await readUntil(outer, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await get(await secure(outer, 'ok.test'), `ok.test:${origin.port}`)).toContain('inside');
    expect(await clients(rig, 2)).toEqual([TOLD.from, TOLD.from]);
    await origin.close();
  });

  test('LB-06: the share of a client is counted for the one that is told', async () => {
    const rig = await startRig({ listen: FRONTED, limits: { connectionsPerClient: 1 } });
    const held = await dialProxy(rig.port);
    held.write(`${lineHeader()}GET /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n`);
    await readUntil(held, '\r\n\r\n');
    const request = 'GET /proxy.pac HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect(await say(rig.port, `${lineHeader()}${request}`)).toMatch(/^HTTP\/1\.1 429 /);
    expect(await say(rig.port, `${lineHeader({ ...TOLD, from: '203.0.113.8' })}${request}`)).toMatch(
      /^HTTP\/1\.1 200 /,
    );
    expect(await clients(rig, 3)).toEqual([TOLD.from, TOLD.from, '203.0.113.8']);
  });

  test('a health check of the load balancer itself is its own client', async () => {
    const rig = await startRig({ listen: FRONTED, limits: { headerTimeout: 1_000 } });
    const local = binaryHeader(0x20, 0, Buffer.alloc(0));
    const request = Buffer.from('GET /ca.pem HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await say(rig.port, Buffer.concat([local, request]))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await say(rig.port, local)).toBe('');
    expect(await clients(rig, 2)).toEqual(['127.0.0.1', '127.0.0.1']);
  });

  test.each([
    ['no header', 'CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\n\r\n', /begins without one/],
    ['a broken header', 'PROXY TCP4 1.2.3.4\r\n', /malformed/],
  ])('LB-02: a connection with %s is closed without a reply, with one line', async (_name, bytes, detail) => {
    const rig = await startRig({ listen: FRONTED });
    expect(await say(rig.port, bytes)).toBe('');
    expect(await rig.lines(1)).toEqual([`NONE_NONE/000 0 - ${NO_REQUEST} - HIER_NONE/- -`]);
    expect(await rig.entries(1)).toEqual([
      expect.objectContaining({
        client: '127.0.0.1',
        outcome: 'terminated',
        error: 'proxy-header',
        error_detail: expect.stringMatching(detail),
      }),
    ]);
  });

  test('LB-04: a header that the client itself has sent behind it makes nobody of him', async () => {
    const rig = await startRig({ listen: FRONTED });
    const forged = lineHeader({ ...TOLD, from: '192.0.2.77' });
    const request = 'GET /ca.pem HTTP/1.1\r\nHost: x\r\n\r\n';
    expect(await say(rig.port, `${lineHeader()}${forged}${request}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await rig.entries(1)).toEqual([expect.objectContaining({ client: TOLD.from, outcome: 'malformed' })]);
  });

  test('a header that does not come is waited for as long as one of HTTP', async () => {
    const rig = await startRig({ listen: FRONTED, limits: { headerTimeout: 50 } });
    const socket = await dialProxy(rig.port);
    socket.write('PROXY TCP4 ');
    expect(await readAll(socket)).toBe('');
    expect((await rig.entries(1))[0]).toMatchObject({
      error: 'proxy-header',
      error_detail: 'It did not arrive in time.',
    });
  });
});

describe('beside a load balancer', () => {
  const elsewhere = { proxyProtocol: { from: ['192.0.2.0/24'] } };

  test('a client that nobody speaks for is its own', async () => {
    const rig = await startRig({ listen: elsewhere });
    const request = 'GET /ca.pem HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect(await say(rig.port, request)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await clients(rig, 1)).toEqual(['127.0.0.1']);
  });

  test.each([
    ['version 1', lineHeader()],
    ['version 2', binaryHeader(0x21, 0x11, inet())],
  ])('LB-01: a header of %s is refused, and nobody is taken for another', async (_name, header) => {
    const rig = await startRig({ listen: elsewhere });
    const request = Buffer.from('GET /ca.pem HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await say(rig.port, Buffer.concat([header, request]))).toBe('');
    expect((await rig.entries(1))[0]).toMatchObject({
      client: '127.0.0.1',
      outcome: 'terminated',
      error: 'proxy-header',
      error_detail: 'Its source is not a trusted one.',
    });
  });

  test('LB-02: without proxyProtocol a header is no request', async () => {
    const rig = await startRig();
    expect(await say(rig.port, `${lineHeader()}GET /ca.pem HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await rig.entries(1))[0]).toMatchObject({ client: '127.0.0.1', outcome: 'malformed' });
  });
});

describe('whom a load balancer tells of', () => {
  const OTHER = { ...TOLD, from: '203.0.113.8' };

  test('LB-06: has a pace of its own for passwords, and is the client of rules for users', async () => {
    const { htpasswd } = writeUsers({ alice: 'right' });
    const rig = await startRig({
      hosts: { 'ok.test': '127.0.0.1' },
      listen: FRONTED,
      limits: { passwordsPerClient: 1, handshakeTimeout: 200 },
      auth: { basic: { htpasswd, realm: 'here' }, groups: {} },
      policy: {
        rules: [
          { name: 'alice', users: ['alice'], clients: [TOLD.from, OTHER.from], hosts: ['ok.test'], action: 'allow' },
        ],
      },
    });
    const origin = await httpOrigin((_request, response) => response.end('reached'));
    const ask = (told: typeof TOLD, password: string): Promise<string> => {
      const head = `GET http://ok.test:${origin.port}/ HTTP/1.1\r\nHost: ok.test:${origin.port}\r\nConnection: close\r\n`;
      return say(rig.port, Buffer.concat([lineHeader(told), Buffer.from(`${head}${basic('alice', password)}\r\n`)]));
    };
    const guesses = await Promise.all(Array.from({ length: 10 }, (_, at) => ask(TOLD, `guess ${at}`)));
    expect(guesses.some((reply) => reply.startsWith('HTTP/1.1 429 '))).toBe(true);
    expect(await ask(OTHER, 'right')).toContain('reached');
    const entries = await rig.entries(11);
    const crowded = entries.filter((entry) => entry['error'] === 'client-limit');
    expect(new Set(crowded.map(({ client }) => client))).toEqual(new Set([TOLD.from]));
    expect(entries.at(-1)).toMatchObject({ client: OTHER.from, user: 'alice', status: 200 });
    await origin.close();
  });

  test('LB-06: is whom an exception is made for, and nobody else behind the same balancer', async () => {
    const ca = new TestCa();
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end('inside'));
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      listen: FRONTED,
      onReject: 'splice',
      policy: { rules: [{ name: 'all', hosts: ['ok.test'], action: 'allow' }] },
    });
    const state = join(rig.folder, 'state', 'exceptions.json');
    const kept = (): string => (existsSync(state) ? readFileSync(state, 'utf8') : '');
    const through = async (told: typeof TOLD, root: string): Promise<TLSSocket> => {
      const socket = await dialProxy(rig.port);
      socket.write(lineHeader(told));
      socket.write(`CONNECT ok.test:${origin.port} HTTP/1.1\r\nHost: ok.test:${origin.port}\r\n\r\n`);
      await readUntil(socket, '\r\n\r\n');
      return new Promise((resolve, reject) => {
        const tls = connectTls({ socket, servername: 'ok.test', ca: root }, () => resolve(tls));
        tls.on('error', reject);
      });
    };
    for (let tries = 1; tries <= 3; tries += 1) {
      await expect(through(TOLD, ca.root)).rejects.toThrow();
      // It is known once it is kept; before, another try would be part of this one.
      await until(() => kept().includes(`"count": ${tries}`), `a count of ${tries}`, kept);
    }
    // It holds once the proxy has taken over what it has written.
    let unread: TLSSocket | undefined;
    let lines = 3;
    for (; !unread && lines < 13; lines += 1) unread = await through(TOLD, ca.root).catch(() => undefined);
    expect(unread && (await get(unread, `ok.test:${origin.port}`))).toContain('inside');
    await expect(through(OTHER, ca.root)).rejects.toThrow();
    const entries = await rig.entries(lines + 1);
    expect(entries.filter((entry) => entry['exception'] === 'pinned')).toMatchObject([
      { client: TOLD.from, tls: 'splice' },
    ]);
    expect(entries.filter(({ client }) => client === OTHER.from)).toMatchObject([
      { tls: 'bump', outcome: 'client_rejected_certificate' },
    ]);
    await origin.close();
  });
});
