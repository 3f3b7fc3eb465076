// The certificates of the trust list, found by the name of whom they may have issued. find-path ends its paths in them.

import type { X509Certificate } from 'node:crypto';
import type { CertificateFacts } from '../core/certificate-facts.ts';
import { isSelfIssued } from './check-path.ts';

/** A certificate as OpenSSL holds it, for names and signatures, and as we have read it. */
export interface ReadCertificate {
  readonly certificate: X509Certificate;
  readonly facts: CertificateFacts;
}

export class TrustedCertificates {
  readonly #roots: readonly ReadCertificate[];
  readonly #bySubject = new Map<string, ReadCertificate[]>();
  readonly #prints: ReadonlySet<string>;
  /** Not self-issued: they help to build a path, but do not end it, as OpenSSL has it too. */
  readonly helpers: readonly ReadCertificate[];

  constructor(certificates: readonly ReadCertificate[]) {
    this.#roots = certificates.filter(({ facts }) => isSelfIssued(facts));
    this.helpers = certificates.filter(({ facts }) => !isSelfIssued(facts));
    for (const root of this.#roots) {
      const key = keyOf(root.facts.subject);
      const same = this.#bySubject.get(key);
      if (same) same.push(root);
      else this.#bySubject.set(key, [root]);
    }
    this.#prints = new Set(this.#roots.map(({ certificate }) => certificate.fingerprint512));
  }

  /**
   * Roots that may have issued it, by name. Two spellings of one name (RFC 5280 section 7.1) differ in their bytes: only
   * when asked for `anySpelling` is it compared with all of them by OpenSSL, which takes time.
   */
  issuersOf({ certificate, facts }: ReadCertificate, anySpelling: boolean): readonly ReadCertificate[] {
    const named = anySpelling ? this.#roots : (this.#bySubject.get(keyOf(facts.issuer)) ?? []);
    return named.filter((root) => certificate.checkIssued(root.certificate));
  }

  /** Whether this very certificate is a trusted root. */
  has({ certificate, facts }: ReadCertificate): boolean {
    return isSelfIssued(facts) && this.#prints.has(certificate.fingerprint512);
  }
}

const keyOf = (name: Uint8Array): string => Buffer.from(name).toString('latin1');
