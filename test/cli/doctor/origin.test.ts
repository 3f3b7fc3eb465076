// The way to an origin, as the doctor sees it: what is well, what is not, and how to mend it. Real origins on loopback.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { checkConnection, checkName, type Seen } from '../../../src/cli/doctor/origin.ts';
import { parseAuthority } from '../../../src/core/authority.ts';
import type { Permit } from '../../../src/core/decision.ts';
import { leadsTo } from '../../../src/net/listener.ts';
import { Resolver } from '../../../src/net/resolver.ts';
import { upstreamOf } from '../../../src/proxy.ts';
import { httpOrigin, httpsOrigin, listening, tcpOrigin } from '../../support/origin.ts';
import { type RigOptions, rigConfig } from '../../support/rig.ts';
import { TestCa } from '../../support/test-ca.ts';

const ca = new TestCa();

function permitFor(text: string): Permit {
  const authority = parseAuthority(text);
  if (!authority.ok) throw new Error(authority.reason);
  const verdict = { step: 'connect', authority: authority.value, rule: 'x', reason: 'x' } as const;
  return { ...verdict, action: 'allow', tls: 'bump', deferred: false, wouldDeny: false };
}

/** All that is found on the way, each by its check. */
async function way(text: string, options: RigOptions, scheme: 'https' | 'http' = 'https') {
  const folder = mkdtempSync(join(tmpdir(), 'origin-'));
  const config = rigConfig(folder, { trust: [ca.rootFile], servers: ['127.0.0.1:9'], ...options });
  const seen: Seen = {};
  const resolver = new Resolver(config.resolver, config.limits.connectTimeout);
  const upstream = upstreamOf(config, (address, port) => leadsTo(config.listen, address, port), {
    resolver,
    ca: undefined,
    identities: undefined,
    ownDials: undefined,
    via: undefined,
    onParent: () => undefined,
    onShown: (leaf) => {
      seen.leaf = leaf;
    },
  });
  const named = await checkName({ config, resolver, upstream }, permitFor(text));
  const rest = named.route ? await checkConnection({ upstream, seen }, named.route, scheme) : [];
  const all = [...named.findings, ...rest];
  return { all, of: (check: string): Finding | undefined => all.find((one) => one.check === check), seen };
}

const hosts = { 'ok.test': '127.0.0.1', 'private.test': '10.0.0.1' };

async function secureOrigin(pair = ca.leaf({ san: 'DNS:ok.test,DNS:b.test' })): Promise<number> {
  const origin = await httpsOrigin(pair, (_, response) => void response.end());
  onTestFinished(() => origin.close());
  return origin.port;
}

describe('an origin', () => {
  test('that is well is told by address, TLS, chain and what it asks for', async () => {
    const port = await secureOrigin();
    const { all, of, seen } = await way(`ok.test:${port}`, { hosts });
    expect(all.map(({ check, state }) => `${check} ${state}`)).toEqual([
      'DNS ok',
      'dial ok',
      'handshake ok',
      'certificate ok',
      'client certificate ok',
    ]);
    expect(of('DNS')?.reason).toBe('127.0.0.1 (by a hosts entry), which may be dialled');
    expect(of('dial')?.reason).toMatch(/^127\.0\.0\.1 answers within \d+ ms$/);
    expect(of('handshake')?.reason).toMatch(/^TLS 1\.3, TLS_AES_\w+, HTTP\/1\.1 in \d+ ms$/);
    expect(of('certificate')?.reason).toMatch(
      /^its chain and its name stand: for ok\.test, b\.test, issued by Test Root, valid \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d, \d sent$/,
    );
    expect(seen.leaf).toBeInstanceOf(X509Certificate);
  });

  test('in the clear is only dialled', async () => {
    const origin = await httpOrigin((_, response) => void response.end());
    onTestFinished(() => origin.close());
    const { all } = await way(`ok.test:${origin.port}`, { hosts }, 'http');
    expect(all.map(({ check, state }) => `${check} ${state}`)).toEqual(['DNS ok', 'dial ok']);
  });

  test.each([
    [
      'private',
      'private.test:443',
      { hosts },
      'DNS',
      /10\.0\.0\.1 \(by a hosts entry\), and none of it may be dialled: private/,
      /allowAddresses/,
    ],
    ['unknown', 'nowhere.test:443', { hosts }, 'DNS', /nowhere\.test/, /resolver|name servers/],
    ['not there', 'ok.test:1', { hosts }, 'dial', /ECONNREFUSED/, /firewall/],
    [
      'this proxy itself',
      'ok.test:4711',
      { hosts, port: 4711 },
      'DNS',
      /loop: 127\.0\.0\.1 port 4711 is this proxy itself/,
      /\w/,
    ],
  ] as const)('that is %s', async (_, text, options, check, reason, mend) => {
    const { all } = await way(text, options);
    expect(all.at(-1)).toMatchObject({ check, state: 'failed', reason: expect.stringMatching(reason) });
    expect(all.at(-1)?.mend).toMatch(mend);
  });

  test.each([
    [
      'expired',
      { san: 'DNS:ok.test', notBefore: '20200101000000Z', notAfter: '20210101000000Z' },
      /has expired.*valid 2020-01-01 to 2021-01-01/,
    ],
    ['for another name', { san: 'DNS:other.test' }, /for other\.test, not for ok\.test/],
    ['not for servers', { san: 'DNS:ok.test', extensions: ['extendedKeyUsage=clientAuth'] }, /not meant for/],
  ])('whose certificate is %s, which is described all the same', async (_, wish, reason) => {
    const port = await secureOrigin(ca.leaf(wish));
    const { all, of } = await way(`ok.test:${port}`, { hosts });
    expect(all.map(({ check, state }) => `${check} ${state}`)).toEqual([
      'DNS ok',
      'dial ok',
      'handshake ok',
      'certificate failed',
    ]);
    expect(of('certificate')?.reason).toMatch(reason);
    expect(of('certificate')?.reason).toContain('issued by Test Root');
    expect(of('certificate')?.mend).toMatch(/tls: splice/);
  });

  test('of an unknown root is told with its issuer, and where to put the root', async () => {
    const other = new TestCa('Corporate Inspection');
    const port = await secureOrigin(other.leaf({ san: 'DNS:ok.test' }));
    const { of } = await way(`ok.test:${port}`, { hosts });
    expect(of('certificate')).toMatchObject({ state: 'failed', mend: expect.stringMatching(/upstream\.trust/) });
    expect(of('certificate')?.reason).toContain('issued by Corporate Inspection');
  });

  test('that does not speak TLS', async () => {
    const origin = await tcpOrigin((socket) => void socket.end('220 mail.example.com ESMTP\r\n'));
    onTestFinished(() => origin.close());
    const { of } = await way(`ok.test:${origin.port}`, { hosts });
    expect(of('dial')?.state).toBe('ok');
    expect(of('handshake')).toMatchObject({ state: 'failed', mend: expect.stringMatching(/is not TLS/) });
  });

  test('that speaks only old TLS', async () => {
    const pair = ca.leaf({ san: 'DNS:ok.test' });
    const options = { ...pair, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const origin = await listening(createSecureServer(options), '127.0.0.1');
    onTestFinished(() => origin.close());
    const { of } = await way(`ok.test:${origin.port}`, { hosts });
    expect(of('handshake')).toMatchObject({ state: 'failed', mend: expect.stringMatching(/TLS newer than 1\.1/) });
  });

  test.each([
    [true, 'failed'],
    [false, 'warning'],
  ])('that asks for a client certificate (and insists: %s)', async (rejectUnauthorized, state) => {
    const pair = ca.leaf({ san: 'DNS:ok.test' });
    const options = { ...pair, ca: ca.root, requestCert: true, rejectUnauthorized };
    const origin = await listening(createSecureServer(options), '127.0.0.1');
    onTestFinished(() => origin.close());
    const { of } = await way(`ok.test:${origin.port}`, { hosts });
    expect(of('client certificate')).toMatchObject({ state, mend: expect.stringMatching(/tls: splice/) });
  });

  test('that says nothing is given up in time', async () => {
    const origin = await tcpOrigin(() => undefined);
    onTestFinished(() => origin.close());
    const { of } = await way(`ok.test:${origin.port}`, { hosts, limits: { handshakeTimeout: 100 } });
    expect(of('handshake')).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('No end of the handshake'),
    });
  });
});
