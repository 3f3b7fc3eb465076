// Facts of certificates as wire/ would read them, good ones unless a test says otherwise.

import type { CertificateFacts, KeyFacts } from '../../src/core/certificate-facts.ts';

export const NOW = Date.UTC(2026, 0, 1);
const bytes = (text: string): Uint8Array => Buffer.from(text);

export function keyFacts(over: Partial<KeyFacts> = {}): KeyFacts {
  return { kind: 'ec', bits: 0, curve: 'P-256', info: bytes('info'), value: bytes('value'), ...over };
}

/** `issuer > subject`, by name. */
export function leafFacts(over: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    version: 3,
    serial: Uint8Array.of(1),
    signature: { scheme: 'ecdsa', hash: 'sha256' },
    issuer: bytes('middle'),
    subject: bytes('leaf'),
    notBefore: NOW - 1,
    notAfter: NOW + 1,
    properDates: true,
    key: keyFacts(),
    dnsNames: ['ok.test'],
    ipAddresses: [],
    purposes: { server: true, client: false, any: false, ocspSigning: false },
    mustStaple: false,
    unknownCritical: [],
    ...over,
  };
}

export function caFacts(issuer: string, subject: string, over: Partial<CertificateFacts> = {}): CertificateFacts {
  const { purposes: _, ...base } = leafFacts();
  return {
    ...base,
    dnsNames: [],
    issuer: bytes(issuer),
    subject: bytes(subject),
    basicConstraints: { ca: true },
    keyUsage: { certSign: true },
    ...over,
  };
}
