// Stages four to nine of TLS that a firewall has turned around to us: the server name of the ClientHello stands where
// CONNECT would, and what is decided, dialled, spliced or bumped is the same. Called by flow/handle-intercepted.

import { type Authority, type Parsed, parseHost } from '../core/authority.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import { beginTunnel, type Session, type Tunnel } from '../core/session.ts';
import { type Connection, connectionOn } from '../http/connection.ts';
import type { Inlet } from '../net/inlet.ts';
import { peekError } from '../net/peek.ts';
import { NOBODY } from './identify.ts';
import { refusalByLog } from './log-gate.ts';
import { afterHello, decide } from './open-tunnel.ts';
import { type Hello, peekHello } from './peek-hello.ts';
import { endWithAlert, refuseHello } from './refuse-hello.ts';
import { isOwnHost } from './serve-own.ts';
import type { Stage } from './services.ts';
import { terminate } from './terminate.ts';

type Heard = Extract<Hello, { state: 'hello' }>;

/** `port`: where the origin is dialled. */
export async function openIntercepted(stage: Stage, session: Session, inlet: Inlet, port: number): Promise<void> {
  const { journal, limits } = stage;
  const { socket } = inlet;
  const peeked = await peekHello(inlet, limits.handshakeTimeout);
  if (peeked.seen !== 'value') {
    socket.destroy();
    journal.tellNoRequest(session, { failure: peekError(peeked) });
    return;
  }
  const words = peeked.value;
  if (words.state !== 'hello') {
    socket.destroy();
    const code = words.state === 'malformed' ? 'hello-malformed' : 'not-tls';
    const failure = new ProxyError(code, `${words.reason}.`);
    journal.tellNoRequest(session, { outcome: 'terminated', failure });
    return;
  }
  const authority = authorityOf(words, port);
  if (!authority.ok) {
    endWithAlert(socket, 'missing_extension');
    const failure = new ProxyError('sni-missing', `${authority.reason}.`);
    journal.tellNoRequest(session, { outcome: 'terminated', failure });
    return;
  }
  const connection = connectionOn(inlet, session);
  const decision = decide(stage, connection, authority.value, NOBODY);
  const tunnel = beginTunnel(authority.value, decision, session.begin);
  tunnel.intercepted = true;
  journal.beginConnect(tunnel, session);
  try {
    await carryOut(stage, connection, tunnel, words);
  } catch (thrown) {
    const failure = asProxyError(thrown);
    const told = { by: session, tag: 'NONE_NONE', suffix: 'ABORTED', status: failure.status } as const;
    journal.tellConnect(tunnel, { ...told, bytes: 0, outcome: 'failed', failure });
    throw thrown;
  }
}

/** RFC 6066 section 3 has no addresses there; one that were taken would let the client choose what is dialled unnamed. */
function authorityOf({ hello: { serverName } }: Heard, port: number): Parsed<Authority> {
  if (serverName === undefined) return { ok: false, reason: 'There is no server name' };
  const host = parseHost(serverName);
  if (!host.ok) return { ok: false, reason: `The server name is not a host name (${host.reason})` };
  const { kind, text } = host.value;
  if (kind !== 'name') return { ok: false, reason: 'The server name is an address' };
  return { ok: true, value: { kind, host: text, port } };
}

async function carryOut(stage: Stage, connection: Connection, tunnel: Tunnel, words: Heard): Promise<void> {
  const unlogged = refusalByLog(stage.journal);
  if (unlogged) return refuseHello(stage, connection, tunnel, unlogged.error);
  const { authority, decision } = tunnel;
  if (words.hello.serverName !== undefined) tunnel.sni = words.hello.serverName;
  if (decision.action === 'deny') {
    if (decision.refuseBy === 'close') return terminate(stage, connection, tunnel, { step: 'connect' });
    // Who knows of no proxy cannot be asked who it is: to it that is a denial like any other.
    if (decision.refuseBy !== 'page') return refuseHello(stage, connection, tunnel);
    tunnel.instead = { kind: 'denied', denial: decision };
    return afterHello(stage, connection, tunnel, words, undefined);
  }
  if (decision.tls === 'terminate') return terminate(stage, connection, tunnel, { step: 'connect' });
  if (isOwnHost(authority)) {
    tunnel.instead = { kind: 'own' };
    return afterHello(stage, connection, tunnel, words, undefined);
  }
  const route = await stage.upstream.locate(decision).catch((thrown: unknown) => asProxyError(thrown));
  if (!(route instanceof ProxyError)) return afterHello(stage, connection, tunnel, words, route);
  // Only inside can the client be told why.
  if (route.code === 'address-forbidden' || decision.tls !== 'bump') {
    return refuseHello(stage, connection, tunnel, route);
  }
  tunnel.instead = { kind: 'failed', error: route };
  return afterHello(stage, connection, tunnel, words, undefined);
}
