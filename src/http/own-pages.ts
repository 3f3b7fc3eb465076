// The few things the proxy serves itself: the help page, the CA in three forms, proxy.pac, and the answer of the
// self-test host. Called by flow/serve-own.

import type { Session, Tunnel } from '../core/session.ts';
import type { CertificateAuthority } from '../pki/certificate-authority.ts';
import { type CaFormat, exportCa, P12_PASSWORD } from '../pki/export-ca.ts';
import { escapeHtml, html } from './markup.ts';

/** The self-test host: bumped and answered by the proxy itself, whatever the policy. `.internal` is reserved (ICANN, 2024). */
export const OWN_HOST = 'sallyport.internal';

export interface OwnPage {
  readonly type: string;
  readonly body: Buffer;
  /** Name for the file when it is downloaded. */
  readonly file?: string;
}

const SELF_TEST_TYPE = 'application/json';
const PEM = 'application/x-pem-file';
const CERTIFICATE = 'application/x-x509-ca-cert';

const FILES: Readonly<Record<string, { readonly type: string; readonly format: CaFormat }>> = {
  '/ca.pem': { type: PEM, format: 'pem' },
  '/ca.crt': { type: CERTIFICATE, format: 'pem' },
  '/ca.der': { type: CERTIFICATE, format: 'der' },
  '/ca.p12': { type: 'application/x-pkcs12', format: 'p12' },
};

const TYPES: Readonly<Record<string, string>> = { '/': 'text/html', '/proxy.pac': 'application/x-ns-proxy-autoconfig' };

/** While clients change from one CA to the next. */
const PREVIOUS: Readonly<Record<string, { readonly type: string; readonly format: 'pem' | 'der' }>> = {
  '/ca-previous.pem': { type: PEM, format: 'pem' },
  '/ca-previous.der': { type: CERTIFICATE, format: 'der' },
};

/** The media type that the self-test host serves a path as; undefined: it has no such page. */
export function selfTestType(path: string): string | undefined {
  return path === '/' ? SELF_TEST_TYPE : (TYPES[path] ?? FILES[path]?.type);
}

export class OwnPages {
  readonly #ca: CertificateAuthority;

  constructor(ca: CertificateAuthority) {
    this.#ca = ca;
  }

  /** The page at a path; `proxy` is our own address as the client spelled it, `host:port`. */
  page(path: string, proxy: string): OwnPage | undefined {
    const type = TYPES[path];
    if (type) return { type, body: path === '/' ? this.#help(proxy) : pac(proxy) };
    const { previous } = this.#ca;
    const before = previous && PREVIOUS[path];
    if (before) {
      const body = before.format === 'pem' ? Buffer.from(previous.toString()) : Buffer.from(previous.raw);
      return { type: before.type, body, file: `sallyport-${path.slice(1)}` };
    }
    const file = FILES[path];
    if (!file) return undefined;
    return { type: file.type, body: exportCa(this.#ca, file.format), file: `sallyport-${path.slice(1)}` };
  }

  /** What the self-test host says: this client's traffic came through, and was it decrypted? */
  selfTest(session: Session, tunnel: Tunnel | undefined): OwnPage {
    const decrypted = tunnel !== undefined;
    const report = {
      proxied: true,
      decrypted,
      // A client that has finished the handshake and sent a request has accepted our certificate.
      trusted: decrypted,
      client: session.client.address,
      user: tunnel?.identity?.user ?? session.certificateUser ?? null,
      tls: { client: tunnel?.clientTls ?? null, proxy: session.proxyTls ?? null },
    };
    return { type: SELF_TEST_TYPE, body: Buffer.from(`${JSON.stringify(report)}\n`) };
  }

  #helpOnPrevious(): string[] {
    const { previous } = this.#ca;
    if (!previous) return [];
    return [
      '<p>It has taken the place of another, which programs may still need for what was signed before: <a href="/ca-previous.pem">ca-previous.pem</a> (PEM), <a href="/ca-previous.der">ca-previous.der</a> (DER), SHA-256 fingerprint:<br>',
      `<code>${escapeHtml(previous.fingerprint256)}</code></p>`,
    ];
  }

  #help(proxy: string): Buffer {
    const at = escapeHtml(proxy);
    return Buffer.from(
      html(
        'Sallyport',
        [
          '<h1>This is a Sallyport proxy</h1>',
          '<p>You have reached the proxy itself. Programs use it by name:</p>',
          `<pre>export HTTPS_PROXY=http://${at} HTTP_PROXY=http://${at}\nexport NO_PROXY=localhost,127.0.0.1,169.254.169.254,168.63.129.16</pre>`,
          '<p>Allowed HTTPS traffic may be decrypted here and is logged. For that, clients must trust this authority:</p>',
          '<ul><li><a href="/ca.pem">ca.pem</a> (PEM)</li><li><a href="/ca.der">ca.der</a> (DER)</li>',
          `<li><a href="/ca.p12">ca.p12</a> (PKCS#12 trust store, password <code>${P12_PASSWORD}</code>)</li>`,
          '<li><a href="/proxy.pac">proxy.pac</a> (browser auto-configuration)</li></ul>',
          `<p>SHA-256 fingerprint, to compare before you trust it:<br><code>${escapeHtml(this.#ca.anchor.fingerprint256)}</code></p>`,
          ...this.#helpOnPrevious(),
          `<p>Then try: <code>curl --cacert ca.pem -x http://${at} https://${OWN_HOST}/</code></p>`,
        ].join('\n'),
      ),
    );
  }
}

/** No `; DIRECT` at the end: a browser that cannot reach the proxy must not go around it. */
function pac(proxy: string): Buffer {
  const safe = /^[a-z0-9.:[\]_-]+$/i.test(proxy) ? proxy : 'proxy.invalid:3128';
  const direct = ['localhost', '127.0.0.1', '169.254.169.254', '168.63.129.16'];
  return Buffer.from(
    [
      'function FindProxyForURL(url, host) {',
      `  if (${direct.map((host) => `host === '${host}'`).join(' || ')}) return 'DIRECT';`,
      `  return 'PROXY ${safe}';`,
      '}',
      '',
    ].join('\n'),
  );
}
