// Judges the certificates of the CA file: whether strict clients would accept what the first one signs, what is sent
// along with a leaf and what they must trust. Called by certificate-authority.

import type { X509Certificate } from 'node:crypto';
import type { NameConstraints } from '../core/certificate-facts.ts';
import { messageOf } from '../core/errors.ts';
import { unusable } from './ca-files.ts';
import { type CaProfile, readCaProfile } from './ca-profile.ts';

/** The public half of a CA. */
export interface CaChain {
  readonly certificate: X509Certificate;
  /** The DER Name, byte for byte. */
  readonly subject: Buffer;
  /** subjectKeyIdentifier. */
  readonly keyId: Buffer;
  /** To send after the leaf: intermediates, never a self-signed root. */
  readonly chain: readonly X509Certificate[];
  /** What clients must trust. */
  readonly anchor: X509Certificate;
  /** What the certificates of the chain let it sign for, the root's word included; empty where nothing is limited. */
  readonly constraints: readonly NameConstraints[];
  /** From when, and until when, the whole chain is valid. */
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface CheckedChain extends CaChain {
  /** What works with most clients but not with all: one sentence each. */
  readonly warnings: readonly string[];
}

const DAY = 24 * 3_600_000;
/** Days before the end at which the warning grows louder. */
const WARN_DAYS = [7, 30, 90] as const;

/**
 * `certificates`: the CA first, then its issuers. Throws ProxyError `ca-unusable` that names `file` and the mend.
 */
export function checkChain(certificates: readonly X509Certificate[], file: string, now: Date): CheckedChain {
  const [certificate, ...issuers] = certificates;
  if (!certificate) throw unusable(`${file} holds no certificate; name the PEM file of the CA certificate.`);
  const { subject, keyId } = checkCa(certificate, file);
  if (!keyId || keyId.length === 0) {
    throw unusable(
      `The certificate in ${file} has no subject key identifier, so strict clients (Python 3.13) refuse its leaves; issue it again with the extension subjectKeyIdentifier=hash.`,
    );
  }
  issuers.forEach((issuer, index) => {
    checkIssuer(issuer, certificates[index] ?? certificate, index + 1, file);
  });
  for (const each of certificates) checkDates(each, file, now);
  const anchor = certificates.at(-1) ?? certificate;
  return {
    certificate,
    subject,
    keyId,
    chain: certificates.filter((each) => !isSelfSigned(each)),
    anchor,
    constraints: certificates.flatMap((each) => profileOf(each, file).nameConstraints ?? []),
    notBefore: new Date(Math.max(...certificates.map((each) => each.validFromDate.getTime()))),
    notAfter: new Date(Math.min(...certificates.map((each) => each.validToDate.getTime()))),
    warnings: warningsOn(certificates, anchor, file),
  };
}

/** One sentence when the CA ends within 90 days; it says more urgently so within 30 and 7. */
export function expiryWarning(notAfter: Date, file: string, now: Date): string | undefined {
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY);
  const limit = WARN_DAYS.find((bound) => days < bound);
  if (limit === undefined) return undefined;
  const urgency = { 7: 'replace it now', 30: 'replace it soon', 90: 'plan to replace it' }[limit];
  return `The CA in ${file} expires in ${days} ${days === 1 ? 'day' : 'days'}, on ${notAfter.toISOString().slice(0, 10)}: ${urgency}.`;
}

function checkCa(certificate: X509Certificate, file: string): CaProfile {
  const name = printable(certificate.subject);
  const profile = profileOf(certificate, file);
  if (!profile.isCa) {
    throw unusable(`The certificate ${name} in ${file} is not a CA (basicConstraints CA:TRUE); name that of a CA.`);
  }
  if (!profile.signsCertificates) {
    throw unusable(
      `The certificate ${name} in ${file} may not sign certificates; issue it again with the extension keyUsage=critical,keyCertSign,cRLSign.`,
    );
  }
  return profile;
}

/** `below`: how many CAs of the file stand between this issuer and a leaf (RFC 5280 section 4.2.1.9). */
function checkIssuer(issuer: X509Certificate, issued: X509Certificate, below: number, file: string): void {
  const place = `Certificate ${below + 1} in ${file}`;
  if (!issued.checkIssued(issuer) || !issued.verify(issuer.publicKey)) {
    throw unusable(`${place} has not issued the one before it; order them: the CA, then its issuer, the root last.`);
  }
  if (checkCa(issuer, file).pathLength < below) {
    throw unusable(`${place} allows no CA at this depth (pathlen); sign with a CA that stands closer to it.`);
  }
}

function checkDates(certificate: X509Certificate, file: string, now: Date): void {
  const name = printable(certificate.subject);
  if (certificate.validToDate <= now) {
    throw unusable(`The certificate ${name} in ${file} has expired on ${certificate.validTo}; replace it.`);
  }
  if (certificate.validFromDate > now) {
    throw unusable(
      `The certificate ${name} in ${file} is valid from ${certificate.validFrom} only; correct the clock or wait.`,
    );
  }
}

function warningsOn(certificates: readonly X509Certificate[], anchor: X509Certificate, file: string): string[] {
  const loose = certificates
    .filter((each) => !profileOf(each, file).constraintsCritical)
    .map(
      (each) =>
        `${printable(each.subject)} in ${file} has basicConstraints that are not critical: strict clients refuse it.`,
    );
  const open = `The root is not in ${file}: clients must already trust the issuer of ${printable(anchor.subject)}.`;
  return isSelfSigned(anchor) ? loose : [...loose, open];
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

function profileOf(certificate: X509Certificate, file: string): CaProfile {
  try {
    return readCaProfile(certificate);
  } catch (error) {
    throw unusable(
      `A certificate in ${file} is not encoded as it must be (${messageOf(error)}); issue it again.`,
      error,
    );
  }
}

/** A distinguished name on one line. */
const printable = (name: string): string => name.replace(/\s*\n/g, ', ');
