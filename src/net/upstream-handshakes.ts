// The end of a TLS handshake with an origin: waited for, not beyond its deadline, and the peer judged by what it has shown.
// Each net/upstream has one.

import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Authority } from '../core/authority.ts';
import { asProxyError, messageOf, ProxyError } from '../core/errors.ts';
import type { CertificateWish } from './certificate-wish.ts';
import type { PeerVerifier, Shown } from './peer-verifier.ts';

const NOTHING: Shown = { leaf: undefined, staple: undefined, resumed: false };

export class UpstreamHandshakes {
  readonly #verifier: PeerVerifier;
  readonly #timeout: number;
  readonly #onShown: ((leaf: X509Certificate | undefined) => void) | undefined;

  /** `timeout` in milliseconds. `onShown` is told what a peer shows, before it is judged. */
  constructor(verifier: PeerVerifier, timeout: number, onShown?: (leaf: X509Certificate | undefined) => void) {
    this.#verifier = verifier;
    this.#timeout = timeout;
    this.#onShown = onShown;
  }

  /**
   * Resolves when the peer has proven to be the authority. No byte of its TLS has come yet: what is below stands since this
   * turn. Throws ProxyError; then the socket is closed.
   */
  end(tls: TLSSocket, authority: Authority, wish: CertificateWish): Promise<void> {
    return new Promise((resolve, reject) => {
      // Node makes an object of the whole chain for checkServerIdentity. It costs more than all our checks, and with a key
      // on a curve that has no NIST name (brainpool, secp256k1) it ends the process by a null pointer (26.10.0).
      Object.assign(tls, { getPeerCertificate: () => ({}) });
      let shown = NOTHING;
      tls.once('OCSPResponse', (staple: Buffer | null) => {
        shown = { ...shown, staple: staple ?? undefined };
      });
      // Before Node itself hears of it: a refused socket has no peer certificate any more.
      tls.prependOnceListener('secure', () => {
        wish.look(tls);
        shown = { ...shown, leaf: tls.getPeerX509Certificate(), resumed: tls.isSessionReused() };
        this.#onShown?.(shown.leaf);
      });
      const timer = setTimeout(
        () => fail(new ProxyError('upstream-tls', 'No end of the handshake in time.')),
        this.#timeout,
      );
      const fail = (error: ProxyError): void => {
        clearTimeout(timer);
        reject(error);
        tls.destroy();
      };
      // Nobody stands above a listener: what a fault of ours throws there would be nobody's, and the wait without end.
      const guarded = (judge: () => void): void => {
        try {
          judge();
        } catch (fault) {
          fail(asProxyError(fault));
        }
      };
      // Stays for the socket's life; after the handshake, its owner learns of the end by 'close'.
      tls.on('error', (cause: Error & { code?: string }) =>
        guarded(() => {
          wish.look(tls, cause.code);
          fail(wish.refusal(false) ?? this.#handshakeError(cause, shown, authority));
        }),
      );
      // Before Node makes an error of it, which takes the handshake with it.
      tls.prependOnceListener('end', () => wish.look(tls));
      tls.once('close', () =>
        fail(wish.refusal(false) ?? new ProxyError('upstream-tls', 'The origin closed the connection.')),
      );
      tls.once('secureConnect', () => {
        clearTimeout(timer);
        guarded(() => {
          const refusal = this.#verifier.refusal(shown, authority);
          // The listeners stay for the socket's life, which may be long: the certificates of its handshake need not.
          shown = NOTHING;
          if (refusal) fail(refusal);
          else resolve();
        });
      });
    });
  }

  #handshakeError(cause: Error & { code?: string }, { leaf }: Shown, authority: Authority): ProxyError {
    const code = cause.code ?? '';
    // OpenSSL's verdicts on a chain carry bare names; protocol failures begin with ERR_ or are errno names.
    const isVerdict = /^[A-Z][A-Z_]+$/.test(code) && !/^(?:ERR_|E[A-Z]+$)/.test(code);
    if (!isVerdict) return new ProxyError('upstream-tls', messageOf(cause), { cause });
    return this.#verifier.explain(cause, leaf, authority);
  }
}
