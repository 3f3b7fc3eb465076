// A CA as it goes from the supervisor to a worker: read once, so that a worker which starts later, when the files may
// have changed, signs with the same key as the others. Called by supervisor/.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { CertificateAuthority } from './certificate-authority.ts';
import { checkChain } from './check-chain.ts';

export interface HandedCa {
  /** PEM: the CA, then its issuers. */
  readonly certificates: readonly string[];
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly previous?: string;
}

export function handOver(ca: CertificateAuthority): HandedCa {
  const certificates = new Set([ca.certificate, ...ca.chain, ca.anchor].map((each) => each.toString()));
  const previous = ca.previous ? { previous: ca.previous.toString() } : {};
  return {
    certificates: [...certificates],
    key: ca.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ...previous,
  };
}

/** Throws ProxyError `ca-unusable`, when the CA has expired meanwhile. `file`: what it was read from. */
export function takeOver({ certificates, key, previous }: HandedCa, file: string): CertificateAuthority {
  const chain = checkChain(
    certificates.map((pem) => new X509Certificate(pem)),
    file,
    new Date(),
  );
  const before = previous === undefined ? {} : { previous: new X509Certificate(previous) };
  return { ...chain, key: createPrivateKey(key), fingerprint: chain.certificate.fingerprint256, ...before };
}
