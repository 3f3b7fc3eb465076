// Tells a client that there is no place for it: in words as long as few are told so, and by a reset beyond. Called by
// flow/let-in.

import { ProxyError } from '../core/errors.ts';
import { nextId, type Session } from '../core/session.ts';
import { connectionOn } from '../http/connection.ts';
import { mediaTypeOf, replyRaw } from '../http/reply.ts';
import type { Inlet } from '../net/inlet.ts';
import { type Explainers, explain } from './explain.ts';
import type { Services } from './services.ts';

/** As Squid logs a connection without a request. */
const NO_REQUEST = 'error:transaction-end-before-headers';

/** `full`: the proxy has no place; `client-full`: this client has all of its share. */
export function turnAway(
  services: Pick<Services, 'journal' | 'places'> & Explainers,
  session: Session,
  inlet: Inlet,
  why: 'full' | 'client-full',
): void {
  const { journal, places } = services;
  const { socket } = inlet;
  const failure =
    why === 'full'
      ? new ProxyError('overloaded')
      : new ProxyError('client-limit', `It has ${places.perClient} connections open.`);
  const told = { outcome: 'failed', failure } as const;
  if (!places.mayLinger(socket)) {
    socket.resetAndDestroy();
    journal.tellNoRequest(session, told);
    return;
  }
  const connection = connectionOn(inlet, session);
  const refusal = explain(services, { connection, error: failure, url: NO_REQUEST, id: nextId() });
  // A header of a load balancer may have been read before: what else comes must be, or it would take the reply back.
  inlet.drop();
  const bytes = replyRaw(socket, refusal);
  journal.tellNoRequest(session, { ...told, status: failure.status, bytes, contentType: mediaTypeOf(refusal) });
}
