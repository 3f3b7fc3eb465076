// Finds a path of sound signatures from a peer's certificate to a trusted root that passes every check of ours. Node does
// not tell which path OpenSSL has verified, so we walk our own: judged are those certificates alone that lie on it.

import type { Purpose } from './check-certificate.ts';
import { type Budget, checkPath, MAX_DEPTH } from './check-path.ts';
import type { FlawCode } from './flaw.ts';
import type { ReadCertificate, TrustedCertificates } from './trusted-certificates.ts';

/** Far beyond what honest chains need; together well below a second. */
const MAX_SIGNATURES = 100;
const MAX_COMPARISONS = 250_000;

export type FoundPath =
  | { readonly ok: true; readonly path: readonly ReadCertificate[] }
  | { readonly ok: false; readonly flaw: FlawCode };

/** `sent`: the leaf first, the others in any order, related or not. `now` in milliseconds since the epoch. */
export function findPath(
  sent: readonly ReadCertificate[],
  trust: TrustedCertificates,
  now: number,
  purpose: Purpose = 'server',
): FoundPath {
  const [leaf, ...others] = sent;
  if (!leaf) return { ok: false, flaw: 'no-path' };
  const pool = [...others, ...trust.helpers];
  let flaw: FlawCode | undefined;
  for (const anySpelling of [false, true]) {
    const walk = new Walk(pool, trust, { now, purpose }, anySpelling);
    const path = walk.from([leaf]);
    if (path) return { ok: true, path };
    flaw ??= walk.flaw;
  }
  return { ok: false, flaw: flaw ?? 'no-path' };
}

interface Judgement {
  readonly now: number;
  readonly purpose: Purpose;
}

class Walk {
  readonly #pool: readonly ReadCertificate[];
  readonly #trust: TrustedCertificates;
  readonly #judgement: Judgement;
  readonly #anySpelling: boolean;
  readonly #budget: Budget = { signatures: MAX_SIGNATURES, comparisons: MAX_COMPARISONS };
  /** The first one met: that of the path which OpenSSL, too, would try first. */
  flaw: FlawCode | undefined;

  constructor(
    pool: readonly ReadCertificate[],
    trust: TrustedCertificates,
    judgement: Judgement,
    anySpelling: boolean,
  ) {
    this.#pool = pool;
    this.#trust = trust;
    this.#judgement = judgement;
    this.#anySpelling = anySpelling;
  }

  /** Depth first, roots before what was sent. */
  from(path: readonly ReadCertificate[]): readonly ReadCertificate[] | undefined {
    const last = path.at(-1);
    if (!last) return undefined;
    if (path.length === 1 && this.#trust.has(last)) return this.#accept(path);
    for (const root of this.#trust.issuersOf(last, this.#anySpelling)) {
      const found = this.#signed(last, root) && this.#accept([...path, root]);
      if (found) return found;
    }
    for (const issuer of this.#pool) {
      if (path.includes(issuer) || !last.certificate.checkIssued(issuer.certificate)) continue;
      if (path.length >= MAX_DEPTH - 1) this.flaw ??= 'too-deep';
      const found = path.length < MAX_DEPTH - 1 && this.#signed(last, issuer) && this.from([...path, issuer]);
      if (found) return found;
    }
    return undefined;
  }

  #accept(path: readonly ReadCertificate[]): readonly ReadCertificate[] | undefined {
    const flaw = checkPath(
      path.map(({ facts }) => facts),
      this.#judgement.now,
      this.#budget,
      this.#judgement.purpose,
    );
    this.flaw ??= flaw;
    return flaw ? undefined : path;
  }

  #signed(issued: ReadCertificate, issuer: ReadCertificate): boolean {
    if (this.#budget.signatures <= 0) {
      this.flaw = 'too-complex';
      return false;
    }
    this.#budget.signatures -= 1;
    return verifies(issued, issuer);
  }
}

/** Whether the key of `issuer` has signed `issued`. A key that OpenSSL cannot take has signed nothing. */
export function verifies(issued: ReadCertificate, issuer: ReadCertificate): boolean {
  try {
    return issued.certificate.verify(issuer.certificate.publicKey);
  } catch {
    return false;
  }
}
