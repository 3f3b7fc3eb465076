// Whether an origin wants a client certificate, and whether it has turned us away for want of one. Made by net/upstream
// for each TLS connection; http/lane asks it why a connection ended.
//
// Node tells nobody of a CertificateRequest. But a TLS client has signature algorithms in common with its server only once
// the server has sent one, in TLS 1.2 as in 1.3 (RFC 8446 section 4.3.2): OpenSSL works them out from that message alone.
// A request is not a refusal yet: many servers ask and go on without. What they then do says which it is.

import type { TLSSocket } from 'node:tls';
import { type Authority, formatAuthority } from '../core/authority.ts';
import { ProxyError } from '../core/errors.ts';

/** Alerts by which servers turn away a client whose certificate is missing, or not to their liking. */
const REFUSALS: ReadonlySet<string> = new Set([
  'handshake_failure',
  'no_certificate',
  'bad_certificate',
  'unsupported_certificate',
  'certificate_revoked',
  'certificate_expired',
  'certificate_unknown',
  'unknown_ca',
  'access_denied',
]);

/** How Node calls it when the other side just goes. */
const BROKEN_OFF: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** The one alert that says all by itself (RFC 8446 section 6.2). */
const REQUIRED = 'certificate_required';

/** The cause of a refusal that was said in TLS, and not guessed from a connection that was closed. */
export class CertificateAlert extends Error {}

export class CertificateWish {
  readonly #authority: Authority;
  readonly #hasIdentity: boolean;
  #asked = false;
  #alert = '';
  /** It has ended by something else, for one by a certificate of its own that does not stand. */
  #faulty = false;
  #used = false;

  /** `hasIdentity`: a certificate of ours was there to be sent. */
  constructor(authority: Authority, hasIdentity: boolean) {
    this.#authority = authority;
    this.#hasIdentity = hasIdentity;
  }

  /** It has sent a CertificateRequest. */
  get asked(): boolean {
    return this.#asked;
  }

  /** A request goes out on the connection: that may be what the origin closes it for. */
  use(): void {
    this.#used = true;
  }

  /** The refusal of a connection that nobody has asked anything on: its doing was no client's. */
  get refusalAtOnce(): ProxyError | undefined {
    return this.#used ? undefined : this.refusal(false);
  }

  /** While the handshake can still be asked: at its end, and where it breaks. `code`: Node's, of what went wrong. */
  look(tls: Pick<TLSSocket, 'getSharedSigalgs'>, code?: string): void {
    this.#asked ||= (tls.getSharedSigalgs() ?? []).length > 0;
    if (code === undefined) return;
    this.#alert = /ALERT_(?:NUMBER_)?([A-Z_]+)$/.exec(code)?.[1]?.toLowerCase() ?? '';
    this.#faulty = this.#alert === '' && !BROKEN_OFF.has(code);
  }

  /**
   * The refusal, if the connection has ended for that reason. `answered`: the origin has said anything to a request. In
   * TLS 1.3 its no comes after our last word of the handshake, as an alert or by closing without an answer.
   */
  refusal(answered: boolean): ProxyError | undefined {
    const alerted = this.#alert === REQUIRED || (this.#asked && REFUSALS.has(this.#alert));
    const dropped = this.#asked && this.#alert === '' && !this.#faulty && !answered;
    if (!alerted && !dropped) return undefined;
    const sign = alerted ? `its TLS alert: ${this.#alert}` : 'it closed without an answer';
    const origin = formatAuthority(this.#authority);
    return new ProxyError(
      'client-cert-required',
      this.#hasIdentity
        ? `${origin} did not take the certificate that upstream.clientCertificates has for it (${sign}).`
        : `${origin} asked for one, and this proxy has none for it (${sign}). ` +
            'Name one under upstream.clientCertificates, or let a rule that names the host pass it unread: onClientCert: splice.',
      alerted ? { cause: new CertificateAlert(this.#alert) } : {},
    );
  }
}
