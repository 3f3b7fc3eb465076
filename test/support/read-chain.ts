// Certificates of the workshop as net/ hands them to pki/: parsed by OpenSSL and read by wire/.

import { X509Certificate } from 'node:crypto';
import type { ReadCertificate } from '../../src/pki/trusted-certificates.ts';
import { readCertificateFacts } from '../../src/wire/certificate.ts';

export function readCertificate(source: string | Buffer): ReadCertificate {
  const certificate = new X509Certificate(source);
  const facts = readCertificateFacts(certificate.raw);
  if (!facts.ok) throw new Error(facts.reason);
  return { certificate, facts: facts.value };
}

/** `undefined` where either of the two refuses. */
export function tryCertificate(source: Buffer): ReadCertificate | undefined {
  try {
    return readCertificate(source);
  } catch {
    return undefined;
  }
}
