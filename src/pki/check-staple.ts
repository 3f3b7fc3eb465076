// Judges the OCSP response that an origin stapled (RFC 6960 section 3.2): is it about this certificate, of now, and signed
// by its issuer or by one whom the issuer has named. Called by net/peer-verifier.

import { createHash, verify } from 'node:crypto';
import type { OcspAnswer, OcspFacts } from '../core/certificate-facts.ts';
import { checkCertificate } from './check-certificate.ts';
import { sameBytes } from './check-path.ts';
import { verifies } from './find-path.ts';
import type { ReadCertificate } from './trusted-certificates.ts';

export interface Staple {
  readonly response: OcspFacts;
  /** The certificates that came with it. */
  readonly delegates: readonly ReadCertificate[];
}

/** Clocks differ. */
const SKEW = 5 * 60_000;
/** An answer without an end is good for as long as the longest that browsers take. */
const MAX_AGE = 10 * 86_400_000;
/** One is sent; more would be a way to make us verify. */
const MAX_DELEGATES = 4;

/**
 * `good` only when all of it is proven. `revoked` without a proof too, as long as it is about this certificate: no
 * origin would say so of itself. All else is `nothing`.
 */
export function checkStaple(
  { response, delegates }: Staple,
  leaf: ReadCertificate,
  issuer: ReadCertificate,
  now: number,
): 'good' | 'revoked' | 'nothing' {
  const answers = response.answers.filter((answer) => isAbout(answer, leaf, issuer));
  if (answers.some(({ status }) => status === 'revoked')) return 'revoked';
  const good = answers.some((answer) => answer.status === 'good' && isCurrent(answer, now));
  if (!good) return 'nothing';
  const named = delegates.slice(0, MAX_DELEGATES).filter((one) => isDelegate(one, issuer, now));
  return [issuer, ...named].some((signer) => isSignedBy(response, signer)) ? 'good' : 'nothing';
}

function isAbout(answer: OcspAnswer, leaf: ReadCertificate, issuer: ReadCertificate): boolean {
  const { hash } = answer;
  if (hash !== 'sha1' && hash !== 'sha256' && hash !== 'sha384' && hash !== 'sha512') return false;
  const digest = (bytes: Uint8Array): Buffer => createHash(hash).update(bytes).digest();
  return (
    sameBytes(answer.serial, leaf.facts.serial) &&
    sameBytes(answer.issuerKeyHash, digest(issuer.facts.key.value)) &&
    sameBytes(answer.issuerNameHash, digest(leaf.facts.issuer))
  );
}

function isCurrent({ thisUpdate, nextUpdate = thisUpdate + MAX_AGE }: OcspAnswer, now: number): boolean {
  return thisUpdate - SKEW <= now && now <= nextUpdate + SKEW;
}

/** RFC 6960 section 4.2.2.2: issued directly by the issuer, for this purpose. */
function isDelegate(one: ReadCertificate, issuer: ReadCertificate, now: number): boolean {
  if (!one.facts.purposes?.ocspSigning || !one.certificate.checkIssued(issuer.certificate)) return false;
  // Its purpose is another than a server's, so of the checks on a leaf that one does not count.
  const flaw = checkCertificate(one.facts, 'leaf', now);
  return (flaw === undefined || flaw === 'not-for-servers') && verifies(one, issuer);
}

function isSignedBy({ signed, signature, signatureValue }: OcspFacts, { certificate }: ReadCertificate): boolean {
  const { scheme, hash } = signature;
  const key = certificate.publicKey;
  try {
    if (scheme === 'ed25519') return key.asymmetricKeyType === 'ed25519' && verify(null, signed, key, signatureValue);
    if (hash !== 'sha256' && hash !== 'sha384' && hash !== 'sha512') return false;
    // The scheme has to be that of the key: verify() chooses by the key alone.
    if (scheme !== (key.asymmetricKeyType === 'ec' ? 'ecdsa' : key.asymmetricKeyType)) return false;
    return verify(hash, signed, key, signatureValue);
  } catch {
    return false;
  }
}
