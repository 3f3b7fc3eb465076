// Tunnels to origins that want a client certificate, whole: real handshakes in both versions, the page, the memory, and
// the certificates that are configured for some hosts and go nowhere else.

import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exempt, isSign } from '../../src/flow/exempt.ts';
import { WantingOrigins } from '../../src/flow/wanting-origins.ts';
import { CertificateWish } from '../../src/net/certificate-wish.ts';
import type { RuleOptions } from '../../src/policy/policy.ts';
import { listening, type Origin } from '../support/origin.ts';
import { parentAt } from '../support/parents.ts';
import { get, type Rig, type RigOptions, readUntil, startRig, tlsThrough, WORKERS } from '../support/rig.ts';
import { findTool, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';
import { permitFor } from '../support/upstream.ts';

const CURL = findTool('curl');
const ca = new TestCa();
const clients = new TestCa('Client Root');
const CLIENT = ['extendedKeyUsage=clientAuth'];
const server = ca.leaf({ san: 'DNS:ok.test,DNS:other.test,DNS:*.wild.test' });
const identity = clients.leaf({ cn: 'the proxy', extensions: CLIENT });
const own = clients.leaf({ cn: 'the client itself', extensions: CLIENT });

/** Paths of an identity, as the config names them. */
function identityFiles(pair = identity, name = 'identity') {
  const [cert, key] = [join(ca.folder, `${name}.pem`), join(ca.folder, `${name}-key.pem`)];
  writeFileSync(cert, pair.cert);
  writeFileSync(key, pair.key, { mode: 0o600 });
  chmodSync(key, 0o600);
  return { cert, key };
}

interface WantingOrigin extends Origin {
  /** Common names of the clients' certificates, one for each request. */
  readonly seen: string[];
}

async function wantingOrigin(options: TlsOptions): Promise<WantingOrigin> {
  const seen: string[] = [];
  const https = createServer({ ...server, ca: clients.root, ...options }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    seen.push(String(subject?.CN ?? 'nobody'));
    response.end(`hello ${seen.at(-1)}`);
  });
  const origin = await listening(https, '127.0.0.1');
  onTestFinished(() => origin.close());
  return Object.assign(origin, { seen });
}

const REQUIRED = { requestCert: true, rejectUnauthorized: true };
const OPTIONAL = { requestCert: true, rejectUnauthorized: false };
const rule = (more: Partial<RuleOptions> = {}): RuleOptions => ({
  name: 'all',
  hosts: ['.test'],
  action: 'allow',
  ...more,
});

function rigFor(more: Partial<RuleOptions> = {}, options: RigOptions = {}): Promise<Rig> {
  return startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1', 'other.test': '127.0.0.1', 'a.wild.test': '127.0.0.1' },
    policy: { rules: [rule(more)] },
    ...options,
  });
}

const VERSIONS = [['TLSv1.2'], ['TLSv1.3']] as const;

describe('a reply that refuses, of an origin that has asked', () => {
  const authority = { kind: 'name', host: 'ok.test', port: 443 } as const;
  const permit = { ...permitFor('ok.test:443'), onClientCert: 'splice' } as const;
  const asked = { wish: new CertificateWish(authority, false) };
  const known = () => ({ rejections: undefined, wanting: new WantingOrigins(), identities: undefined });

  test('is a sign worth telling, once an hour, and nothing passes unread for it', () => {
    for (const status of [400, 403, 495, 496]) {
      const one = known();
      expect([isSign(one, permit, asked, status), isSign(one, permit, asked, status)]).toEqual([true, false]);
      expect(exempt(one, '10.0.0.5', permit)).toMatchObject({ tls: 'bump' });
    }
  });

  test('is none where it says something else, or where nobody asked, or where we have shown one', () => {
    const withOurs = { ...permit, identity: 'client certificate 1' };
    const cases = [
      isSign(known(), permit, asked, 200),
      isSign(known(), permit, asked, 401),
      isSign(known(), permit, {}, 403),
      isSign(known(), undefined, asked, 403),
      isSign(known(), withOurs, asked, 403),
    ];
    expect(cases).toEqual([false, false, false, false, false]);
  });
});

describe.each(VERSIONS)('an origin that requires a client certificate, %s', (maxVersion) => {
  test('is told within a second by a page that names the mend', async () => {
    const origin = await wantingOrigin({ ...REQUIRED, maxVersion });
    const rig = await rigFor();
    const authority = `ok.test:${origin.port}`;
    const begin = performance.now();
    const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority);
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(reply).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect(reply).toContain('<dt>Code</dt><dd>client-cert-required</dd>');
    expect(reply).toContain('upstream.clientCertificates');
    expect(reply).toContain('onClientCert: splice');
    const entries = await rig.entries(2);
    expect(entries[1]).toMatchObject({ error: 'client-cert-required', outcome: 'failed', status: 502 });
    expect(entries[1]?.['error_detail']).toContain(authority);
    expect(origin.seen).toEqual([]);
  });

  test('is refused again the next time where the rule says nothing', async () => {
    const origin = await wantingOrigin({ ...REQUIRED, maxVersion });
    const rig = await rigFor();
    const authority = `ok.test:${origin.port}`;
    for (let i = 0; i < 2; i += 1) {
      expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority)).toContain(' 502 ');
    }
    expect((await rig.entries(4)).map(({ outcome }) => outcome)).toEqual(['bumped', 'failed', 'bumped', 'failed']);
  });

  test('gets the client itself at once where the rule permits, and the line says why', async () => {
    const origin = await wantingOrigin({ ...REQUIRED, maxVersion });
    const rig = await rigFor({ onClientCert: 'splice' });
    const authority = `ok.test:${origin.port}`;
    for (let i = 0; i < 2; i += 1) {
      const tls = await tlsThrough(rig.port, authority, { ca: ca.root, ...own });
      expect(await get(tls, authority)).toContain('hello the client itself');
    }
    const entries = await rig.entries(2);
    expect(entries).toHaveLength(2);
    for (const entry of entries) {
      expect(entry).toMatchObject({ outcome: 'spliced', tls: 'splice', exception: 'client-cert', rule: 'all' });
      expect(entry['reason']).toContain('the origin goes on only with a client certificate');
    }
    // It is asked once, and then known: so often, and by each client.
    if (WORKERS === 1) expect(origin.accepted).toBe(3);
  });

  test('is not passed unread where a URL rule decides', async () => {
    const origin = await wantingOrigin({ ...REQUIRED, maxVersion });
    const url = { name: 'url', urls: [`https://ok.test:${origin.port}/x`], action: 'allow' as const };
    const rig = await rigFor({}, { policy: { onClientCert: 'splice', rules: [url, rule()] } });
    const authority = `ok.test:${origin.port}`;
    for (let i = 0; i < 2; i += 1) {
      expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority, '/x')).toContain(' 502 ');
    }
    expect((await rig.entries(4)).filter(({ outcome }) => outcome === 'spliced')).toEqual([]);
  });

  test('is not passed unread without a server name', async () => {
    const origin = await wantingOrigin({ ...REQUIRED, maxVersion });
    const rig = await rigFor({ onClientCert: 'splice' });
    const authority = `ok.test:${origin.port}`;
    const tls = await tlsThrough(rig.port, authority, {
      ca: rig.ca,
      servername: '',
      checkServerIdentity: () => undefined,
    });
    expect(await get(tls, authority)).toContain('client-cert-required');
    expect((await rig.entries(2)).map(({ outcome }) => outcome)).toEqual(['bumped', 'failed']);
  });

  test('goes on where it only asked', async () => {
    const origin = await wantingOrigin({ ...OPTIONAL, maxVersion });
    for (const onClientCert of ['refuse', 'splice'] as const) {
      const rig = await rigFor({ onClientCert });
      const authority = `ok.test:${origin.port}`;
      for (let i = 0; i < 2; i += 1) {
        expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority)).toContain('hello nobody');
      }
      expect((await rig.entries(4)).every(({ tls }) => tls === 'bump')).toBe(true);
    }
  });

  test('gets the certificate that is configured for it, and no other origin does', async () => {
    const origin = await wantingOrigin({ ...OPTIONAL, maxVersion });
    const strict = await wantingOrigin({ ...REQUIRED, maxVersion });
    const rig = await rigFor({}, { clientCertificates: [{ hosts: ['ok.test'], ...identityFiles() }] });
    for (const host of ['ok.test', 'other.test', 'ok.test', 'other.test']) {
      const authority = `${host}:${origin.port}`;
      await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority);
    }
    expect(origin.seen).toEqual(['the proxy', 'nobody', 'the proxy', 'nobody']);
    const authority = `ok.test:${strict.port}`;
    expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority)).toContain('hello the proxy');
  });

  test('that does not take the configured one says so', async () => {
    const stranger = new TestCa('Stranger').leaf({ cn: 'stranger', extensions: CLIENT });
    const origin = await wantingOrigin({ ...REQUIRED, maxVersion });
    const files = identityFiles(stranger, `stranger-${maxVersion}`);
    const rig = await rigFor({ onClientCert: 'splice' }, { clientCertificates: [{ hosts: ['ok.test'], ...files }] });
    const authority = `ok.test:${origin.port}`;
    const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority);
    expect(reply).toContain(`${authority} did not take the certificate that upstream.clientCertificates has for it`);
  });
});

describe('an origin that asks and then closes without a word, in TLS 1.3', () => {
  const closing = async (): Promise<Origin> => {
    const tls = createTlsServer({ ...server, ca: clients.root, ...OPTIONAL, minVersion: 'TLSv1.3' }, (socket) => {
      socket.on('error', () => undefined);
      if (socket.getPeerCertificate().subject?.CN !== 'the client itself') socket.end();
      else socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello'));
    });
    tls.on('tlsClientError', () => undefined);
    const origin = await listening(tls, '127.0.0.1');
    onTestFinished(() => origin.close());
    return origin;
  };

  test('is told by the page', async () => {
    const origin = await closing();
    const rig = await rigFor();
    const authority = `ok.test:${origin.port}`;
    const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority);
    expect(reply).toContain('<dt>Code</dt><dd>client-cert-required</dd>');
    expect((await rig.entries(2))[1]).toMatchObject({ error: 'client-cert-required', status: 502 });
  });

  test('gets the client itself where the rule permits, each time by what it does then and nothing remembered', async () => {
    const origin = await closing();
    const rig = await rigFor({ onClientCert: 'splice' });
    const authority = `ok.test:${origin.port}`;
    for (let i = 0; i < 2; i += 1) {
      const tls = await tlsThrough(rig.port, authority, { ca: ca.root, ...own });
      expect(await get(tls, authority)).toContain('hello');
    }
    expect(await rig.entries(2)).toMatchObject([{ exception: 'client-cert' }, { exception: 'client-cert' }]);
    // One look at it for each tunnel, and one connection that the client had.
    expect(origin.accepted).toBe(4);
  });
});

test('a certificate of ours that an origin does not take says nothing about those who have none', async () => {
  const stranger = new TestCa('Stranger').leaf({ cn: 'stranger', extensions: CLIENT });
  const asking = createTlsServer({ ...server, ca: clients.root, ...OPTIONAL, maxVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => undefined);
    const { subject } = socket.getPeerCertificate();
    if (subject?.CN === 'stranger') socket.destroy();
    else socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello nobody'));
  });
  asking.on('tlsClientError', () => undefined);
  const origin = await listening(asking, '127.0.0.1');
  onTestFinished(() => origin.close());
  const files = identityFiles(stranger, 'stranger-only');
  const only = { hosts: ['ok.test'], clients: ['127.0.0.9'], ...files };
  const rig = await rigFor({ onClientCert: 'splice' }, { clientCertificates: [only] });
  const authority = `ok.test:${origin.port}`;
  const socket = connect({ host: '127.0.0.1', port: rig.port, localAddress: '127.0.0.9' });
  onTestFinished(() => void socket.destroy());
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  await readUntil(socket, '\r\n\r\n');
  expect(await get(connectTls({ socket, servername: 'ok.test', ca: rig.ca }), authority)).toContain(' 502 ');
  expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority)).toContain('hello nobody');
});

test.skipIf(!CURL)(
  `a certificate for some clients only is never on a connection that serves others${CURL ? '' : ' (skipped: no curl here)'}`,
  async () => {
    const origin = await wantingOrigin(OPTIONAL);
    const only = { hosts: ['ok.test'], clients: ['127.0.0.9'], ...identityFiles() };
    const rig = await rigFor({}, { clientCertificates: [only] });
    const authority = `ok.test:${origin.port}`;
    for (const from of ['127.0.0.9', '127.0.0.1', '127.0.0.9', '127.0.0.1']) {
      const words = [
        '-sS',
        '--interface',
        from,
        '--cacert',
        join(rig.folder, 'ca', 'ca.pem'),
        '-x',
        `http://127.0.0.1:${rig.port}`,
      ];
      expect(await run(CURL ?? '', [...words, `https://${authority}/`])).toMatchObject({ code: 0, err: '' });
    }
    expect(origin.seen).toEqual(['the proxy', 'nobody', 'the proxy', 'nobody']);
    expect(origin.accepted).toBeGreaterThanOrEqual(2);
    expect(origin.accepted).toBeLessThanOrEqual(2 * WORKERS);
    expect((await rig.entries(8)).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  },
);

/** A parent over TLS that asks for a client certificate, and notes whose it gets. */
async function askingParent(options: TlsOptions): Promise<WantingOrigin> {
  const seen: string[] = [];
  const pair = ca.leaf({ san: 'IP:127.0.0.1' });
  const tls = createTlsServer({ ...pair, ca: clients.root, ...options }, (socket) => {
    seen.push(String(socket.getPeerCertificate().subject?.CN ?? 'nobody'));
    socket
      .on('error', () => undefined)
      .once('data', (head: Buffer) => {
        const onward = connect(Number(/^CONNECT \S+:(\d+) /.exec(head.toString())?.[1]), '127.0.0.1');
        onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
        socket.on('close', () => onward.destroy()).write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(onward).pipe(socket);
      });
  });
  tls.on('tlsClientError', () => undefined);
  const origin = await listening(tls, '127.0.0.1');
  onTestFinished(() => origin.close());
  return Object.assign(origin, { seen });
}

describe.each(VERSIONS)('through a parent that speaks %s and asks for a certificate too', (maxVersion) => {
  test('an origin gets the one that is configured for it, and the parent gets none', async () => {
    const [origin, parent] = [await wantingOrigin(REQUIRED), await askingParent({ ...OPTIONAL, maxVersion })];
    const rig = await rigFor(
      {},
      {
        clientCertificates: [{ hosts: ['ok.test', '127.0.0.1'], ...identityFiles() }],
        parents: [parentAt(parent.port, { secure: true })],
      },
    );
    const authority = `ok.test:${origin.port}`;
    expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority)).toContain('hello the proxy');
    expect([origin.seen, parent.seen]).toEqual([['the proxy'], ['nobody']]);
  });

  test('an origin that gets none is told of as without a parent, and passed unread from then on', async () => {
    const [origin, parent] = [await wantingOrigin(REQUIRED), await askingParent({ ...OPTIONAL, maxVersion })];
    const parents = [parentAt(parent.port, { secure: true })];
    const rig = await rigFor({ onClientCert: 'splice' }, { parents });
    const authority = `ok.test:${origin.port}`;
    for (let i = 0; i < 2; i += 1) {
      expect(await get(await tlsThrough(rig.port, authority, { ca: ca.root, ...own }), authority)).toContain(
        'hello the client itself',
      );
    }
    expect(await rig.entries(2)).toMatchObject([
      { tls: 'splice', hierarchy: 'FIRSTUP_PARENT' },
      { tls: 'splice', hierarchy: 'FIRSTUP_PARENT' },
    ]);
    expect(new Set(parent.seen)).toEqual(new Set(['nobody']));
  });

  test('a parent that goes on only with one has failed itself', async () => {
    const parent = await askingParent({ ...REQUIRED, maxVersion });
    const rig = await rigFor({ onClientCert: 'splice' }, { parents: [parentAt(parent.port, { secure: true })] });
    const reply = await get(await tlsThrough(rig.port, 'ok.test:443', { ca: rig.ca }), 'ok.test:443');
    expect(reply).toContain(
      `hq (127.0.0.1:${parent.port}): it goes on only with a client certificate, and this proxy has none for parents.`,
    );
    const [connect] = await rig.entries(2);
    expect(connect).toMatchObject({ tls: 'bump', error: 'parent-tls' });
  });
});
