// Stage one of a connection that a firewall has turned around to us: it needs a place; its first byte says whether it is
// TLS, which goes on by its server name, or HTTP, which goes on by its Host. Called by flow/enter.

import { ProxyError } from '../core/errors.ts';
import { beginSession, type Endpoint } from '../core/session.ts';
import { connectionOn } from '../http/connection.ts';
import { clientKey } from '../net/client-key.ts';
import type { Inlet } from '../net/inlet.ts';
import type { InterceptOptions } from '../net/options.ts';
import { firstWord, localOf } from './handle-connection.ts';
import { openIntercepted } from './open-intercepted.ts';
import type { Stage } from './services.ts';
import { turnAway } from './turn-away.ts';

export async function handleIntercepted(
  stage: Stage,
  inlet: Inlet,
  { httpsPort, httpPort }: InterceptOptions,
  client: Endpoint,
): Promise<void> {
  const { journal, limits, places } = stage;
  const { socket } = inlet;
  const session = beginSession(client);
  if (journal.needs.has('ends')) session.local = localOf(socket);
  const admission = await places.admit(socket, clientKey(client.address));
  if (admission !== 'in') {
    if (admission === 'gone') journal.tellNoRequest(session);
    else turnAway(stage, session, socket, admission);
    return;
  }
  const first = await firstWord(inlet, limits.headerTimeout);
  if (first.seen !== 'value') {
    socket.destroy();
    const late = first.seen === 'timeout';
    journal.tellNoRequest(session, late ? { failure: new ProxyError('request-timeout') } : {});
    return;
  }
  if (stage.ownDials?.has(client)) {
    socket.destroy();
    const mend =
      "The firewall has turned around a connection of the proxy itself: leave out those of the proxy's user.";
    journal.tellNoRequest(session, { outcome: 'failed', failure: new ProxyError('loop', mend) });
    return;
  }
  if (first.value === 'tls') {
    await openIntercepted(stage, session, inlet, httpsPort);
    return;
  }
  const connection = connectionOn(inlet, session);
  connection.originPort = httpPort;
  socket.on('close', () => {
    if (connection.exchanges === 0) journal.tellNoRequest(session);
  });
  stage.server.take(connection);
}
