// What the parser could not read: one answer, one line, and the connection is closed. Called by the HTTP parser through
// proxy.ts.

import type { ProxyError } from '../core/errors.ts';
import { nextId } from '../core/session.ts';
import type { Connection } from '../http/connection.ts';
import { refusalOf, replyRaw } from '../http/reply.ts';
import type { Services } from './services.ts';

/** As Squid logs it, whatever the bytes were. */
const INVALID_REQUEST = 'error:invalid-request';

export function rejectMalformed(services: Services, connection: Connection, error: ProxyError): void {
  const { socket, session, tunnel } = connection;
  // A client that went away has ended nothing, or an exchange that will tell of itself.
  if (error.code === 'client-aborted') {
    socket.destroy();
    return;
  }
  const id = nextId();
  const bytes = replyRaw(socket, refusalOf(error, INVALID_REQUEST, id));
  services.journal.tell({
    by: session,
    inside: tunnel,
    exchange: id,
    begin: performance.now(),
    tag: 'NONE_NONE',
    status: error.status,
    bytes,
    outcome: error.code === 'request-timeout' ? 'timed_out' : 'malformed',
    failure: error,
    url: INVALID_REQUEST,
    contentType: 'text/html',
  });
}
