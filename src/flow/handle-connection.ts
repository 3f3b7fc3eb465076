// Stage one: a socket was accepted. It needs a place; its first byte says whether the client speaks TLS to the proxy
// itself; either way it ends at the HTTP parser. Called by proxy.ts for each socket.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Host, parseHost } from '../core/authority.ts';
import { asProxyError } from '../core/errors.ts';
import { beginSession, type Endpoint, plainAddress, type Session } from '../core/session.ts';
import { connectionOn } from '../http/connection.ts';
import { Inlet } from '../net/inlet.ts';
import type { ListenOptions } from '../net/options.ts';
import { peekError } from '../net/peek.ts';
import type { LeafIdentity } from '../pki/leaf-identity.ts';
import { knowCertificate } from './know-certificate.ts';
import { letIn } from './let-in.ts';
import { peekHello } from './peek-hello.ts';
import type { Stage } from './services.ts';
import { failedHandshake, type Handshake, shakeHands } from './shake-hands.ts';

/** `client`: whom a load balancer says that the connection is of; absent: whoever dialled us. */
export async function handleConnection(
  stage: Stage,
  inlet: Inlet,
  listen: ListenOptions,
  client?: Endpoint,
): Promise<void> {
  const { socket } = inlet;
  const session = beginSession(client ?? { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 });
  if (stage.journal.needs.has('ends')) session.local = localOf(socket);
  const first = await letIn(stage, session, inlet);
  if (first === undefined) return;
  const isTls = first === 'tls';
  const secured = isTls ? await secureOwnPort(stage, session, inlet, listen) : undefined;
  if (isTls && !secured) return;
  const connection = connectionOn(secured ? new Inlet(secured.socket) : inlet, session, undefined, socket);
  connection.socket.on('close', () => {
    if (connection.exchanges === 0) stage.journal.tellNoRequest(session);
  });
  if (secured?.socket.alpnProtocol === 'h2') {
    connection.ownName = secured.name;
    stage.server.takeStreams(connection);
  } else stage.server.take(connection);
}

/** Where a client has come in. */
export function localOf(socket: Socket): Endpoint {
  return { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 };
}

/** TLS to the proxy itself, with a leaf for its own names (RFC 9110 section 4.2.2 lets a proxy be an https one). */
async function secureOwnPort(
  stage: Stage,
  session: Session,
  inlet: Inlet,
  listen: ListenOptions,
): Promise<{ readonly socket: TLSSocket; readonly name: string } | undefined> {
  const { limits, journal, ownLeaves: leaves } = stage;
  const { socket } = inlet;
  const hello = await peekHello(inlet, limits.handshakeTimeout);
  if (hello.seen !== 'value') {
    socket.destroy();
    journal.tellNoRequest(session, { failure: peekError(hello) });
    return undefined;
  }
  const read = hello.value.state === 'hello' ? hello.value.hello : undefined;
  const identity: LeafIdentity = { hosts: ownNames(socket, listen), keyType: read && !read.ecdsa ? 'rsa' : 'ec' };
  const offer = {
    requestCert: stage.clientVerifier !== undefined,
    streams: stage.http2 && read?.alpn.includes('h2') === true,
  };
  let handshake: Handshake | undefined;
  try {
    handshake = await leaves.lend(identity, async (context) => {
      const free = inlet.release();
      return free && shakeHands(stage, session, free, context, offer);
    });
  } catch (thrown) {
    socket.destroy();
    journal.tellNoRequest(session, { outcome: 'failed', failure: asProxyError(thrown) });
    return undefined;
  }
  if (!handshake) {
    journal.tellNoRequest(session);
    return undefined;
  }
  if (handshake.outcome !== 'secure') {
    journal.tellNoRequest(session, failedHandshake(handshake));
    return undefined;
  }
  session.proxyTls = handshake.facts;
  if (!knowCertificate(stage, session, handshake.socket)) return undefined;
  return { socket: handshake.socket, name: read?.serverName ?? plainAddress(socket.localAddress) };
}

/** The configured names, the address the client came to, and `localhost` for one that came by loopback. */
function ownNames(socket: Socket, listen: ListenOptions): Host[] {
  const address = plainAddress(socket.localAddress);
  const loopback = address === '::1' || address.startsWith('127.') ? ['localhost'] : [];
  const texts = [...listen.names, address.includes(':') ? `[${address}]` : address, ...loopback];
  return texts.flatMap((text) => {
    const host = parseHost(text);
    return host.ok ? [host.value] : [];
  });
}
