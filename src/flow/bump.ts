// Decrypts a tunnel: the origin is reached and verified first, then a leaf for the asked name is minted, then the client
// gets its handshake, then the plaintext goes to the same HTTP parser. Called by flow/open-tunnel.

import { setTimeout as wait } from 'node:timers/promises';
import type { Permit } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import type { Tunnel } from '../core/session.ts';
import { type Connection, connectionOn } from '../http/connection.ts';
import { CertificateAlert } from '../net/certificate-wish.ts';
import { clientKey } from '../net/client-key.ts';
import { Inlet } from '../net/inlet.ts';
import type { Route, UpstreamConnection } from '../net/upstream.ts';
import type { LeafIdentity } from '../pki/leaf-identity.ts';
import type { ClientHello } from '../wire/client-hello.ts';
import { unread } from './exempt.ts';
import { noteRejection } from './note-rejection.ts';
import type { Stage } from './services.ts';
import { failedHandshake, type Handshake, shakeHands } from './shake-hands.ts';
import { splice } from './splice.ts';

/**
 * Milliseconds in which a client that closes after the handshake without having sent a byte is taken to have rejected
 * our certificate: GnuTLS clients, and curl on a wrong name, look at it only then (features.md section P, measured).
 */
const SECOND_THOUGHTS = 1_000;
/** Milliseconds for the no of an origin: a round trip. */
const SECOND_WORD = 300;

/** `route`: where the origin was located for the CONNECT; the answer is not asked for twice. */
export async function bump(
  stage: Stage,
  outer: Connection,
  tunnel: Tunnel,
  hello: ClientHello,
  route?: Route,
): Promise<void> {
  const { leaves, journal } = stage;
  const { socket, inlet, session } = outer;
  const { authority } = tunnel;
  const identity: LeafIdentity = {
    hosts: [{ kind: authority.kind, text: authority.host }],
    keyType: hello.ecdsa ? 'ec' : 'rsa',
  };
  // Before the origin is dialled and verified, which costs far more than the leaf.
  if (!leaves.has(identity) && !(await stage.mints.take(clientKey(session.client.address)))) {
    socket.destroy();
    const failure = new ProxyError('client-limit', 'It asks for too many new hosts at once.');
    const told = { by: session, tag: 'NONE_NONE', suffix: 'ABORTED', status: 200, bytes: 0 } as const;
    journal.tellConnect(tunnel, { ...told, outcome: 'failed', failure });
    return;
  }
  const asksForStreams = stage.http2 && hello.alpn.includes('h2');
  const upstream = await verifyOrigin(stage, tunnel, route, asksForStreams);
  if (route && mayPass(stage, tunnel, hello)) {
    return splice(
      stage,
      outer,
      tunnel,
      { ...route, permit: tunnel.decision },
      { kind: 'spliced', accepted: hello.length },
    );
  }
  const base = { by: session, upstream, tag: 'NONE_NONE', status: 200, bytes: 0 } as const;
  // Where the origin speaks HTTP/1 only, so shall a client that can: what it does with HTTP/2 is not translated for nothing.
  const isCarried = tunnel.instead !== undefined || upstream?.protocol === 'h2' || !hello.alpn.includes('http/1.1');
  const handshake = await leaves.lend(identity, async (context) => {
    const free = inlet.release();
    return free && shakeHands(stage, session, free, context, { streams: asksForStreams && isCarried });
  });
  if (!handshake) {
    journal.tellConnect(tunnel, {
      ...base,
      suffix: 'ABORTED',
      outcome: 'aborted',
      failure: new ProxyError('client-aborted'),
    });
    return;
  }
  if (handshake.outcome !== 'secure') {
    if (handshake.outcome === 'rejected') noteRejection(stage, session, tunnel, handshake);
    journal.tellConnect(tunnel, { ...base, suffix: 'ABORTED', ...failedHandshake(handshake) });
    return;
  }
  tunnel.clientTls = handshake.facts;
  serveInside(stage, outer, tunnel, handshake, upstream);
}

/** Reaches the origin, unless the tunnel is answered by us; a failure is remembered, to be shown inside. */
async function verifyOrigin(
  stage: Stage,
  tunnel: Tunnel,
  route: Route | undefined,
  streams: boolean,
): Promise<UpstreamConnection | undefined> {
  if (tunnel.instead || tunnel.decision.action === 'deny') return undefined;
  try {
    const connection = await stage.pools.ensure(tunnel.decision, 'https', route, streams);
    const refusal = connection.wish && (await refusalOf(stage, tunnel.decision, connection));
    if (!refusal) return connection;
    tunnel.instead = { kind: 'failed', error: refusal };
  } catch (thrown) {
    tunnel.instead = { kind: 'failed', error: asProxyError(thrown) };
  }
  return undefined;
}

/**
 * Whether an origin that asked for a client certificate goes on without: in TLS 1.3 its no comes after the handshake. Waited
 * for where it matters now, before the client has shaken hands with us, and where nothing is known of it yet.
 */
async function refusalOf(
  { wanting }: Stage,
  permit: Permit,
  { socket, wish }: UpstreamConnection,
): Promise<ProxyError | undefined> {
  const { authority } = permit;
  if (unread(permit) === permit || wanting.wishOf(authority) === 'optional' || wanting.hasAnswered(authority)) {
    return undefined;
  }
  const late = new AbortController();
  const closed = await Promise.race([
    new Promise<true>((resolve) => void socket.once('close', () => resolve(true))),
    wait(SECOND_WORD, false, { signal: late.signal }).catch(() => false),
  ]);
  late.abort();
  const refusal = closed ? wish?.refusalAtOnce : undefined;
  if (!refusal) wanting.remember(authority, 'optional');
  return refusal;
}

/** Whether the tunnel, decrypted in vain, may pass unread instead: then its decision says so. */
function mayPass(stage: Stage, tunnel: Tunnel, hello: ClientHello): tunnel is Tunnel & { decision: Permit } {
  const { instead, decision } = tunnel;
  if (instead?.kind !== 'failed' || instead.error.code !== 'client-cert-required') return false;
  if (decision.action === 'deny') return false;
  const { wanting } = stage;
  const isSaid = instead.error.cause instanceof CertificateAlert;
  if (decision.identity === undefined) wanting.remember(decision.authority, isSaid ? 'required' : 'suspected');
  const permit = unread(decision);
  if (permit === decision || wanting.hasAnswered(decision.authority)) return false;
  // What is not decrypted must name its host.
  const atHello = stage.policy.decideHello(permit, hello.serverName, hello.encryptedClientHello);
  if (atHello.action === 'deny') return false;
  tunnel.decision = permit;
  delete tunnel.instead;
  return true;
}

/** The CONNECT is told once it is known whether the client went on: at its first request, its close, or after a second. */
function serveInside(
  stage: Stage,
  outer: Connection,
  tunnel: Tunnel,
  handshake: Extract<Handshake, { outcome: 'secure' }>,
  upstream: UpstreamConnection | undefined,
): void {
  const { socket } = handshake;
  const denied = tunnel.instead?.kind === 'denied';
  const failure = tunnel.instead?.kind === 'failed' ? tunnel.instead.error : undefined;
  const end = performance.now();
  const told = { by: outer.session, upstream, tried: failure?.peer, end, status: 200, bytes: 0 } as const;
  const wentOn = (): void => {
    clearTimeout(timer);
    socket.off('close', brokeOff);
    const tag = denied ? 'TCP_DENIED' : 'NONE_NONE';
    stage.journal.tellConnect(tunnel, { ...told, tag, outcome: denied ? 'denied' : 'bumped', failure });
  };
  let isAccepted = false;
  const brokeOff = (): void => {
    if (isAccepted && !handshake.lateAlert) {
      wentOn();
      return;
    }
    clearTimeout(timer);
    const aborted = { ...told, tag: 'NONE_NONE', suffix: 'ABORTED' } as const;
    if (stage.stopping.aborted) {
      const failure = new ProxyError('shutting-down');
      stage.journal.tellConnect(tunnel, { ...aborted, outcome: 'aborted', failure });
      return;
    }
    const { lateAlert } = handshake;
    const how = lateAlert
      ? ({ alert: lateAlert, confidence: 'certain' } as const)
      : ({ alert: 'none', confidence: 'suspected' } as const);
    const sign = lateAlert ? `Its alert: ${lateAlert}.` : 'It closed after the handshake without a request.';
    noteRejection(stage, outer.session, tunnel, how);
    stage.journal.tellConnect(tunnel, {
      ...aborted,
      ...how,
      outcome: 'client_rejected_certificate',
      failure: new ProxyError('client-rejected-certificate', sign),
    });
  };
  const timer = setTimeout(wentOn, SECOND_THOUGHTS);
  socket.once('close', brokeOff);
  const connection = connectionOn(new Inlet(socket), outer.session, tunnel, outer.carrier ?? outer.socket);
  const { rejections } = stage;
  const accepted = (): void => {
    isAccepted = true;
    rejections?.accepted(outer.session.client.address, tunnel.authority);
  };
  connection.onFirstBytes = accepted;
  connection.onFirstRequest = wentOn;
  if (socket.alpnProtocol === 'h2') {
    const webSockets = !tunnel.instead && stage.policy.mayOpenWebSocket(tunnel.authority);
    stage.server.takeStreams(connection, webSockets);
  } else stage.server.take(connection);
}
