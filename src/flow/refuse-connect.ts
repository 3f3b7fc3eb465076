// Answers a CONNECT itself with an error: clients drop the body, so reason phrase and headers tell it too. Called by
// flow/open-tunnel.

import { formatAuthority } from '../core/authority.ts';
import type { Denial } from '../core/decision.ts';
import type { ProxyError } from '../core/errors.ts';
import { nextId, type Tunnel } from '../core/session.ts';
import type { Connection } from '../http/connection.ts';
import { refusalOf, replyRaw } from '../http/reply.ts';
import { loggedUrl } from '../log/logged-url.ts';
import { withChallenge } from './identify.ts';
import type { Services } from './services.ts';

/** What the policy does not deny, but the proxy cannot do, or not before it knows who is asking. */
export function refuseConnect(services: Services, connection: Connection, tunnel: Tunnel, error: ProxyError): void {
  const denied = error.status === 407 || (error.status === 403 && error.side !== 'upstream');
  const refusal = refusalOf(error, formatAuthority(tunnel.authority), tunnel.id);
  const bytes = replyRaw(connection.socket, withChallenge(services, refusal));
  services.journal.tellConnect(tunnel, {
    by: connection.session,
    tag: denied ? 'TCP_DENIED' : 'NONE_NONE',
    status: error.status,
    bytes,
    outcome: denied ? 'denied' : 'failed',
    contentType: 'text/html',
    failure: error,
  });
}

/** A CONNECT that the policy denies: nothing went wrong, so no error is made of it. */
export function refuseDenied(services: Services, connection: Connection, tunnel: Tunnel, denial: Denial): void {
  const { reason, rule } = denial;
  const refusal = refusalOf({ code: 'denied', detail: reason }, formatAuthority(tunnel.authority), tunnel.id, rule);
  const bytes = replyRaw(connection.socket, refusal);
  services.journal.tellConnect(tunnel, {
    by: connection.session,
    tag: 'TCP_DENIED',
    status: refusal.status,
    bytes,
    outcome: 'denied',
    contentType: 'text/html',
  });
}

/** A CONNECT that names no authority, or stands where none may stand: there is no tunnel to tell of. */
export function refuseMalformedConnect(
  services: Services,
  connection: Connection,
  target: string,
  error: ProxyError,
): void {
  const { socket, session, tunnel } = connection;
  const id = nextId();
  const bytes = replyRaw(socket, refusalOf(error, loggedUrl(target, 'authority'), id));
  services.journal.tell({
    by: session,
    inside: tunnel,
    exchange: id,
    begin: performance.now(),
    tag: 'NONE_NONE',
    status: error.status,
    bytes,
    outcome: 'malformed',
    failure: error,
    method: 'CONNECT',
    url: target,
    contentType: 'text/html',
  });
}
