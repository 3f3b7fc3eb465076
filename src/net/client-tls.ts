// The TLS handshake with the client, with the context already chosen. Its outcome is a closed union, in which a client
// that rejected our certificate is told apart from every other failure. Called by flow/.

import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { TlsFacts } from '../core/session.ts';
import { StreamSocket } from './stream-socket.ts';

export type ClientHandshake =
  | {
      readonly outcome: 'secure';
      readonly socket: TLSSocket;
      readonly facts: TlsFacts;
      /** Set when the client rejects our certificate by an alert after all, once the handshake is over. */
      lateAlert: string | undefined;
    }
  /** By an alert (certain) or by breaking off after it had our certificate (likely); features.md section P. */
  | { readonly outcome: 'rejected'; readonly alert: string; readonly confidence: 'certain' | 'likely' }
  | { readonly outcome: 'failed'; readonly reason: string }
  | { readonly outcome: 'timeout' };

export interface AcceptOptions {
  readonly context: SecureContext;
  /** Milliseconds for the whole handshake. */
  readonly timeout: number;
  /** Asks the client for a certificate, which is still to be judged: any is taken here, and none too. */
  readonly requestCert?: boolean;
  /** HTTP/2 is offered, too. */
  readonly streams?: boolean;
}

/** What the parser behind it reads; a client that keeps to HTTP/1.0 offers only that (RFC 7301 section 6). */
const PROTOCOLS = ['http/1.1', 'http/1.0'];
const WITH_STREAMS = ['h2', ...PROTOCOLS];

/** Alerts of RFC 8446 section 6.2 by which a client says that it does not take the certificate. */
const CERTIFICATE_ALERTS: Readonly<Record<string, string>> = {
  BAD_CERTIFICATE: 'bad_certificate',
  UNSUPPORTED_CERTIFICATE: 'unsupported_certificate',
  CERTIFICATE_REVOKED: 'certificate_revoked',
  CERTIFICATE_EXPIRED: 'certificate_expired',
  CERTIFICATE_UNKNOWN: 'certificate_unknown',
  UNKNOWN_CA: 'unknown_ca',
};

/** Takes the server's part on a paused socket that still holds the ClientHello. Never rejects. */
export function acceptTls(
  socket: Socket,
  { context, timeout, requestCert = false, streams = false }: AcceptOptions,
): Promise<ClientHandshake> {
  return new Promise((resolve) => {
    const tls = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      ALPNProtocols: streams ? WITH_STREAMS : PROTOCOLS,
      ...(requestCert ? { requestCert, rejectUnauthorized: false } : {}),
    });
    // It waits for one without a handle of the system to connect, as if it had not yet.
    if (socket instanceof StreamSocket) socket.emit('connect');
    const timer = setTimeout(() => {
      finish({ outcome: 'timeout' });
      tls.destroy();
    }, timeout);

    let finished: ClientHandshake | undefined;
    const finish = (result: ClientHandshake): void => {
      if (finished) {
        if (finished.outcome === 'secure' && isCertain(result)) finished.lateAlert ??= result.alert;
        return;
      }
      finished = result;
      clearTimeout(timer);
      tls.off('secure', onSecure).off('end', onEnd).off('close', onClose);
      resolve(result);
    };
    const onSecure = (): void => finish({ outcome: 'secure', socket: tls, facts: tlsFacts(tls), lateAlert: undefined });
    const onClose = (): void => finish({ outcome: 'rejected', alert: 'closed', confidence: 'likely' });
    // The socket may stay half open (see listener.ts), so its end does not close it.
    const onEnd = (): void => {
      onClose();
      tls.destroy();
    };
    const onError = (error: Error & { code?: string }): void => {
      finish(explain(error));
      tls.destroy();
    };
    // Stays for the socket's life: an error after the handshake must not end the process.
    tls.on('error', onError);
    // A TLSSocket made by hand tells only this event of what goes wrong after the handshake, a late alert for one.
    tls.on('_tlsError', onError);
    tls.once('secure', onSecure).once('end', onEnd).once('close', onClose);
  });
}

/** What was negotiated, on either side. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  return { version: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher()?.standardName ?? 'unknown' };
}

function isCertain(result: ClientHandshake): result is Extract<ClientHandshake, { outcome: 'rejected' }> {
  return result.outcome === 'rejected' && result.confidence === 'certain';
}

function explain(error: Error & { code?: string }): ClientHandshake {
  const alert = /ALERT_(?:NUMBER_)?([A-Z_]+)$/.exec(error.code ?? '')?.[1] ?? '';
  const known = CERTIFICATE_ALERTS[alert];
  if (known) return { outcome: 'rejected', alert: known, confidence: 'certain' };
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') {
    return { outcome: 'rejected', alert: 'reset', confidence: 'likely' };
  }
  return { outcome: 'failed', reason: error.code ?? error.message };
}
