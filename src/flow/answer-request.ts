// Stages thirteen and fourteen: decides what a request gets, and gives it. What became of it is the value, for the log.
// Called by flow/serve-request.

import { formatAuthority } from '../core/authority.ts';
import type { Denial, Permit } from '../core/decision.ts';
import { ProxyError } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import type { Seat } from '../core/roster.ts';
import type { RequestTarget } from '../core/target.ts';
import { type Admitted, isForWholeServer, valuesOf } from '../http/admission.ts';
import { type Connection, dropExchange } from '../http/connection.ts';
import { type Forwarded, forward } from '../http/forward.ts';
import { hasPassed } from '../http/headers.ts';
import type { ManagerTarget } from '../http/manager-target.ts';
import { mediaTypeOf, replyPage } from '../http/reply.ts';
import type { ReplyPort } from '../http/reply-port.ts';
import type { Request } from '../http/request.ts';
import { makeUpgrade, offeredProtocols, type Upgrade } from '../http/upgrade.ts';
import { loggedUrl } from '../log/logged-url.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import { answerManager } from './answer-manager.ts';
import { isSign, learn, withIdentity } from './exempt.ts';
import { explain } from './explain.ts';
import { type Asker, identify, mayBeAsked, whoError } from './identify.ts';
import type { Told } from './journal.ts';
import { refusalByLog } from './log-gate.ts';
import { isOwnHost, ownPage, serveOwn } from './serve-own.ts';
import type { Services } from './services.ts';

/** What a request asks for, or why it is not to be looked at. */
export type Asked =
  | { readonly kind: 'bad'; readonly url: string; readonly error: ProxyError }
  /** Origin-form on the proxy's own port: somebody has come to us, not through us. */
  | { readonly kind: 'own'; readonly url: string; readonly path: string }
  /** Somebody wants a report of the manager. */
  | { readonly kind: 'manager'; readonly url: string; readonly target: ManagerTarget }
  | { readonly kind: 'through'; readonly url: string; readonly admitted: Admitted };

/** What became of a request, as far as it is known when its reply has been begun. */
export interface Fate
  extends Pick<Told, 'tag' | 'suffix' | 'outcome' | 'status' | 'decision' | 'failure' | 'contentType'> {
  readonly forwarded?: Forwarded;
}

/** One request on its way to an answer. */
export interface Errand {
  readonly services: Services;
  readonly connection: Connection;
  readonly request: Request;
  readonly reply: ReplyPort;
  /** Joins the page to the log line. */
  readonly id: string;
  /** By the monotonic clock, in milliseconds. */
  readonly begin: number;
  /** Who is asking, once that is known. */
  identity: Identity | undefined;
  /** Among those that have no line yet. */
  seat: Seat | undefined;
}

/** Only what is forwarded has to be waited for. */
export function answerRequest(errand: Errand, asked: Asked): Fate | Promise<Fate> {
  const unlogged = refusalByLog(errand.services.journal);
  if (unlogged) {
    if (unlogged.shut) dropExchange(errand.connection);
    return refuse(errand, asked, unlogged.error, { tag: 'NONE_NONE', outcome: 'failed' });
  }
  if (asked.kind === 'bad') return refuse(errand, asked, asked.error, { tag: 'NONE_NONE', outcome: 'malformed' });
  if (asked.kind === 'own') return answerOwn(errand, asked, asked.path);
  if (asked.kind === 'manager') return report(errand, asked);
  const { target } = asked.admitted;
  if (isOwnHost(target.authority)) return answerOwn(errand, asked, target);

  const { services, connection, request } = errand;
  const instead = connection.tunnel?.instead;
  if (instead?.kind === 'denied') {
    const decision = instead.denial;
    return refuse(errand, asked, new ProxyError('denied', decision.reason), {
      tag: 'NONE_NONE',
      outcome: 'denied',
      decision,
    });
  }
  if (instead?.kind === 'failed') return refuse(errand, asked, instead.error, { tag: 'NONE_NONE', outcome: 'failed' });
  if (services.via && hasPassed(valuesOf(request.rawHeaders, 'via'), services.via, services.instance)) {
    const loop = new ProxyError('loop', 'Our own Via is in the request.');
    return refuse(errand, asked, loop, { tag: 'NONE_NONE', outcome: 'failed' });
  }
  const asker = identify(services, connection, request.rawHeaders);
  if (asker instanceof Promise) return asker.then((known) => decide(errand, asked, known));
  return decide(errand, asked, asker);
}

function decide(errand: Errand, asked: Extract<Asked, { kind: 'through' }>, asker: Asker): Fate | Promise<Fate> {
  const { services, connection, request } = errand;
  const { identity } = asker;
  errand.identity = identity;
  // It may have gone while its password was checked.
  if (connection.socket.destroyed) return { ...GONE, failure: new ProxyError('client-aborted') };
  const client = connection.session.client.address;
  const facts = { client, method: request.method, target: asked.admitted.target, identity };
  const decision = services.policy.decideRequest(facts);
  if (decision.action === 'deny') return deny(errand, asked, asker, decision);
  const offered = offeredProtocols(request);
  if (!offered) return passOn(errand, asked, decision);
  request.mayLeaveHttp = true;
  const atUpgrade = services.policy.decideUpgrade(facts, decision, offered);
  if (atUpgrade.decision.action === 'deny') return deny(errand, asked, asker, atUpgrade.decision);
  const { decision: permit, protocols } = atUpgrade;
  const upgrade = makeUpgrade(request, asked.admitted.body !== 'none', protocols);
  if (upgrade.ok) return passOn(errand, asked, permit, protocols.length > 0 ? upgrade.value : undefined);
  const how = { tag: 'NONE_NONE', outcome: 'malformed', decision: permit } as const;
  return refuse(errand, asked, new ProxyError('request-malformed', upgrade.reason), how);
}

/** By a 407 where the rule has to know who is asking, and the client is one that can be asked. */
function deny(errand: Errand, asked: Asked, asker: Asker, decision: Denial): Fate {
  const isAsked = decision.refuseBy === 'authenticate' && mayBeAsked(errand.connection);
  const error = isAsked ? whoError(errand.services, asker, decision.reason) : new ProxyError('denied', decision.reason);
  return refuse(errand, asked, error, { tag: 'TCP_DENIED', outcome: 'denied', decision });
}

function noteReply({ services, connection }: Errand, upstream: UpstreamConnection, status: number): void {
  const permit = tunnelPermit(connection);
  if (!isSign(services, permit, upstream, status)) return;
  const { client } = connection.session;
  services.journal.wantsCertificate(client.address, permit && formatAuthority(permit.authority), status);
}

/** The permit of the tunnel that a request has come through. */
function tunnelPermit({ tunnel }: Connection): Permit | undefined {
  return tunnel?.decision.action === 'allow' ? tunnel.decision : undefined;
}

const GONE = { tag: 'TCP_MISS', outcome: 'aborted', status: 0 } as const;
const NO_CONTENT = { type: 'text/plain', body: Buffer.alloc(0) };

async function passOn(
  errand: Errand,
  asked: Extract<Asked, { kind: 'through' }>,
  granted: Permit,
  upgrade?: Upgrade,
): Promise<Fate> {
  const { services, connection, request, reply } = errand;
  const permit = services.identities ? withIdentity(services, connection.session.client.address, granted) : granted;
  const { target, body, expectContinue, maxForwards } = asked.admitted;
  if (maxForwards === 0) {
    // As the last recipient (RFC 9110 section 7.6.2): there is nothing to say of ourselves.
    connection.closing = !request.complete;
    serveOwn(reply, NO_CONTENT, { close: connection.closing });
    return { tag: 'NONE_NONE', outcome: 'answered', status: 200, decision: permit, contentType: NO_CONTENT.type };
  }
  const { pools, via, limits } = services;
  const outcome = await forward(request, reply, {
    client: connection.socket,
    pools,
    permit,
    target,
    body,
    via,
    streams: request.httpVersion === '2.0',
    maxForwards: maxForwards === undefined ? undefined : maxForwards - 1,
    expectContinue,
    upgrade,
    eventTimeout: limits.tunnelIdleTimeout,
    asProxy: connection.tunnel === undefined && connection.originPort === undefined,
    keepFields: services.journal.needs.has('reply'),
  });
  const forwarded = outcome.error
    ? { ...outcome, error: learn(services, tunnelPermit(connection), outcome.error) }
    : outcome;
  const { error, reply: begun } = forwarded;
  if (outcome.connection?.wish && begun) noteReply(errand, outcome.connection, begun.status);
  const fate = { tag: 'TCP_MISS', decision: permit, forwarded, failure: error } as const;
  if (forwarded.upgraded) return { ...fate, tag: 'TCP_TUNNEL', status: 101, outcome: 'upgraded' };
  if (begun) {
    const { status, contentType } = begun;
    return { ...fate, status, contentType, outcome: error ? 'aborted' : 'forwarded' };
  }
  const isReset = forwarded.reset !== undefined && connection.abort !== undefined;
  if (error?.code === 'client-aborted' || isReset) {
    // A stream that the origin has reset is reset to the client by the same code: it may say what to do next.
    dropExchange(connection, forwarded.reset);
    return { ...fate, status: 0, outcome: 'aborted' };
  }
  if (error?.code === 'request-malformed') {
    const page = refuse(errand, asked, error, { tag: 'NONE_NONE', outcome: 'malformed', decision: permit });
    return { ...page, forwarded };
  }
  const denied = error?.status === 403 && error.side === 'proxy';
  const page = refuse(errand, asked, error ?? new ProxyError('internal'), {
    tag: denied ? 'TCP_DENIED' : 'TCP_MISS',
    outcome: denied ? 'denied' : 'failed',
    decision: permit,
  });
  return { ...page, forwarded };
}

function answerOwn(errand: Errand, asked: Asked, path: string | RequestTarget): Fate {
  const { services, connection, request, reply } = errand;
  const page = isForWholeServer(request) ? NO_CONTENT : ownPage(services, connection, request, path);
  if (!page) {
    const error = new ProxyError('request-target', 'The proxy has no such page.');
    return refuse(errand, asked, error, { tag: 'NONE_NONE', outcome: 'malformed' });
  }
  connection.closing = !request.complete;
  serveOwn(reply, page, { close: connection.closing });
  return { tag: 'NONE_NONE', outcome: 'answered', status: 200, contentType: page.type };
}

async function report(errand: Errand, asked: Extract<Asked, { kind: 'manager' }>): Promise<Fate> {
  const answer = await answerManager(errand, asked.target);
  if ('fate' in answer) return answer.fate;
  const isDenied = answer.error.code === 'denied';
  const how = isDenied ? ({ tag: 'TCP_DENIED', outcome: 'denied' } as const) : MALFORMED;
  return refuse(errand, asked, answer.error, how);
}

const MALFORMED = { tag: 'NONE_NONE', outcome: 'malformed' } as const;

function refuse(
  { services, connection, request, reply, id, identity }: Errand,
  asked: Asked,
  failure: ProxyError,
  how: Pick<Fate, 'tag' | 'outcome' | 'decision'>,
): Fate {
  // What is left of a body would be taken for the next request, or keep us reading for nothing.
  connection.closing = asked.kind === 'bad' || !request.complete;
  const target = asked.kind === 'through' ? asked.admitted.target : undefined;
  const upgrades = request.mayLeaveHttp ? offeredProtocols(request) : undefined;
  const { decision } = how;
  const told = {
    connection,
    error: failure,
    url: loggedUrl(asked.url),
    id,
    decision,
    request,
    target,
    identity,
    upgrades,
  };
  const refusal = explain(services, told);
  replyPage(reply, refusal, { close: connection.closing });
  return { ...how, status: refusal.status, failure, contentType: mediaTypeOf(refusal) };
}
