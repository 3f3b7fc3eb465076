// Stage nought: by which way a socket comes in. One from a load balancer says first whose it is; one that a firewall has
// turned around to a transparent listener knows nothing of a proxy. Called by proxy.ts for each socket.

import type { Socket } from 'node:net';
import { beginSession, type Endpoint, plainAddress } from '../core/session.ts';
import { Inlet } from '../net/inlet.ts';
import type { ListenOptions } from '../net/options.ts';
import type { ProxyHeaders } from '../net/proxy-headers.ts';
import { handleConnection } from './handle-connection.ts';
import { handleIntercepted } from './handle-intercepted.ts';
import type { Stage } from './services.ts';

/** `headers`: of a listener that has `proxyProtocol`. */
export function enter(stage: Stage, socket: Socket, listen: ListenOptions, headers?: ProxyHeaders): Promise<void> {
  const inlet = new Inlet(socket);
  return headers ? enterFronted(stage, inlet, listen, headers) : goOn(stage, inlet, listen);
}

/** `client`: whom a load balancer says that the connection is of. */
function goOn(stage: Stage, inlet: Inlet, listen: ListenOptions, client?: Endpoint): Promise<void> {
  if (!listen.transparent) return handleConnection(stage, inlet, listen, client);
  return handleIntercepted(stage, inlet, listen.transparent, client ?? peerOf(inlet.socket));
}

async function enterFronted(stage: Stage, inlet: Inlet, listen: ListenOptions, headers: ProxyHeaders): Promise<void> {
  const { socket } = inlet;
  const session = beginSession(peerOf(socket));
  const fronted = await headers.take(inlet, session.client.address, stage.limits.headerTimeout);
  if (fronted.kind === 'in') return goOn(stage, inlet, listen, fronted.client);
  socket.destroy();
  const told = fronted.kind === 'refused' ? ({ outcome: 'terminated', failure: fronted.error } as const) : {};
  return stage.journal.tellNoRequest(session, told);
}

function peerOf(socket: Socket): Endpoint {
  return { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
}
