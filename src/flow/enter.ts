// Stage nought: by which way a socket comes in. One from a load balancer says first whose it is; one that a firewall has
// turned around to a transparent listener knows nothing of a proxy. Called by proxy.ts for each socket.

import type { Socket } from 'node:net';
import { beginSession, type Endpoint, plainAddress } from '../core/session.ts';
import type { ListenOptions } from '../net/options.ts';
import type { ProxyHeaders } from '../net/proxy-headers.ts';
import { handleConnection } from './handle-connection.ts';
import { handleIntercepted } from './handle-intercepted.ts';
import type { Stage } from './services.ts';

/** `headers`: of a listener that has `proxyProtocol`. */
export function enter(stage: Stage, socket: Socket, listen: ListenOptions, headers?: ProxyHeaders): Promise<void> {
  return headers ? enterFronted(stage, socket, listen, headers) : goOn(stage, socket, listen);
}

/** `client`: whom a load balancer says that the connection is of. */
function goOn(stage: Stage, socket: Socket, listen: ListenOptions, client?: Endpoint): Promise<void> {
  if (!listen.transparent) return handleConnection(stage, socket, listen, client);
  return handleIntercepted(stage, socket, listen.transparent, client ?? peerOf(socket));
}

async function enterFronted(stage: Stage, socket: Socket, listen: ListenOptions, headers: ProxyHeaders): Promise<void> {
  const session = beginSession(peerOf(socket));
  const fronted = await headers.take(socket, session.client.address, stage.limits.headerTimeout);
  if (fronted.kind === 'in') return goOn(stage, socket, listen, fronted.client);
  socket.destroy();
  const told = fronted.kind === 'refused' ? ({ outcome: 'terminated', failure: fronted.error } as const) : {};
  return stage.journal.tellNoRequest(session, told);
}

function peerOf(socket: Socket): Endpoint {
  return { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
}
