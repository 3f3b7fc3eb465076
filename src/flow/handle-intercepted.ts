// Stage one of a connection that a firewall has turned around to us: it needs a place; its first byte says whether it is
// TLS, which goes on by its server name, or HTTP, which goes on by its Host. Called by flow/enter.

import { ProxyError } from '../core/errors.ts';
import { beginSession, type Endpoint } from '../core/session.ts';
import { connectionOn } from '../http/connection.ts';
import type { Inlet } from '../net/inlet.ts';
import type { InterceptOptions } from '../net/options.ts';
import { localOf } from './handle-connection.ts';
import { letIn } from './let-in.ts';
import { openIntercepted } from './open-intercepted.ts';
import type { Stage } from './services.ts';

export async function handleIntercepted(
  stage: Stage,
  inlet: Inlet,
  { httpsPort, httpPort }: InterceptOptions,
  client: Endpoint,
): Promise<void> {
  const { journal } = stage;
  const { socket } = inlet;
  const session = beginSession(client);
  if (journal.needs.has('ends')) session.local = localOf(socket);
  const first = await letIn(stage, session, inlet);
  if (first === undefined) return;
  if (stage.ownDials?.has(client)) {
    socket.destroy();
    const mend =
      "The firewall has turned around a connection of the proxy itself: leave out those of the proxy's user.";
    journal.tellNoRequest(session, { outcome: 'failed', failure: new ProxyError('loop', mend) });
    return;
  }
  if (first === 'tls') {
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
