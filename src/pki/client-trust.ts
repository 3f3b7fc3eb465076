// What the certificates of clients must lead to, for TLS to the proxy itself: as certificates for our own pass, and as
// what a TLS context is made with. Read by proxy.ts once, for a leaf-store of its own.

import { constants, type X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { CIPHERS } from './tls-suites.ts';
import { readRevocations, readRoots } from './upstream-trust.ts';

export interface ClientTrust {
  readonly roots: readonly X509Certificate[];
  /** What a context needs besides a leaf. */
  readonly context: SecureContextOptions;
}

/** Absolute paths of PEM files. Throws ProxyError `trust-unusable` that names the file. */
export function readClientTrust(trust: readonly string[], crl: readonly string[]): ClientTrust {
  const roots = trust.flatMap(readRoots);
  const lists = crl.flatMap(readRevocations);
  return {
    roots,
    context: {
      // Their names are sent along, so that a client with several certificates finds the one that is meant.
      ca: roots.map(String),
      ...(lists.length > 0 ? { crl: lists } : {}),
      allowPartialTrustChain: false,
      ciphers: `${CIPHERS}:@SECLEVEL=2`,
      // Who resumes a session shows no certificate: one that was revoked meanwhile would go unnoticed.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
    },
  };
}
