// A tunnel on a stream holds an origin, a handshake, buffers, as one on a connection of its own: it needs a place like that.
// Called by flow/open-tunnel once a CONNECT is not refused.

import { ProxyError } from '../core/errors.ts';
import type { Tunnel } from '../core/session.ts';
import type { Connection } from '../http/connection.ts';
import { clientKey } from '../net/client-key.ts';
import type { RequestHead } from '../wire/http-head.ts';
import { refuseConnect } from './refuse-connect.ts';
import type { Services } from './services.ts';

/** False: there is none, which is answered and told. The place is given back when the stream has closed. */
export async function takePlace(
  services: Services,
  connection: Connection,
  tunnel: Tunnel,
  request: RequestHead,
): Promise<boolean> {
  const { places, journal } = services;
  const { socket, session } = connection;
  const admission = await places.admit(socket, clientKey(session.client.address));
  if (admission === 'in') return true;
  if (admission === 'gone') {
    const told = { by: session, tag: 'NONE_NONE', suffix: 'ABORTED', status: 0, bytes: 0 } as const;
    journal.tellConnect(tunnel, { ...told, outcome: 'aborted', failure: new ProxyError('client-aborted') });
    return false;
  }
  const failure =
    admission === 'full'
      ? new ProxyError('overloaded')
      : new ProxyError('client-limit', `It has ${places.perClient} connections and tunnels open.`);
  refuseConnect(services, connection, tunnel, request, failure);
  return false;
}
