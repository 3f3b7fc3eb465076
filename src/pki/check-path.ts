// Judges a whole path, from the leaf to the trust anchor: each certificate by its part, then what they say of each other
// (RFC 5280 section 6.1). The signatures are find-path's matter, which calls it.

import type { CertificateFacts } from '../core/certificate-facts.ts';
import { checkCertificate, type Purpose, type Role } from './check-certificate.ts';
import type { FlawCode } from './flaw.ts';
import { comparisons, respects } from './name-constraints.ts';

/** Certificates in a path, leaf and anchor included. */
export const MAX_DEPTH = 8;

/** What may still be spent on one chain; the checks count it down. */
export interface Budget {
  signatures: number;
  comparisons: number;
}

/** `path`: the leaf first, each followed by its issuer, the anchor last; the leaf alone when it is trusted itself. */
export function checkPath(
  path: readonly CertificateFacts[],
  now: number,
  budget: Budget,
  purpose: Purpose = 'server',
): FlawCode | undefined {
  if (path.length > MAX_DEPTH) return 'too-deep';
  for (const [at, facts] of path.entries()) {
    const flaw = checkCertificate(facts, roleOf(at, path.length), now, purpose);
    if (flaw) return flaw;
  }
  return checkLengths(path) ?? checkNames(path, budget);
}

function roleOf(at: number, count: number): Role {
  if (at === 0) return count === 1 ? 'pinned' : 'leaf';
  return at === count - 1 ? 'anchor' : 'issuer';
}

/** RFC 5280 section 4.2.1.9: CAs that have issued themselves a new certificate do not count. */
function checkLengths(path: readonly CertificateFacts[]): FlawCode | undefined {
  let below = 0;
  for (const facts of path.slice(1)) {
    if (below > (facts.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY)) return 'path-length';
    if (!isSelfIssued(facts)) below += 1;
  }
  return undefined;
}

function checkNames(path: readonly CertificateFacts[], budget: Budget): FlawCode | undefined {
  for (const [at, { nameConstraints: limits }] of path.entries()) {
    if (!limits || at === 0) continue;
    for (const [below, facts] of path.slice(0, at).entries()) {
      if (below > 0 && isSelfIssued(facts)) continue;
      budget.comparisons -= comparisons(facts, limits);
      if (budget.comparisons < 0) return 'too-complex';
      if (!respects(facts, limits)) return 'name-constraints';
    }
  }
  return undefined;
}

export function isSelfIssued(facts: CertificateFacts): boolean {
  return sameBytes(facts.issuer, facts.subject);
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
