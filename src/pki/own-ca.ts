// Whether our own interception CA has a part in a chain from outside: it signs for our clients, never for an origin
// (security rule 6). Called by net/peer-verifier.

import type { CertificateFacts } from '../core/certificate-facts.ts';
import type { CaChain } from './check-chain.ts';
import { sameBytes } from './check-path.ts';

export class OwnCa {
  readonly #subject: Uint8Array;
  readonly #keyId: Uint8Array;
  readonly #key: Uint8Array;

  constructor({ certificate, subject, keyId }: Pick<CaChain, 'certificate' | 'subject' | 'keyId'>) {
    this.#subject = subject;
    this.#keyId = keyId;
    this.#key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  }

  /**
   * Whether one of the certificates names us as its issuer, or has our key. The issuers above us are no matter: other
   * certificates below a company's root are as good as any.
   */
  isIn(chain: readonly CertificateFacts[]): boolean {
    return chain.some(
      (facts) =>
        sameBytes(facts.key.info, this.#key) ||
        (sameBytes(facts.issuer, this.#subject) &&
          (facts.authorityKeyId === undefined || sameBytes(facts.authorityKeyId, this.#keyId))),
    );
  }
}
