// Closes a tunnel without a word: by rule at the CONNECT, or at the ClientHello when it is not what the CONNECT said.
// Called by flow/open-tunnel.

import type { ProxyError } from '../core/errors.ts';
import type { Tunnel } from '../core/session.ts';
import { breakOff, type Connection } from '../http/connection.ts';
import type { Services } from './services.ts';

export interface Termination {
  /** At `connect` no reply was sent yet; at `hello` the 200 was. */
  readonly step: 'connect' | 'hello';
  readonly failure?: ProxyError;
}

export function terminate(services: Services, connection: Connection, tunnel: Tunnel, how: Termination): void {
  // To a relay such as nc, the end of one half is no end: whoever speaks through it would wait for ever.
  if (how.failure?.code === 'not-tls') breakOff(connection);
  else connection.socket.destroy();
  services.journal.tellConnect(tunnel, {
    by: connection.session,
    tag: 'NONE_NONE',
    status: how.step === 'connect' ? 0 : 200,
    bytes: 0,
    outcome: 'terminated',
    failure: how.failure,
  });
}
