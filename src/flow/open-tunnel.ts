// Stages two to nine of a CONNECT that was read and admitted, or not: decide, locate, look at the ClientHello, decide again,
// and hand over to splice, bump or terminate. Called by the HTTP parser through proxy.ts.

import type { Authority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import { beginTunnel, type Tunnel } from '../core/session.ts';
import { type Admission, valuesOf } from '../http/admission.ts';
import type { Connection } from '../http/connection.ts';
import { hasPassed } from '../http/headers.ts';
import type { Route } from '../net/upstream.ts';
import type { RequestHead } from '../wire/http-head.ts';
import { awaitHello, type FirstWords, notTls } from './await-hello.ts';
import { bump } from './bump.ts';
import { exempt } from './exempt.ts';
import { type Asker, identify, NOBODY, whoError } from './identify.ts';
import { refusalByLog } from './log-gate.ts';
import { refuseConnect, refuseDenied, refuseMalformedConnect } from './refuse-connect.ts';
import { isOwnHost, ownPermit } from './serve-own.ts';
import type { Stage } from './services.ts';
import { type Ahead, openAhead, splice } from './splice.ts';
import { takePlace } from './take-place.ts';
import { terminate } from './terminate.ts';

export async function openTunnel(
  stage: Stage,
  connection: Connection,
  request: RequestHead,
  admitted: Admission<Authority>,
): Promise<void> {
  const begin = performance.now();
  const { rawHeaders } = request;
  if (!admitted.ok) return refuseMalformedConnect(stage, connection, request, admitted.error);
  if (connection.tunnel || connection.originPort !== undefined) {
    const where = connection.tunnel ? 'within a tunnel' : 'on a transparent listener';
    const error = new ProxyError('request-malformed', `CONNECT ${where}.`);
    return refuseMalformedConnect(stage, connection, request, error);
  }
  const asking = identify(stage, connection, rawHeaders);
  const mustWait = asking instanceof Promise;
  // What nobody is allowed, until it is known who it is: its line shall not hang on an answer that comes too late.
  const decision = decide(stage, connection, admitted.value, mustWait ? NOBODY : asking);
  const tunnel = beginTunnel(admitted.value, decision, begin);
  stage.journal.beginConnect(tunnel, connection.session);
  const asker = mustWait ? await asking : asking;
  if (mustWait) tunnel.decision = decide(stage, connection, admitted.value, asker);
  if (asker.identity) tunnel.identity = asker.identity;
  const vias = valuesOf(rawHeaders, 'via');
  if (vias.length > 0) tunnel.vias = vias;
  if (stage.journal.needs.has('request')) tunnel.head = request;
  const unlogged = refusalByLog(stage.journal);
  try {
    if (unlogged) {
      if (unlogged.shut) connection.socket.destroy();
      return refuseConnect(stage, connection, tunnel, request, unlogged.error);
    }
    if (stage.via && hasPassed(vias, stage.via, stage.instance)) {
      return refuseConnect(
        stage,
        connection,
        tunnel,
        request,
        new ProxyError('loop', 'Our own Via is in the request.'),
      );
    }
    const { decision } = tunnel;
    if (decision.action === 'deny' && decision.refuseBy === 'authenticate') {
      return refuseConnect(stage, connection, tunnel, request, whoError(stage, asker, decision.reason));
    }
    return await carryOut(stage, connection, tunnel, request);
  } catch (thrown) {
    const failure = asProxyError(thrown);
    const told = { by: connection.session, tag: 'NONE_NONE', suffix: 'ABORTED', status: failure.status } as const;
    stage.journal.tellConnect(tunnel, { ...told, bytes: 0, outcome: 'failed', failure });
    throw thrown;
  }
}

/** Also of TLS without a CONNECT, of which nobody can be known. */
export function decide(
  stage: Stage,
  { session }: Connection,
  authority: Authority,
  { identity }: Asker,
): Tunnel['decision'] {
  const client = session.client.address;
  const decision = isOwnHost(authority)
    ? ownPermit(authority)
    : stage.policy.decideConnect({ client, authority, identity });
  const exempted = exempt(stage, client, decision);
  return stage.leaves.maySignFor({ kind: authority.kind, text: authority.host }) ? exempted : undecrypted(exempted);
}

/** The decision where no leaf can be had: what could only be said or done inside is refused at the CONNECT. */
function undecrypted(decision: Tunnel['decision']): Tunnel['decision'] {
  if (decision.action === 'deny') {
    return decision.refuseBy === 'page' ? { ...decision, refuseBy: 'connect' } : decision;
  }
  if (decision.tls !== 'bump') return decision;
  const { step, authority, rule } = decision;
  const reason = `the name constraints of our CA leave out ${authority.host}, so it cannot be decrypted`;
  return { action: 'deny', step, authority, rule, reason, refuseBy: 'connect' };
}

async function carryOut(stage: Stage, connection: Connection, tunnel: Tunnel, request: RequestHead): Promise<void> {
  const { decision } = tunnel;
  if (decision.action === 'deny') {
    if (decision.refuseBy === 'close') return terminate(stage, connection, tunnel, { step: 'connect' });
    if (decision.refuseBy === 'connect') return refuseDenied(stage, connection, tunnel, request, decision);
    tunnel.instead = { kind: 'denied', denial: decision };
    if (connection.answer && !(await takePlace(stage, connection, tunnel, request))) return undefined;
    return afterHello(stage, connection, tunnel, await awaitHello(stage, connection, tunnel), undefined);
  }
  if (decision.tls === 'terminate') return terminate(stage, connection, tunnel, { step: 'connect' });
  if (connection.answer && !(await takePlace(stage, connection, tunnel, request))) return undefined;
  if (isOwnHost(tunnel.authority)) tunnel.instead = { kind: 'own' };
  const locating = tunnel.instead ? undefined : locate(stage, connection, tunnel, request, decision);
  const route = locating instanceof Promise ? await locating : locating;
  if (route === 'answered') return undefined;
  if (!route?.via || !passesUnread(decision)) {
    // Awaited here, since to hand a promise on takes two turns more.
    return await afterHello(stage, connection, tunnel, await awaitHello(stage, connection, tunnel), route);
  }
  const ahead = await throughParent(stage, connection, tunnel, request, route);
  if (!ahead) return undefined;
  try {
    const words = await awaitHello(stage, connection, tunnel);
    return await afterHello(stage, connection, tunnel, words, route, ahead);
  } finally {
    // What the client says first is not let through, or it says nothing.
    if (!ahead.taken) ahead.upstream.socket.destroy();
  }
}

/**
 * What passes unread can be told nothing behind our 200: what the parent says of the tunnel is said in place of that.
 * Undefined: so it was.
 */
async function throughParent(
  stage: Stage,
  connection: Connection,
  tunnel: Tunnel,
  request: RequestHead,
  route: Route,
): Promise<Ahead | undefined> {
  try {
    return await openAhead(stage, route);
  } catch (thrown) {
    refuseConnect(stage, connection, tunnel, request, asProxyError(thrown));
    return undefined;
  }
}

const passesUnread = ({ tls }: Permit): boolean => tls === 'splice' || tls === 'tunnel';

/** `undefined`: the origin cannot be reached, which is told inside the tunnel. `answered`: it was told at once. */
type Located = Route | undefined | 'answered';

function locate(
  stage: Stage,
  connection: Connection,
  tunnel: Tunnel,
  request: RequestHead,
  permit: Permit,
): Located | Promise<Located> {
  const inVain = (thrown: unknown): Located => {
    const error = asProxyError(thrown);
    if (error.code !== 'address-forbidden' && permit.tls === 'bump') {
      tunnel.instead = { kind: 'failed', error };
      return undefined;
    }
    refuseConnect(stage, connection, tunnel, request, error);
    return 'answered';
  };
  try {
    const known = stage.upstream.locateAtOnce(permit, tunnel.vias);
    return known ?? stage.upstream.locate(permit, tunnel.vias).catch(inVain);
  } catch (thrown) {
    return inVain(thrown);
  }
}

/** Also of TLS without a CONNECT, whose server name has taken the place of one. */
export function afterHello(
  stage: Stage,
  connection: Connection,
  tunnel: Tunnel,
  words: FirstWords | undefined,
  route: Route | undefined,
  ahead?: Ahead,
): Promise<void> | void {
  if (!words) return undefined;
  const { decision } = tunnel;
  const isUnread = decision.action === 'allow' && passesUnread(decision);
  if (words === 'silent' || words.state !== 'hello') {
    // A hello that cannot be read is no reason to let it through: the server at the other end may read it.
    const isOther = words === 'silent' || words.state === 'not-tls';
    if (isUnread && decision.tls === 'tunnel' && route && isOther) {
      const accepted = words === 'silent' ? { accepted: 0 } : {};
      return splice(stage, connection, tunnel, route, { kind: 'tunnelled', ...accepted, ahead });
    }
    return terminate(stage, connection, tunnel, { step: 'hello', failure: notTls(words) });
  }
  const { hello } = words;
  if (hello.serverName !== undefined) tunnel.sni = hello.serverName;
  if (stage.journal.needs.has('hello')) tunnel.versions = hello.versions;
  if (decision.action === 'allow') {
    const atHello = stage.policy.decideHello(decision, hello.serverName, hello.encryptedClientHello);
    if (atHello.action === 'deny') {
      tunnel.decision = atHello;
      return terminate(stage, connection, tunnel, {
        step: 'hello',
        failure: new ProxyError('sni-mismatch', atHello.reason),
      });
    }
  }
  if (isUnread && route)
    return splice(stage, connection, tunnel, route, { kind: 'spliced', accepted: hello.length, ahead });
  return bump(stage, connection, tunnel, hello, route);
}
