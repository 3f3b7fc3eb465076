// Ends TLS that was never asked for by a CONNECT before its handshake: a TLS alert is the one word that the client
// understands without trusting us. Called by flow/open-intercepted.

import type { Socket } from 'node:net';
import type { ProxyError } from '../core/errors.ts';
import type { Tunnel } from '../core/session.ts';
import type { Connection } from '../http/connection.ts';
import type { Services } from './services.ts';

/** RFC 8446 section 6. */
const ALERTS = { access_denied: 49, internal_error: 80, missing_extension: 109 } as const;

/** A fatal alert, then the end of the connection. */
export function endWithAlert(socket: Socket, alert: keyof typeof ALERTS): void {
  if (socket.destroyed) return;
  socket.write(Buffer.from([0x15, 3, 3, 0, 2, 2, ALERTS[alert]]));
  socket.destroySoon();
}

/** By the policy; or, with `error`, for what the proxy cannot do. */
export function refuseHello(
  { journal }: Pick<Services, 'journal'>,
  { socket, session }: Connection,
  tunnel: Tunnel,
  error?: ProxyError,
): void {
  const status = error?.status ?? 403;
  const denied = status === 403;
  endWithAlert(socket, denied ? 'access_denied' : 'internal_error');
  journal.tellConnect(tunnel, {
    by: session,
    tag: denied ? 'TCP_DENIED' : 'NONE_NONE',
    status,
    bytes: 0,
    outcome: denied ? 'denied' : 'failed',
    failure: error,
  });
}
