// One authority for the life of a connection: CONNECT, server name, verified certificate and every Host within.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extension, hello, hostNames } from '../support/client-hello.ts';
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
