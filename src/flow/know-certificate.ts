// After the handshake of a client with the proxy itself: whom its certificate names. One that is not in order is refused
// in words, since a client that is merely cut off learns nothing. Called by flow/handle-connection.

import type { TLSSocket } from 'node:tls';
import { ProxyError } from '../core/errors.ts';
import { nextId, type Session } from '../core/session.ts';
import { refusalOf, replyRaw } from '../http/reply.ts';
import type { Services } from './services.ts';

/** As Squid logs a connection without a request. */
const NO_REQUEST = 'error:transaction-end-before-headers';

/** False: the connection was refused, and that is told. */
export function knowCertificate(
  { clientVerifier, journal }: Pick<Services, 'clientVerifier' | 'journal'>,
  session: Session,
  socket: TLSSocket,
): boolean {
  if (!clientVerifier) return true;
  const user = clientVerifier.userOf(socket);
  if (user?.ok) {
    session.certificateUser = user.value;
    return true;
  }
  if (!user && clientVerifier.mode === 'request') return true;
  const failure = new ProxyError(
    'client-certificate',
    user ? user.reason : 'It has sent none, and one is required here.',
  );
  const bytes = replyRaw(socket, refusalOf(failure, NO_REQUEST, nextId()));
  const told = { tag: 'TCP_DENIED', outcome: 'denied', status: failure.status, contentType: 'text/html' } as const;
  journal.tellNoRequest(session, { ...told, bytes, failure });
  return false;
}
