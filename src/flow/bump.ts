// Decrypts a tunnel: the origin is reached and verified first, then a leaf for the asked name is minted, then the client
// gets its handshake, then the plaintext goes to the same HTTP parser. Called by flow/open-tunnel.

import type { TLSSocket } from 'node:tls';
import { asProxyError, ProxyError } from '../core/errors.ts';
import type { Tunnel } from '../core/session.ts';
import { type Connection, connectionOn } from '../http/connection.ts';
import { acceptTls, type ClientHandshake } from '../net/client-tls.ts';
import type { Route, UpstreamConnection } from '../net/upstream.ts';
import type { ClientHello } from '../wire/client-hello.ts';
import type { Stage } from './services.ts';

/**
 * Milliseconds in which a client that closes after the handshake without having sent a byte is taken to have rejected
 * our certificate: GnuTLS clients, and curl on a wrong name, look at it only then (features.md section P, measured).
 */
const SECOND_THOUGHTS = 1_000;

/** `route`: where the origin was located for the CONNECT; the answer is not asked for twice. */
export async function bump(
  stage: Stage,
  outer: Connection,
  tunnel: Tunnel,
  hello: ClientHello,
  route?: Route,
): Promise<void> {
  const { leaves, limits, journal } = stage;
  const { socket, session } = outer;
  const { authority } = tunnel;
  const upstream = await verifyOrigin(stage, tunnel, route);
  const context = await leaves.contextFor({
    hosts: [{ kind: authority.kind, text: authority.host }],
    keyType: hello.ecdsa ? 'ec' : 'rsa',
  });
  const base = { by: session, upstream, tag: 'NONE_NONE', status: 200, bytes: 0 } as const;
  if (socket.destroyed) {
    journal.tellConnect(tunnel, {
      ...base,
      suffix: 'ABORTED',
      outcome: 'aborted',
      failure: new ProxyError('client-aborted'),
    });
    return;
  }
  const handshake = await acceptTls(socket, { context, timeout: limits.handshakeTimeout });
  if (handshake.outcome !== 'secure') {
    journal.tellConnect(tunnel, { ...base, suffix: 'ABORTED', ...failedHandshake(handshake) });
    return;
  }
  tunnel.clientTls = handshake.facts;
  serveInside(stage, outer, tunnel, handshake.socket, upstream);
}

/** Reaches the origin, unless the tunnel is answered by us; a failure is remembered, to be shown inside. */
async function verifyOrigin(
  stage: Stage,
  tunnel: Tunnel,
  route: Route | undefined,
): Promise<UpstreamConnection | undefined> {
  if (tunnel.instead || tunnel.decision.action === 'deny') return undefined;
  try {
    return await stage.pools.ensure(tunnel.decision, 'https', route);
  } catch (thrown) {
    tunnel.instead = { kind: 'failed', error: asProxyError(thrown) };
    return undefined;
  }
}

function failedHandshake(handshake: Exclude<ClientHandshake, { outcome: 'secure' }>) {
  if (handshake.outcome === 'rejected') {
    const { alert, confidence } = handshake;
    const sign = confidence === 'certain' ? `Its alert: ${alert}.` : 'It broke off the handshake without an alert.';
    const failure = new ProxyError('client-rejected-certificate', sign);
    return { outcome: 'client_rejected_certificate', alert, confidence, failure } as const;
  }
  if (handshake.outcome === 'timeout') {
    return { outcome: 'timed_out', failure: new ProxyError('client-tls', 'No end of the handshake in time.') } as const;
  }
  return { outcome: 'failed', failure: new ProxyError('client-tls', handshake.reason) } as const;
}

/** The CONNECT is told once it is known whether the client went on: at its first request, its close, or after a second. */
function serveInside(
  stage: Stage,
  outer: Connection,
  tunnel: Tunnel,
  socket: TLSSocket,
  upstream: UpstreamConnection | undefined,
): void {
  const denied = tunnel.instead?.kind === 'denied';
  const failure = tunnel.instead?.kind === 'failed' ? tunnel.instead.error : undefined;
  const end = performance.now();
  const told = { by: outer.session, upstream, tried: failure?.peer, end, status: 200, bytes: 0 } as const;
  const wentOn = (): void => {
    clearTimeout(timer);
    const tag = denied ? 'TCP_DENIED' : 'NONE_NONE';
    stage.journal.tellConnect(tunnel, { ...told, tag, outcome: denied ? 'denied' : 'bumped', failure });
  };
  const timer = setTimeout(wentOn, SECOND_THOUGHTS);
  socket.once('close', () => {
    clearTimeout(timer);
    const aborted = { ...told, tag: 'NONE_NONE', suffix: 'ABORTED' } as const;
    if (stage.stopping.aborted) {
      const failure = new ProxyError('shutting-down');
      stage.journal.tellConnect(tunnel, { ...aborted, outcome: 'aborted', failure });
      return;
    }
    stage.journal.tellConnect(tunnel, {
      ...aborted,
      outcome: 'client_rejected_certificate',
      alert: 'none',
      confidence: 'suspected',
      failure: new ProxyError('client-rejected-certificate', 'It closed after the handshake without a request.'),
    });
  });
  const connection = connectionOn(socket, outer.session, tunnel, outer.carrier ?? outer.socket);
  connection.onFirstRequest = wentOn;
  stage.server.take(connection);
}
