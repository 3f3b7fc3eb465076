// Judges one certificate of a chain by the part it plays (RFC 5280 section 4, RFC 9325 section 4). Called by check-path.

import type { CertificateFacts, KeyFacts, SignatureFacts } from '../core/certificate-facts.ts';
import type { FlawCode } from './flaw.ts';

/** A `pinned` leaf stands in the trust list itself, as the self-signed certificates of appliances do. */
export type Role = 'leaf' | 'pinned' | 'issuer' | 'anchor';

/** Whose certificate it is: what it must be meant for. */
export type Purpose = 'server' | 'client';

const MAX_SERIAL = 20;
const MIN_RSA_BITS = 2048;
/** Beyond it a verification takes milliseconds, and nobody needs it. */
const MAX_RSA_BITS = 8192;

/** `now` in milliseconds since the epoch. The first flaw found, if there is any. */
export function checkCertificate(
  facts: CertificateFacts,
  role: Role,
  now: number,
  purpose: Purpose = 'server',
): FlawCode | undefined {
  if (now > facts.notAfter) return 'expired';
  if (now < facts.notBefore) return 'not-yet-valid';
  if (!isStrongKey(facts.key)) return 'weak-key';
  // A critical extension limits what the certificate is good for, and the administrator's trust does not lift that.
  if (facts.unknownCritical.length > 0) return 'unknown-critical-extension';
  if (role === 'anchor') return checkIssuer(facts, purpose);
  if (facts.version !== 3) return 'version';
  if (!facts.properDates) return 'validity';
  if (role === 'pinned') return checkPurpose(facts, purpose);
  if (!isProperSerial(facts.serial)) return 'serial';
  if (!isStrongSignature(facts.signature)) return 'weak-signature';
  return role === 'leaf' ? checkLeaf(facts, purpose) : checkIssuer(facts, purpose);
}

const MISSED: Readonly<Record<Purpose, FlawCode>> = { server: 'not-for-servers', client: 'not-for-clients' };

function checkLeaf(facts: CertificateFacts, purpose: Purpose): FlawCode | undefined {
  if (facts.basicConstraints?.ca || facts.keyUsage?.certSign) return 'ca-as-server';
  if (facts.nameConstraints) return 'constraints-in-leaf';
  return facts.purposes?.[purpose] ? undefined : MISSED[purpose];
}

/** What names its purposes has to name this one. */
function checkPurpose({ purposes }: CertificateFacts, purpose: Purpose): FlawCode | undefined {
  return purposes && !purposes[purpose] && !purposes.any ? MISSED[purpose] : undefined;
}

function checkIssuer(facts: CertificateFacts, purpose: Purpose): FlawCode | undefined {
  // Roots of the nineties are of version 1 and have no extensions; to be in the trust list is what makes them CAs.
  if (!facts.basicConstraints?.ca && facts.version === 3) return 'not-a-ca';
  if (facts.keyUsage && !facts.keyUsage.certSign) return 'may-not-sign';
  return checkPurpose(facts, purpose);
}

function isStrongKey({ kind, bits, curve }: KeyFacts): boolean {
  if (kind === 'rsa') return bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS;
  return kind === 'ed25519' || (kind === 'ec' && curve !== '');
}

function isStrongSignature({ scheme, hash }: SignatureFacts): boolean {
  if (scheme === 'ed25519') return true;
  const known = scheme === 'rsa' || scheme === 'rsa-pss' || scheme === 'ecdsa';
  return known && (hash === 'sha256' || hash === 'sha384' || hash === 'sha512');
}

/** Positive, not zero, 20 octets at most (RFC 5280 section 4.1.2.2); a leading zero octet only keeps it positive. */
function isProperSerial(serial: Uint8Array): boolean {
  const first = serial[0] ?? 0;
  return first < 0x80 && serial.some((octet) => octet !== 0) && serial.length <= MAX_SERIAL;
}
