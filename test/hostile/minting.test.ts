// The leaves that a proxy at work hands out: for what was asked, from our CA, made once, and none where none may be had.

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { LeafStore } from '../../src/pki/leaf-store.ts';
import type { PolicyOptions } from '../../src/policy/policy.ts';
import { bundle, CA_EXTENSIONS, host, issue, openssl, temporaryFolder } from '../pki/fixtures.ts';
import { extension, hello, hostNames } from '../support/client-hello.ts';
import {
  connectThrough,
  get,
  openRig,
  type Rig,
  readAll,
  readUntil,
  say,
  startRig,
  tlsThrough,
  until,
  WORKERS,
} from '../support/rig.ts';
import { type Pair, TestCa } from '../support/test-ca.ts';
import { type Recorder, record } from './recorder.ts';
import { CONSTRAINED, type Constrained, NO_HOSTS } from './tables/minting.ts';

const ca = new TestCa();
const folder = temporaryFolder();
let origin: Recorder;
let rig: Rig;
beforeAll(async () => {
  origin = await record('127.0.0.2', ca.leaf({ san: 'DNS:ok.test,DNS:*.wild.test,DNS:*.corp.test,IP:127.0.0.2' }));
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.2', 'x.wild.test': '127.0.0.2', 'bad.test': '127.0.0.2', 'back.test': '127.0.0.3' },
    policy: { rules: [{ name: 'all', hosts: ['.test', '127.0.0.2'], action: 'allow' }] },
  });
});
afterAll(async () => {
  await Promise.all([rig.proxy.close(0), origin.close()]);
});

/** An address is never sent as a server name. */
const nameOf = (authority: string): { servername?: string } => (/^[\d.:]+$/.test(authority) ? { servername: '' } : {});

async function leafThrough(
  authority: string,
  at = rig,
  options: { servername?: string } = {},
): Promise<X509Certificate> {
  const tls = await tlsThrough(at.port, authority, { ca: at.ca, ...nameOf(authority), ...options });
  const leaf = tls.getPeerX509Certificate() ?? expect.fail('no certificate');
  tls.destroy();
  return leaf;
}

describe('a leaf', () => {
  test.each(['ok.test', 'x.wild.test', '127.0.0.2'])(
    'MINT-01: for %s is what strict openssl takes for that name alone',
    async (name) => {
      const leaf = await leafThrough(`${name}:${origin.port}`);
      const files = { leaf: join(folder, `${name}.pem`), anchor: join(folder, 'anchor.pem') };
      writeFileSync(files.leaf, leaf.toString());
      writeFileSync(files.anchor, rig.ca);
      const check = /^[\d.]+$/.test(name) ? '-verify_ip' : '-verify_hostname';
      const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-no-CApath', '-no-CAstore', '-CAfile'];
      expect(openssl(...strict, files.anchor, check, name, files.leaf)).toBe(`${files.leaf}: OK\n`);
      expect(() => openssl(...strict, files.anchor, '-verify_hostname', 'other.test', files.leaf)).toThrow();
      expect(leaf.subjectAltName).toBe(check === '-verify_ip' ? `IP Address:${name}` : `DNS:${name}`);
      // MINT-02: from a day before now, for less than any client's limit, within the life of the CA.
      const now = Date.now();
      const hours = (now - leaf.validFromDate.getTime()) / 3_600_000;
      expect(hours).toBeGreaterThanOrEqual(1);
      expect(hours).toBeLessThanOrEqual(48);
      expect(leaf.validToDate.getTime() - leaf.validFromDate.getTime()).toBeLessThan(47 * 24 * 3_600_000);
      expect(leaf.validToDate.getTime()).toBeLessThanOrEqual(new X509Certificate(rig.ca).validToDate.getTime());
    },
  );

  test.each(NO_HOSTS)('$id: is not minted for $name, which is no host', async ({ input }) => {
    const reply = await say(rig.port, `CONNECT ${input}:${origin.port} HTTP/1.1\r\nHost: ${input}\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('MINT-05: for an origin that failed verification is only ever that of our own page, with nothing of the origin', async () => {
    origin.forget();
    const authority = `bad.test:${origin.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    const leaf = tls.getPeerX509Certificate();
    expect(leaf?.subject).toBe('CN=bad.test');
    expect(leaf?.subjectAltName).toBe('DNS:bad.test');
    const reply = await get(tls, authority, '/secret');
    expect(reply).toMatch(/^HTTP\/1\.1 503 [\s\S]*upstream-name/);
    expect(origin.bytes()).toBe('');
  });
});

/** Hexadecimal, straight from the DER: version [0], then the INTEGER. */
function serialOf(context: SecureContext): string {
  const der: unknown = context.context.getCertificate();
  if (!(der instanceof Uint8Array)) throw new Error('no certificate');
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  const at = bytes.indexOf(Buffer.from('a0030201020210', 'hex'));
  return bytes.subarray(at + 7, at + 23).toString('hex');
}

describe('the store of leaves', () => {
  test('CACHE-01, MINT-03: holds 500 of 5,000 hosts, the latest, in memory that does not grow, and gives each a serial of its own', async () => {
    const files = { cert: join(folder, 'many', 'ca.pem'), key: join(folder, 'many', 'ca-key.pem') };
    const serials = new Set<string>();
    // Twice the same CA, as across a restart.
    for (let turn = 0; turn < 2; turn += 1) {
      const store = new LeafStore((await openCertificateAuthority(files)).ca, { maxEntries: 500 });
      const ask = (count: number) =>
        store.lend({ hosts: [host(`h${count}.test`)], keyType: 'ec' }, async (context) => serialOf(context));
      let warm = 0;
      for (let count = 0; count < 5_000; count += 1) {
        serials.add(await ask(count));
        if (count === 1_500) warm = process.memoryUsage().rss;
        // One that is asked for again and again is never the oldest.
        await ask(0);
        // As between the connections of a proxy: V8 gets round to what it was told. In the first turn many are let go of
        // at a time, and most of them left to the collector; in the second each goes to the next host.
        if (turn === 1 || count % 100 === 0) await setImmediate();
      }
      expect(store.stats).toMatchObject({ size: 500, mints: 5_000 });
      for (let count = 4_501; count < 5_000; count += 100) await ask(count);
      expect(store.stats.mints).toBe(5_000);
      await ask(4_000);
      expect(store.stats.mints).toBe(5_001);
      // Those that were made since then are more than 88 MB in the first turn.
      expect(process.memoryUsage().rss - warm).toBeLessThan(64 * 1024 * 1024);
    }
    expect(serials.size).toBe(10_000);
    // 128 bits, of which the upper two are 01: positive, and never shorter.
    expect([...serials].filter((serial) => !/^[4-7][0-9a-f]{31}$/.test(serial))).toEqual([]);
  }, 120_000);

  test('CACHE-02: of a new CA has nothing of the old one, and of another key type nothing of the first', async () => {
    const old = await leafThrough(`ok.test:${origin.port}`);
    const next = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.2' },
      policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
    });
    const anew = await leafThrough(`ok.test:${origin.port}`, next);
    expect(anew.verify(new X509Certificate(next.ca).publicKey)).toBe(true);
    expect(anew.verify(new X509Certificate(rig.ca).publicKey)).toBe(false);
    expect(anew.serialNumber).not.toBe(old.serialNumber);
    const rsa = await tlsThrough(rig.port, `ok.test:${origin.port}`, {
      ca: rig.ca,
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
      sigalgs: 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256',
    });
    expect(rsa.getPeerX509Certificate()?.publicKey.asymmetricKeyType).toBe('rsa');
    rsa.destroy();
    // The other worker has one of its own.
    if (WORKERS === 1) expect((await leafThrough(`ok.test:${origin.port}`)).serialNumber).toBe(old.serialNumber);
  });

  test('CACHE-03: has one leaf for all spellings of a host and port', async () => {
    const spellings = ['ok.test', 'OK.test', 'ok.test.', 'oK.tEsT.'];
    const leaves: X509Certificate[] = [];
    for (const name of spellings) {
      leaves.push(await leafThrough(`${name}:${origin.port}`, rig, { servername: 'ok.test' }));
    }
    expect(new Set(leaves.map(({ serialNumber }) => serialNumber)).size).toBeLessThanOrEqual(WORKERS);
    expect(leaves[0]?.subjectAltName).toBe('DNS:ok.test');
  });

  test('CACHE-04: mints once for 200 clients who come for a host at the same time', async () => {
    const fresh = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.2' },
      policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
    });
    const serials = await Promise.all(
      Array.from({ length: 200 }, (_, at) => serialFor(fresh, `ok.test:${origin.port}`, `127.0.1.${1 + (at % 100)}`)),
    );
    expect(serials).toHaveLength(200);
    expect(new Set(serials).size).toBeLessThanOrEqual(WORKERS);
  });

  test('CACHE-05: is not spoiled by a client that asks for one name and says another', async () => {
    const [ok, wild] = [`ok.test:${origin.port}`, `x.wild.test:${origin.port}`];
    for (const [connect, name] of [
      [ok, 'x.wild.test'],
      [wild, 'ok.test'],
    ] as const) {
      const { socket } = await connectThrough(rig.port, connect);
      socket.end(hello({ extensions: [extension(0, hostNames(name))] }));
      expect(await readAll(socket)).toBe('');
    }
    expect((await leafThrough(ok)).subjectAltName).toBe('DNS:ok.test');
    expect((await leafThrough(wild)).subjectAltName).toBe('DNS:x.wild.test');
  });

  test('CACHE-06: forgets at once that an origin could not be reached, and that its certificate was bad', async () => {
    const bad = await record('127.0.0.3', ca.leaf({ san: 'DNS:other.test' }));
    const authority = `back.test:${bad.port}`;
    const status = async (): Promise<string> => {
      const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
      const reply = await get(tls, authority);
      return `${reply.slice(9, 12)} ${/<dt>Code<\/dt><dd>([a-z-]+)/.exec(reply)?.[1] ?? ''}`;
    };
    expect(await status()).toBe('503 upstream-name');
    await bad.close();
    expect(await status()).toBe('503 connect-failed');
    const good = await recordAt(bad.port, ca.leaf({ san: 'DNS:back.test' }));
    onTestFinished(() => good.close());
    const begin = performance.now();
    expect(await status()).toBe('200 ');
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});

/** The serial that a client at this address gets. */
async function serialFor(at: Rig, authority: string, localAddress: string): Promise<string> {
  const socket = connectTcp({ host: '127.0.0.1', port: at.port, localAddress });
  await once(socket, 'connect');
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  expect(await readUntil(socket, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  const tls: TLSSocket = connectTls({ socket, servername: 'ok.test', ca: at.ca });
  await once(tls, 'secureConnect');
  const serial = tls.getPeerX509Certificate()?.serialNumber ?? '';
  tls.destroy();
  return serial;
}

/** A TLS origin at a port that was somebody else's before. */
async function recordAt(port: number, pair: Pair): Promise<{ close(): Promise<void> }> {
  const server = createSecureServer(pair, (_, response) => response.end());
  server.listen(port, '127.0.0.3');
  await once(server, 'listening');
  return {
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('our own CA', () => {
  test('KEY-05: as we make it signs leaves only', () => {
    const file = join(rig.folder, 'ca', 'ca.pem');
    const text = openssl('x509', '-in', file, '-noout', '-text');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0\n/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign(?:, CRL Sign)?\n/);
    expect(text).not.toMatch(/Extended Key Usage/);
    expect(readdirSync(join(rig.folder, 'ca')).sort()).toEqual(['ca-key.pem', 'ca.pem']);
  });
});

describe('a CA whose name constraints leave hosts out', () => {
  const HOSTS = ['x.corp.test', 'ok.test', '127.0.0.2'];
  const caOf = (name: string, { constraints, above }: Constrained): Pair => {
    const limited = (text: string): string[] => [
      ...CA_EXTENSIONS,
      ...(text === '' ? [] : [`nameConstraints=${text}`]),
      '[dn]',
      'O=Example',
    ];
    if (above === undefined) return issue(folder, name, { extensions: limited(constraints) });
    const root = issue(folder, `${name}-root`, { extensions: limited(above) });
    const own = issue(folder, name, { extensions: limited(constraints), issuer: root });
    return { key: own.key, cert: bundle(join(folder, `${name}-both.pem`), own.cert, root.cert) };
  };
  let counter = 0;
  const constrained = async (
    input: Constrained,
    policy: Partial<PolicyOptions> = {},
  ): Promise<Rig & { root: string }> => {
    counter += 1;
    const caFiles = caOf(`constrained-${counter}`, input);
    const started = await startRig({
      trust: [ca.rootFile],
      caFiles,
      hosts: { 'x.corp.test': '127.0.0.2', 'ok.test': '127.0.0.2' },
      policy: { rules: [{ name: 'all', hosts: HOSTS, action: 'allow' }], ...policy },
    });
    const root = started.ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.at(-1) ?? '';
    return { ...started, root };
  };

  test.each(CONSTRAINED)('$id: $name is refused at the CONNECT, with the reason; the others work', async (row) => {
    const at = await constrained(row.input);
    let before = 0;
    for (const name of HOSTS) {
      const authority = `${name}:${origin.port}`;
      const accepted = origin.accepted;
      if (row.expected.includes(name)) {
        const tls = await tlsThrough(at.port, authority, { ca: at.root, ...nameOf(authority) });
        expect(await get(tls, authority)).toMatch(/^HTTP\/1\.1 200 /);
        before += 2;
        await at.entries(before);
        continue;
      }
      const { socket, head } = await connectThrough(at.port, authority);
      expect(head).toMatch(/^HTTP\/1\.1 403 Denied by all: /);
      expect(head).toContain(`the name constraints of our CA leave out ${name}`);
      expect((await at.entries(before + 1))[before]).toMatchObject({
        tag: 'TCP_DENIED',
        status: 403,
        outcome: 'denied',
        action: 'deny',
        rule: 'all',
        reason: `the name constraints of our CA leave out ${name}, so it cannot be decrypted`,
        hierarchy: 'HIER_NONE',
      });
      expect(origin.accepted).toBe(accepted);
      before += 1;
      socket.destroy();
    }
  });

  test('KEY-05: what is spliced needs no leaf, and passes', async () => {
    const at = await constrained(
      { constraints: 'critical,permitted;DNS:corp.test' },
      { rules: [{ name: 'all', hosts: ['ok.test'], action: 'allow', tls: 'splice' }] },
    );
    const tls = await tlsThrough(at.port, `ok.test:${origin.port}`, { ca: ca.root });
    tls.write(`GET / HTTP/1.1\r\nHost: ok.test:${origin.port}\r\n\r\n`);
    expect(await readUntil(tls, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('KEY-05: a denial that would be told inside is told at the CONNECT', async () => {
    const at = await constrained(
      { constraints: 'critical,permitted;DNS:corp.test' },
      { rules: [{ name: 'no', hosts: ['.test'], action: 'deny', refuse: 'page' }] },
    );
    const { head } = await connectThrough(at.port, 'ok.test:443');
    expect(head).toMatch(/^HTTP\/1\.1 403 Denied by no: /);
    const inside = await tlsThrough(at.port, 'x.corp.test:443', { ca: at.root });
    expect(await get(inside, 'x.corp.test')).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('KEY-05: TLS to the proxy itself names what the CA may name', async () => {
    const at = await constrained({ constraints: 'critical,permitted;DNS:corp.test' });
    const tls = connectTls({ host: '127.0.0.1', port: at.port, ca: at.root });
    await once(tls, 'secureConnect');
    expect(tls.getPeerX509Certificate()?.subjectAltName).toBe('IP Address:127.0.0.1');
    tls.destroy();
  });

  test('KEY-05: where it may name none of them there is no leaf, and the log says why', async () => {
    const at = await constrained({
      constraints: 'critical,permitted;DNS:corp.test,permitted;IP:10.0.0.0/255.0.0.0',
    });
    const tls = connectTls({ host: '127.0.0.1', port: at.port, ca: at.root });
    await once(tls, 'error');
    expect((await at.entries(1))[0]).toMatchObject({
      outcome: 'failed',
      error: 'ca-unusable',
      error_detail: 'Its name constraints leave out 127.0.0.1, localhost.',
    });
  });
});

test('afterwards the proxy serves a clean request at once', async () => {
  const authority = `ok.test:${origin.port}`;
  const begin = performance.now();
  expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority)).toMatch(/^HTTP\/1\.1 200 /);
  expect(performance.now() - begin).toBeLessThan(1_000);
  await until(() => rig.proxy.connections === 0, 'all connections to be closed');
});
