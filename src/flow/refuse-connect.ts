// Answers a CONNECT itself with an error: clients drop the body, so reason phrase and headers tell it too. Called by
// flow/open-tunnel.

import { formatAuthority } from '../core/authority.ts';
import type { Denial } from '../core/decision.ts';
import type { ProxyError } from '../core/errors.ts';
import { nextId, type Tunnel } from '../core/session.ts';
import type { Connection } from '../http/connection.ts';
import { mediaTypeOf, replyToConnect } from '../http/reply.ts';
import { loggedUrl } from '../log/logged-url.ts';
import type { RequestHead } from '../wire/http-head.ts';
import { explain } from './explain.ts';
import type { Services } from './services.ts';

/** What the policy does not deny, but the proxy cannot do, or not before it knows who is asking. */
export function refuseConnect(
  services: Services,
  connection: Connection,
  tunnel: Tunnel,
  request: RequestHead,
  error: ProxyError,
): void {
  const denied = error.status === 407 || (error.status === 403 && error.side !== 'upstream');
  // A request that comes round has not been judged.
  const decision = error.code === 'loop' ? undefined : tunnel.decision;
  const refusal = explain(services, { ...caseOf(connection, tunnel, request), error, decision });
  const bytes = replyToConnect(connection, refusal);
  services.journal.tellConnect(tunnel, {
    by: connection.session,
    tag: denied ? 'TCP_DENIED' : 'NONE_NONE',
    status: error.status,
    bytes,
    outcome: denied ? 'denied' : 'failed',
    contentType: mediaTypeOf(refusal),
    failure: error,
    tried: error.peer,
  });
}

/** A CONNECT that the policy denies: nothing went wrong, so no error is made of it. */
export function refuseDenied(
  services: Services,
  connection: Connection,
  tunnel: Tunnel,
  request: RequestHead,
  denial: Denial,
): void {
  const error = { code: 'denied', detail: denial.reason } as const;
  const refusal = explain(services, { ...caseOf(connection, tunnel, request), error, decision: denial });
  const bytes = replyToConnect(connection, refusal);
  services.journal.tellConnect(tunnel, {
    by: connection.session,
    tag: 'TCP_DENIED',
    status: refusal.status,
    bytes,
    outcome: 'denied',
    contentType: mediaTypeOf(refusal),
  });
}

function caseOf(connection: Connection, { authority, id, identity }: Tunnel, request: RequestHead) {
  return { connection, url: formatAuthority(authority), id, request, authority, identity };
}

/** A CONNECT that names no authority, or stands where none may stand: there is no tunnel to tell of. */
export function refuseMalformedConnect(
  services: Services,
  connection: Connection,
  request: RequestHead,
  error: ProxyError,
): void {
  const { session, tunnel } = connection;
  const id = nextId();
  const target = request.url;
  const refusal = explain(services, { connection, error, url: loggedUrl(target, 'authority'), id, request });
  const bytes = replyToConnect(connection, refusal);
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
    contentType: mediaTypeOf(refusal),
  });
}
