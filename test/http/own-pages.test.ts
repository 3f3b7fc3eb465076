// What the proxy serves itself: help, its CA in every form, proxy.pac and the self-test.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAuthority } from '../../src/core/authority.ts';
import { beginSession, beginTunnel } from '../../src/core/session.ts';
import { OWN_HOST, OwnPages } from '../../src/http/own-pages.ts';
import { openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { permitFor } from '../support/upstream.ts';

const folder = mkdtempSync(join(tmpdir(), 'own-pages-'));
const PROXY = 'proxy.test:3128';
let pages: OwnPages;
let certificate: X509Certificate;

beforeAll(async () => {
  const { ca } = await openCertificateAuthority({ cert: join(folder, 'ca.pem'), key: join(folder, 'ca-key.pem') });
  certificate = ca.certificate;
  pages = new OwnPages(ca);
});
afterAll(() => rmSync(folder, { recursive: true }));

const bodyOf = (path: string, proxy = PROXY): string => pages.page(path, proxy)?.body.toString() ?? '';

describe('the help page', () => {
  test('names the proxy as the client spelled it, and the fingerprint of the CA', () => {
    expect(pages.page('/', PROXY)?.type).toBe('text/html');
    expect(bodyOf('/')).toContain('export HTTPS_PROXY=http://proxy.test:3128');
    expect(bodyOf('/')).toContain(certificate.fingerprint256);
  });

  test('links to nothing that is not there', () => {
    const links = [...bodyOf('/').matchAll(/href="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) expect(pages.page(link, PROXY)).toBeDefined();
  });

  test('escapes the address', () => {
    expect(bodyOf('/', '<script>"x"')).not.toContain('<script>');
  });
});

describe('the CA', () => {
  test.each([
    ['/ca.pem', 'application/x-pem-file', 'sallyport-ca.pem'],
    ['/ca.crt', 'application/x-x509-ca-cert', 'sallyport-ca.crt'],
    ['/ca.der', 'application/x-x509-ca-cert', 'sallyport-ca.der'],
  ])('at %s is the certificate, and never the key', (path, type, file) => {
    const page = pages.page(path, PROXY);
    expect(page).toMatchObject({ type, file });
    expect(new X509Certificate(page?.body ?? '').fingerprint256).toBe(certificate.fingerprint256);
    expect(page?.body.toString('latin1')).not.toContain('PRIVATE');
  });

  test('at /ca.p12 is a trust store', () => {
    const page = pages.page('/ca.p12', PROXY);
    expect(page).toMatchObject({ type: 'application/x-pkcs12', file: 'sallyport-ca.p12' });
    expect(page?.body[0]).toBe(0x30);
  });
});

describe('proxy.pac', () => {
  const choose = (proxy: string, host: string): unknown =>
    runInNewContext(`${bodyOf('/proxy.pac', proxy)}\nFindProxyForURL('http://' + host + '/', host);`, { host });

  test.each([
    ['www.test', 'PROXY proxy.test:3128'],
    ['localhost', 'DIRECT'],
    ['127.0.0.1', 'DIRECT'],
    ['169.254.169.254', 'DIRECT'],
  ])('sends %s to %s', (host, expected) => {
    expect(pages.page('/proxy.pac', PROXY)?.type).toBe('application/x-ns-proxy-autoconfig');
    expect(choose(PROXY, host)).toBe(expected);
  });

  test.each([
    ['[::1]:3128', 'PROXY [::1]:3128'],
    ["x'; evil(); '", 'PROXY proxy.invalid:3128'],
    ['a\nb', 'PROXY proxy.invalid:3128'],
    ['a; DIRECT', 'PROXY proxy.invalid:3128'],
  ])('for the proxy %j says %s', (proxy, expected) => {
    expect(choose(proxy, 'www.test')).toBe(expected);
  });
});

describe('any other path', () => {
  test.each(['/nothing', '', '//', '/ca.pem/', '/CA.PEM', '/constructor', '/__proto__', '/ca-key.pem'])(
    '%j has no page',
    (path) => {
      expect(pages.page(path, PROXY)).toBeUndefined();
    },
  );
});

describe('the self-test', () => {
  const session = beginSession({ address: '192.0.2.7', port: 1 });
  const report = (...args: Parameters<OwnPages['selfTest']>): unknown =>
    JSON.parse(pages.selfTest(...args).body.toString());

  test('over plain http says that nothing was decrypted', () => {
    expect(pages.selfTest(session, undefined).type).toBe('application/json');
    expect(report(session, undefined)).toEqual({
      proxied: true,
      decrypted: false,
      trusted: false,
      client: '192.0.2.7',
      user: null,
      tls: { client: null, proxy: null },
    });
  });

  test('inside a tunnel says what was negotiated on each side', () => {
    const authority = parseAuthority(`${OWN_HOST}:443`);
    if (!authority.ok) throw new Error(authority.reason);
    const facts = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' };
    const tunnel = { ...beginTunnel(authority.value, permitFor(`${OWN_HOST}:443`), 0), clientTls: facts };
    expect(report({ ...session, proxyTls: facts }, tunnel)).toMatchObject({
      decrypted: true,
      trusted: true,
      tls: { client: facts, proxy: facts },
    });
  });
});

describe('while one CA takes the place of another', () => {
  const { certificate: pem } = createCa();
  const previous = new X509Certificate(pem);

  test('the help page offers both, and each can be had', async () => {
    const { ca } = await openCertificateAuthority({ cert: join(folder, 'ca.pem'), key: join(folder, 'ca-key.pem') });
    const both = new OwnPages({ ...ca, previous });
    const page = both.page('/', PROXY)?.body.toString() ?? '';
    expect(page).toContain(certificate.fingerprint256);
    expect(page).toContain(previous.fingerprint256);
    for (const [, link = ''] of page.matchAll(/href="([^"]+)"/g)) expect(both.page(link, PROXY)).toBeDefined();
    expect(both.page('/ca-previous.pem', PROXY)?.body.toString()).toBe(previous.toString());
    expect(both.page('/ca-previous.der', PROXY)?.body).toEqual(previous.raw);
    expect(both.page('/ca.pem', PROXY)?.body.toString()).toBe(certificate.toString());
  });

  test('else there is none', () => {
    expect(bodyOf('/')).not.toContain('ca-previous');
    expect(pages.page('/ca-previous.pem', PROXY)).toBeUndefined();
  });
});
