// The one TLS context that verifies origins: made once, since reading the roots takes some 50 ms. Called by the
// assembling room; net/ dials with it.

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { messageOf, ProxyError } from '../core/errors.ts';
import { CIPHERS } from './tls-suites.ts';

/**
 * `trust`: `system`, or absolute paths of PEM files with one or more certificates. `system` is what OpenSSL finds on
 * this machine (SSL_CERT_FILE and SSL_CERT_DIR are obeyed); where it finds nothing, as in a bare container, the list
 * that comes with Node stands in. Throws ProxyError `trust-unusable` that names the file.
 */
export function createUpstreamContext(trust: readonly string[]): SecureContext {
  const roots = new Set(trust.flatMap((source) => (source === 'system' ? systemRoots() : readRoots(source))));
  if (roots.size === 0)
    throw new ProxyError('trust-unusable', 'upstream.trust names no certificates; name system or a PEM file.');
  return createSecureContext({
    ca: [...roots],
    // A chain has to end in a root: an intermediate in a file helps to build it but does not end it.
    allowPartialTrustChain: false,
    minVersion: 'TLSv1.2',
    // Level 2 turns away RSA below 2048 bits, curves below 224, and signatures with MD5 and SHA-1, in all of the chain.
    ciphers: `${CIPHERS}:@SECLEVEL=2`,
  });
}

function systemRoots(): string[] {
  const system = getCACertificates('system');
  return system.length > 0 ? system : getCACertificates('bundled');
}

function readRoots(file: string): string[] {
  const blocks =
    readText(file).match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END [A-Z0-9 ]+-----/g) ?? [];
  if (blocks.length === 0) throw new ProxyError('trust-unusable', `${file} holds no certificate; name a file in PEM.`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block).toString();
    } catch (error) {
      const detail = `Certificate ${index + 1} in ${file} cannot be read (${messageOf(error)}); export it again as PEM.`;
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
