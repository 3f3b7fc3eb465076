// One authority for the life of a connection: CONNECT, server name, verified certificate and every Host within.

import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extension, handshake, hello, hostNames, records } from '../support/client-hello.ts';
import { listening, tcpOrigin } from '../support/origin.ts';
import { connectThrough, openRig, type Rig, readAll, readUntil, tlsThrough } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { type Recorder, record } from './recorder.ts';
import { HELLOS, INSIDE } from './tables/authority.ts';
import { fill } from './tables/row.ts';

const ca = new TestCa();
const NAMES = ['ok.test', 'other.test', 'cloudflare-ech.com', '127.0.0.2'];
let raw: Recorder;
let secure: Recorder;
const rigs: Partial<Record<'splice' | 'bump', Rig>> = {};
const rigOf = (tls: 'splice' | 'bump'): Rig => rigs[tls] ?? expect.fail('no rig');

beforeAll(async () => {
  raw = await record('127.0.0.2');
  secure = await record(
    '127.0.0.2',
    ca.leaf({ san: 'DNS:ok.test,DNS:other.test,DNS:cloudflare-ech.com,IP:127.0.0.2' }),
  );
  for (const tls of ['splice', 'bump'] as const) {
    rigs[tls] = await openRig({
      trust: [ca.rootFile],
      hosts: Object.fromEntries([...NAMES.slice(0, 3), 'blocked.test'].map((name) => [name, '127.0.0.2'])),
      policy: { rules: [{ name: 'allowed', hosts: NAMES, action: 'allow', tls }] },
    });
  }
});
afterAll(async () => {
  await Promise.all([...Object.values(rigs).map((rig) => rig.proxy.close(0)), raw.close(), secure.close()]);
});

describe.each(['splice', 'bump'] as const)('a ClientHello in a tunnel (%s)', (tls) => {
  test.each(HELLOS)('$id: with $name', async ({ input, expected }) => {
    const rig = rigOf(tls);
    const origin = tls === 'splice' ? raw : secure;
    origin.forget();
    const accepted = origin.accepted;
    const before = (await rig.entries(0)).length;
    const bytes = hello({
      extensions: [
        ...(input.names ? [extension(0, hostNames(...input.names))] : []),
        ...(input.encrypted ? [extension(0xfe0d, [0, 0, 1, 0, 1, 7, 0, 0, 0, 0])] : []),
      ],
    });
    const { socket } = await connectThrough(rig.port, `${input.connect}:${origin.port}`);
    socket.end(bytes);
    await readAll(socket);
    const [entry] = (await rig.entries(before + 1)).slice(before);
    if (expected[tls] === 'closed') {
      expect(entry).toMatchObject({ outcome: 'terminated', url: `${input.connect}:${origin.port}` });
      // Two names, an empty one and one with a NUL make no ClientHello at all (RFC 6066 section 3).
      const isNone = input.names?.length === 2 || /^$|\0/.test(input.names?.[0] ?? '-');
      expect(entry?.['error']).toBe(isNone ? 'hello-malformed' : 'sni-mismatch');
      if (!isNone) expect(entry?.['sni']).toBe(input.names?.[0]);
      expect(origin.accepted).toBe(accepted);
      expect(origin.bytes()).toBe('');
    } else {
      expect(entry?.['outcome']).not.toBe('terminated');
      expect(entry?.['peer']).toBe('127.0.0.2');
      if (tls === 'splice') expect(origin.bytes()).toBe(Buffer.from(bytes).toString('latin1'));
    }
  });
});

describe('a request inside a tunnel to another authority', () => {
  test.each(INSIDE)('$id: $name is answered $expected, and nothing of it goes on', async ({ input, expected }) => {
    const rig = rigOf('bump');
    secure.forget();
    const authority = `ok.test:${secure.port}`;
    const before = (await rig.entries(0)).length;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    // The first one is unaffected, and has its answer before.
    tls.write(`GET /first HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    expect(await readUntil(tls, '/first')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    tls.write(fill(input, { H: authority, P: String(secure.port) }));
    expect(await readAll(tls)).toMatch(new RegExp(`^HTTP/1\\.1 ${expected} [\\s\\S]*Connection: close`));
    expect(secure.requests().map(({ line }) => line)).toEqual(['GET /first HTTP/1.1']);
    const entries = (await rig.entries(before + 3)).slice(before);
    expect(entries.map(({ status }) => status)).toEqual([200, 200, expected]);
    expect(entries[2]).toMatchObject({ outcome: 'malformed', hierarchy: 'HIER_NONE' });
  });

  test('there are at least twelve shapes', () => {
    const refused = HELLOS.filter(({ expected }) => expected.splice === 'closed').length + INSIDE.length;
    expect(refused).toBeGreaterThanOrEqual(12);
  });
});

test('FRONT-05: a certificate for another name is not taken for the host of the CONNECT', async () => {
  const other = await record('127.0.0.3', ca.leaf({ san: 'DNS:other.test' }));
  const rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.3' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
  });
  const tls = await tlsThrough(rig.port, `ok.test:${other.port}`, { ca: rig.ca });
  tls.write(`GET / HTTP/1.1\r\nHost: ok.test:${other.port}\r\nConnection: close\r\n\r\n`);
  expect(await readAll(tls)).toMatch(/^HTTP\/1\.1 503 /);
  expect(other.bytes()).toBe('');
  await rig.proxy.close(0);
  await other.close();
});

describe('FRONT-01: an origin that asks for a second ClientHello, in a splice', () => {
  const RETRY_RANDOM = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');
  const retry = records(handshake(2, [3, 3, ...RETRY_RANDOM, 0, 0x13, 0x01, 0]));
  const named = (name: string): Uint8Array => Uint8Array.from(hello({ extensions: [extension(0, hostNames(name))] }));

  test.each([
    ['ok.test', 'after it was asked for', true],
    ['blocked.test', 'after it was asked for', false],
    ['blocked.test', 'before it was asked for', false],
  ] as const)('gets one for %s %s: %s', async (name, when, passes) => {
    let got = Buffer.alloc(0);
    const origin = await tcpOrigin((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write(retry));
      socket.on('data', (chunk: Buffer) => {
        got = Buffer.concat([got, chunk]);
        if (got.length > named('ok.test').length) socket.end('seen');
      });
    }, '127.0.0.2');
    const rig = rigOf('splice');
    const before = (await rig.entries(0)).length;
    const { socket } = await connectThrough(rig.port, `ok.test:${origin.port}`);
    socket.write(named('ok.test'));
    if (when === 'before it was asked for') socket.write(named(name));
    else {
      await readUntil(socket, Buffer.from(retry).toString('latin1'));
      socket.write(named(name));
    }
    const reply = await readAll(socket);
    const [entry] = (await rig.entries(before + 1)).slice(before);
    if (passes) {
      expect(reply).toBe('seen');
      expect(entry).toMatchObject({ outcome: 'spliced', sni: 'ok.test' });
    } else {
      expect(reply).not.toContain('seen');
      expect(entry).toMatchObject({ outcome: 'terminated', error: 'sni-mismatch', sni: name });
      expect(got.equals(named('ok.test'))).toBe(true);
    }
    await origin.close();
  });

  test('is reached all the same by a real client that has nothing to hide', async () => {
    const origin = await listening(
      createTlsServer({ ...ca.leaf({ san: 'DNS:ok.test' }), ecdhCurve: 'P-384', minVersion: 'TLSv1.3' }, (socket) => {
        socket.end('hello from P-384');
      }),
      '127.0.0.2',
    );
    const tls = await tlsThrough(rigOf('splice').port, `ok.test:${origin.port}`, {
      ca: ca.root,
      ecdhCurve: 'X25519:P-384',
    });
    expect(await readAll(tls)).toBe('hello from P-384');
    await origin.close();
  });
});
