// What the parser could not read: one answer, one line, and the connection is closed. Called by the HTTP parser through
// proxy.ts.

import type { ProxyError } from '../core/errors.ts';
import { nextId } from '../core/session.ts';
import type { Connection } from '../http/connection.ts';
import { mediaTypeOf, replyRaw } from '../http/reply.ts';
import { explain } from './explain.ts';
import type { Services } from './services.ts';

/** As Squid logs it, whatever the bytes were. */
const INVALID_REQUEST = 'error:invalid-request';

export function rejectMalformed(services: Services, connection: Connection, error: ProxyError): void {
  const { socket, session, tunnel, abort } = connection;
  // A client that went away has ended nothing, or an exchange that will tell of itself.
  if (error.code === 'client-aborted') {
    socket.destroy();
    return;
  }
  const id = nextId();
  const refusal = explain(services, { connection, error, url: INVALID_REQUEST, id });
  // A stream has been reset by then, and the connection is that of others too.
  const bytes = abort ? 0 : replyRaw(socket, refusal);
  services.journal.tell({
    by: session,
    inside: tunnel,
    exchange: id,
    begin: performance.now(),
    tag: 'NONE_NONE',
    status: abort ? 0 : error.status,
    bytes,
    outcome: error.code === 'request-timeout' ? 'timed_out' : 'malformed',
    failure: error,
    url: INVALID_REQUEST,
    contentType: abort ? undefined : mediaTypeOf(refusal),
  });
}
