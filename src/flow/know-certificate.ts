// After the handshake of a client with the proxy itself: whom its certificate names. One that is not in order is refused
// in words, since a client that is merely cut off learns nothing. Called by flow/handle-connection.

import type { TLSSocket } from 'node:tls';
import { ProxyError } from '../core/errors.ts';
import { nextId, type Session } from '../core/session.ts';
import { connectionOn } from '../http/connection.ts';
import { replyGoaway } from '../http/goaway.ts';
import { mediaTypeOf, replyRaw } from '../http/reply.ts';
import { namesOf } from '../net/connection-notes.ts';
import { Inlet } from '../net/inlet.ts';
import { type Explainers, explain } from './explain.ts';
import type { Services } from './services.ts';

/** As Squid logs a connection without a request. */
const NO_REQUEST = 'error:transaction-end-before-headers';

/** False: the connection was refused, and that is told. */
export function knowCertificate(
  services: Pick<Services, 'clientVerifier' | 'journal'> & Explainers,
  session: Session,
  socket: TLSSocket,
): boolean {
  const { clientVerifier, journal } = services;
  if (!clientVerifier) return true;
  const user = clientVerifier.userOf(socket);
  if (user?.ok) {
    session.certificateUser = user.value;
    const names = journal.needs.has('certificates') ? namesOf(socket.getPeerX509Certificate()) : undefined;
    if (names) session.names = names;
    return true;
  }
  if (!user && clientVerifier.mode === 'request') return true;
  const failure = new ProxyError(
    'client-certificate',
    user ? user.reason : 'It has sent none, and one is required here.',
  );
  const connection = connectionOn(new Inlet(socket), session);
  const refusal = explain(services, { connection, error: failure, url: NO_REQUEST, id: nextId() });
  const told = { tag: 'TCP_DENIED', outcome: 'denied', status: failure.status, failure } as const;
  if (socket.alpnProtocol === 'h2') journal.tellNoRequest(session, { ...told, bytes: replyGoaway(socket, refusal) });
  else {
    const bytes = replyRaw(socket, refusal);
    journal.tellNoRequest(session, { ...told, bytes, contentType: mediaTypeOf(refusal) });
  }
  return false;
}
