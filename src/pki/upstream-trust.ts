// The one TLS context that verifies origins: made once, since reading the roots takes some 50 ms. Called by the
// assembling room; net/ dials with it.

import { constants, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { messageOf, ProxyError } from '../core/errors.ts';
import { CIPHERS, SIGNATURES } from './tls-suites.ts';

/** What tls.connect takes, and the same trust as certificates for our own pass. */
export interface UpstreamContext extends SecureContext {
  readonly roots: readonly X509Certificate[];
}

/** What an origin is shown that wants a certificate of its client: PEM, leaf first. */
export interface UpstreamIdentity {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string;
}

/**
 * `trust`: `system`, or absolute paths of PEM files with one or more certificates. `system` is what OpenSSL finds on
 * this machine (SSL_CERT_FILE and SSL_CERT_DIR are obeyed); where it finds nothing, as in a bare container, the list
 * that comes with Node stands in. `crl`: absolute paths of PEM files with revocation lists; with any, OpenSSL wants a
 * current one from every CA in a chain, the root too. `identity`: who we are to an origin that asks. Throws ProxyError `trust-unusable` that names the file.
 */
export function createUpstreamContext(
  trust: readonly string[],
  crl: readonly string[] = [],
  identity?: UpstreamIdentity,
): UpstreamContext {
  const roots = new Map(
    trust
      .flatMap((source) => (source === 'system' ? systemRoots() : readRoots(source)))
      .map((root) => [root.fingerprint512, root]),
  );
  if (roots.size === 0)
    throw new ProxyError('trust-unusable', 'upstream.trust names no certificates; name system or a PEM file.');
  const lists = crl.flatMap(readRevocations);
  const context = createSecureContext({
    ca: [...roots.values()].map(String),
    ...(lists.length > 0 ? { crl: lists } : {}),
    ...identity,
    // A chain has to end in a root: an intermediate in a file helps to build it but does not end it.
    allowPartialTrustChain: false,
    minVersion: 'TLSv1.2',
    // An origin that renegotiates could show another certificate on a connection that has been verified.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // Level 2 turns away RSA below 2048 bits, curves below 224, and signatures with MD5 and SHA-1, in all of the chain.
    ciphers: `${CIPHERS}:@SECLEVEL=2`,
    sigalgs: SIGNATURES,
  });
  return Object.assign(context, { roots: [...roots.values()] });
}

function systemRoots(): X509Certificate[] {
  const system = getCACertificates('system');
  return (system.length > 0 ? system : getCACertificates('bundled')).map((pem) => new X509Certificate(pem));
}

/** Throws ProxyError `trust-unusable` that names the file. */
export function readRoots(file: string): X509Certificate[] {
  const blocks =
    readText(file).match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END [A-Z0-9 ]+-----/g) ?? [];
  if (blocks.length === 0) throw new ProxyError('trust-unusable', `${file} holds no certificate; name a file in PEM.`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      const detail = `Certificate ${index + 1} in ${file} cannot be read (${messageOf(error)}); export it again as PEM.`;
      throw new ProxyError('trust-unusable', detail, { cause: error });
    }
  });
}

/** Throws ProxyError `trust-unusable` that names the file. */
export function readRevocations(file: string): string[] {
  const blocks = readText(file).match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g) ?? [];
  if (blocks.length === 0)
    throw new ProxyError('trust-unusable', `${file} holds no revocation list; name a CRL in PEM.`);
  return blocks.map((block, index) => {
    try {
      createSecureContext({ crl: block });
      return block;
    } catch (error) {
      const detail = `Revocation list ${index + 1} in ${file} cannot be read (${messageOf(error)}); fetch it again and convert it to PEM.`;
      throw new ProxyError('trust-unusable', detail, { cause: error });
    }
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    throw new ProxyError('trust-unusable', `${file} cannot be read (${messageOf(error)}).`, { cause: error });
  }
}
