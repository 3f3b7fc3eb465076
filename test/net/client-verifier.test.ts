// Real handshakes with certificates of every kind: who is the user, or why nobody is.

import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { acceptTls } from '../../src/net/client-tls.ts';
import { ClientVerifier } from '../../src/net/client-verifier.ts';
import { readClientTrust } from '../../src/pki/client-trust.ts';
import { CA, CLIENT, leafFor, type Made, type Wish, Workshop } from '../support/chain-workshop.ts';
import { constructed, element, type Tbs } from '../support/der-edit.ts';
import { socketPair } from '../support/socket-pair.ts';

const workshop = new Workshop();
let root: Made;
let server: Made;
let crl: string;
let revoked: Made;

beforeAll(async () => {
  root = await workshop.root();
  server = await workshop.issue(root, { extensions: leafFor('DNS:proxy.test') });
  revoked = await workshop.issue(root, { subject: '/CN=vm-12', extensions: CLIENT });
  crl = await workshop.revocations(root, [revoked], false);
});
afterAll(() => workshop.close());

interface Options {
  readonly user?: 'cn' | 'san';
  readonly crl?: readonly string[];
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly session?: Buffer;
}

/** What the proxy makes of a client with this certificate, and the client's end. */
async function judge(shown: Made | undefined, options: Options = {}, chain: readonly Made[] = []) {
  const { near, far } = await socketPair();
  near.pause();
  const trust = readClientTrust([root.certFile], options.crl ?? []);
  const context = createSecureContext({ cert: server.cert, key: server.key, minVersion: 'TLSv1.2', ...trust.context });
  const accepted = acceptTls(near, { context, timeout: 5_000, requestCert: true });
  const client = connect({
    socket: far,
    servername: 'proxy.test',
    ca: root.cert,
    maxVersion: options.maxVersion ?? 'TLSv1.3',
    ...(shown ? { cert: [shown, ...chain].map(({ cert }) => cert).join('\n'), key: shown.key } : {}),
    ...(options.session ? { session: options.session } : {}),
  });
  client.on('error', () => undefined);
  onTestFinished(() => void client.destroy());
  const handshake = await accepted;
  if (handshake.outcome !== 'secure') throw new Error(`no handshake: ${JSON.stringify(handshake)}`);
  const verifier = new ClientVerifier(trust, { mode: 'require', user: options.user ?? 'cn' });
  return { verdict: verifier.userOf(handshake.socket), server: handshake.socket, client };
}

const issue = (wish: Wish, issuer: Made = root): Promise<Made> =>
  workshop.issue(issuer, { subject: '/CN=vm-12', extensions: CLIENT, ...wish });
const withName = (san: string): Wish => ({ extensions: [...CLIENT, `subjectAltName=${san}`] });

describe('the user is', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('the common name, by %s', async (maxVersion) => {
    const { verdict } = await judge(await issue({}), { maxVersion });
    expect(verdict).toEqual({ ok: true, value: 'vm-12' });
  });

  test('found through an intermediate that is sent along', async () => {
    const middle = await workshop.middle();
    const { verdict } = await judge(await issue({}, middle), {}, [middle]);
    expect(verdict).toEqual({ ok: true, value: 'vm-12' });
  });

  test.each([
    ['DNS:vm-12.example.com', 'vm-12.example.com'],
    ['email:alice@example.com', 'alice@example.com'],
    ['URI:spiffe://example.com/vm/12', 'spiffe://example.com/vm/12'],
    ['DNS:vm-12.example.com,IP:192.0.2.1', 'vm-12.example.com'],
  ])('the one alternative name %s', async (san, user) => {
    const { verdict } = await judge(await issue(withName(san)), { user: 'san' });
    expect(verdict).toEqual({ ok: true, value: user });
  });

  test('nobody where there is no certificate', async () => {
    expect((await judge(undefined)).verdict).toBeUndefined();
  });

  test('one whom the list does not name', async () => {
    const { verdict } = await judge(await issue({}), { crl: [crl] });
    expect(verdict).toEqual({ ok: true, value: 'vm-12' });
  });
});

/** A certificate of that common name, in UTF-8: openssl makes none of more than 64 characters (RFC 5280 appendix A.1). */
async function called(name: string): Promise<Made> {
  const attribute = constructed(0x30, element(0x06, [0x55, 0x04, 0x03]), element(0x0c, Buffer.from(name)));
  const rename = (fields: Tbs): void => {
    fields.subject = constructed(0x30, constructed(0x31, attribute));
  };
  return workshop.bend(await issue({}), root, rename);
}

describe('MTLS-02: a name that is hard to read', () => {
  test.each([
    ['UTF-8', 'Zo\u00eb M\u00fcller, \u65e5\u672c'],
    ['what another spelling of it would be', 'Zoe\u0308'],
    ['as many characters as a name may have', 'x'.repeat(256)],
  ])('%s is that name as it stands', async (_name, name) => {
    expect((await judge(await called(name))).verdict).toEqual({ ok: true, value: name });
  });

  test.each([
    ['a comma', '/CN=vm-12\\, O=admin', 'vm-12, O=admin'],
    ['a quote', '/CN=vm"12', 'vm"12'],
    ['what looks like a field', '/CN=vm-12\\/CN=admin', 'vm-12/CN=admin'],
    ['another order', '/CN=vm-12/O=CN=admin', 'vm-12'],
  ])('%s is that name and no other', async (_name, subject, user) => {
    expect((await judge(await issue({ subject }))).verdict).toEqual({ ok: true, value: user });
  });
});

describe('MTLS-01: nobody is known by', () => {
  test.each<[string, Wish, RegExp]>([
    [
      'an expired certificate',
      { from: '20230101000000Z', to: '20240101000000Z' },
      /has expired: the client has to renew it.*CERT_HAS_EXPIRED/,
    ],
    ['one that is not yet valid', { from: '20390101000000Z' }, /CERT_NOT_YET_VALID/],
    ['one for servers', { extensions: leafFor('DNS:vm-12') }, /INVALID_PURPOSE|not-for-clients/],
    ['one that does not say what it is for', { extensions: ['basicConstraints=critical,CA:FALSE'] }, /not-for-clients/],
    ['one of version 1', { extensions: [] }, /\(version\)/],
    ['one that is a CA', { extensions: [...CA, 'extendedKeyUsage=clientAuth'] }, /\(ca-as-server\)|INVALID_PURPOSE/],
    [
      'one with an unknown critical extension',
      { extensions: [...CLIENT, '1.2.3.4=critical,DER:0500'] },
      /UNHANDLED_CRITICAL_EXTENSION|unknown-critical/,
    ],
    ['MTLS-02: one without a common name', { subject: '/O=Example' }, /no common name/],
    ['MTLS-02: one with two', { subject: '/CN=vm-12/CN=admin' }, /several common names/],
    ['MTLS-02: one with a newline in it', { subject: '/CN=vm-12\nCN=admin' }, /cannot be that of a user/],
  ])('%s', async (_name, wish, reason) => {
    const { verdict } = await judge(await issue(wish));
    expect(verdict).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  test.each([
    ['of 1,000 characters', `vm-12${'x'.repeat(995)}`, /: it is longer than 256 characters/],
    ['of 1,000 characters of several bytes', '\u65e5'.repeat(1_000), /: it is longer than 256 characters/],
    ['with a mark that turns it around', 'admin\u202e21-mv', /: it holds a character that cannot be seen/],
  ])('MTLS-02: a common name %s', async (_name, name, reason) => {
    const { verdict } = await judge(await called(name));
    expect(verdict).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  test.each<[string, string, RegExp]>([
    [
      'MTLS-02: an alternative name of 1,000 characters',
      `URI:spiffe://example.com/${'x'.repeat(976)}`,
      /: it is longer than 256 characters/,
    ],
    ['MTLS-02: an alternative name that is UTF-8', 'email:zo\u00eb@example.com', /holds more than plain characters/],
    ['two alternative names', 'DNS:vm-12,email:admin@example.com', /several DNS, mail or URI names/],
    ['an address alone', 'IP:192.0.2.1', /no DNS, mail or URI name/],
  ])('%s', async (_name, san, reason) => {
    const { verdict } = await judge(await issue(withName(san)), { user: 'san' });
    expect(verdict).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  test('one that signed itself, with the same subject', async () => {
    const { verdict } = await judge(await workshop.issue(undefined, { subject: '/CN=vm-12', extensions: CLIENT }));
    expect(verdict).toEqual({
      ok: false,
      reason: expect.stringMatching(/self-signed.*auth\.clientCertificates\.trust/),
    });
  });

  test('one of another authority, even of the same name', async () => {
    const other = await workshop.issue(undefined, { subject: '/CN=root', keyName: 'another root', extensions: CA });
    const { verdict } = await judge(await issue({}, other), {}, [other]);
    expect(verdict).toMatchObject({ ok: false });
  });

  test('one that was revoked', async () => {
    const { verdict } = await judge(revoked, { crl: [crl] });
    expect(verdict).toEqual({
      ok: false,
      reason: expect.stringMatching(/revoked: the client needs a new one.*CERT_REVOKED/),
    });
    expect((await judge(revoked)).verdict).toEqual({ ok: true, value: 'vm-12' });
  });
});

describe('MTLS-03: a session', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('is never resumed, by %s', async (maxVersion) => {
    const first = await judge(await issue({}), { maxVersion });
    const session = await sessionOf(first.client, first.server);
    const again = await judge(await issue({}), { maxVersion, ...(session ? { session } : {}) });
    expect(again.server.isSessionReused()).toBe(false);
    expect(again.verdict).toEqual({ ok: true, value: 'vm-12' });
  });
});

/** What the client got for another time, once a byte behind it has come. */
async function sessionOf(client: TLSSocket, server: TLSSocket): Promise<Buffer | undefined> {
  let session: Buffer | undefined;
  client.on('session', (got: Buffer) => {
    session = got;
  });
  server.write('x');
  await new Promise((resolve) => client.once('data', resolve));
  return session ?? client.getSession();
}
