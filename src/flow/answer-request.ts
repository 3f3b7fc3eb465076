// Stages thirteen and fourteen: decides what a request gets, and gives it. What became of it is the value, for the log.
// Called by flow/serve-request.

import type { Denial, Permit } from '../core/decision.ts';
import { ProxyError } from '../core/errors.ts';
import type { RequestTarget } from '../core/target.ts';
import { type Admitted, valuesOf } from '../http/admission.ts';
import { type Connection, dropExchange } from '../http/connection.ts';
import { type Forwarded, forward } from '../http/forward.ts';
import { hasPassed } from '../http/headers.ts';
import { refusalOf, replyPage } from '../http/reply.ts';
import type { ReplyPort } from '../http/reply-port.ts';
import type { Request } from '../http/request.ts';
import { makeUpgrade, offeredProtocols, type Upgrade } from '../http/upgrade.ts';
import { loggedUrl } from '../log/logged-url.ts';
import type { Told } from './journal.ts';
import { isOwnHost, ownPage, serveOwn } from './serve-own.ts';
import type { Services } from './services.ts';

/** What a request asks for, or why it is not to be looked at. */
export type Asked =
  | { readonly kind: 'bad'; readonly url: string; readonly error: ProxyError }
  /** Origin-form on the proxy's own port: somebody has come to us, not through us. */
  | { readonly kind: 'own'; readonly url: string; readonly path: string }
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
}

/** Only what is forwarded has to be waited for. */
export function answerRequest(errand: Errand, asked: Asked): Fate | Promise<Fate> {
  if (asked.kind === 'bad') return refuse(errand, asked, asked.error, { tag: 'NONE_NONE', outcome: 'malformed' });
  if (asked.kind === 'own') return answerOwn(errand, asked, asked.path);
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
  if (services.via && hasPassed(valuesOf(request.rawHeaders, 'via'), services.via)) {
    const loop = new ProxyError('loop', 'Our own Via is in the request.');
    return refuse(errand, asked, loop, { tag: 'NONE_NONE', outcome: 'failed' });
  }
  const client = connection.session.client.address;
  const facts = { client, method: request.method, target };
  const decision = services.policy.decideRequest(facts);
  if (decision.action === 'deny') return deny(errand, asked, decision);
  const offered = offeredProtocols(request);
  if (!offered) return passOn(errand, asked, decision);
  request.mayLeaveHttp = true;
  const atUpgrade = services.policy.decideUpgrade(facts, decision, offered);
  if (atUpgrade.decision.action === 'deny') return deny(errand, asked, atUpgrade.decision);
  const { decision: permit, protocols } = atUpgrade;
  const upgrade = makeUpgrade(request, asked.admitted.body !== 'none', protocols);
  if (upgrade.ok) return passOn(errand, asked, permit, protocols.length > 0 ? upgrade.value : undefined);
  const how = { tag: 'NONE_NONE', outcome: 'malformed', decision: permit } as const;
  return refuse(errand, asked, new ProxyError('request-malformed', upgrade.reason), how);
}

function deny(errand: Errand, asked: Asked, decision: Denial): Fate {
  const how = { tag: 'TCP_DENIED', outcome: 'denied', decision } as const;
  return refuse(errand, asked, new ProxyError('denied', decision.reason), how);
}

const NO_CONTENT = { type: 'text/plain', body: Buffer.alloc(0) };

async function passOn(
  errand: Errand,
  asked: Extract<Asked, { kind: 'through' }>,
  permit: Permit,
  upgrade?: Upgrade,
): Promise<Fate> {
  const { services, connection, request, reply } = errand;
  const { target, body, expectContinue, maxForwards } = asked.admitted;
  if (maxForwards === 0) {
    // As the last recipient (RFC 9110 section 7.6.2): there is nothing to say of ourselves.
    connection.closing = !request.complete;
    serveOwn(reply, NO_CONTENT, { close: connection.closing });
    return { tag: 'NONE_NONE', outcome: 'answered', status: 200, decision: permit, contentType: NO_CONTENT.type };
  }
  const { pools, via, limits } = services;
  const forwarded = await forward(request, reply, {
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
  });
  const { error, reply: begun } = forwarded;
  const fate = { tag: 'TCP_MISS', decision: permit, forwarded, failure: error } as const;
  if (forwarded.upgraded) return { ...fate, tag: 'TCP_TUNNEL', status: 101, outcome: 'upgraded' };
  if (begun) return { ...fate, ...begun, outcome: error ? 'aborted' : 'forwarded' };
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
  const denied = error?.status === 403;
  const page = refuse(errand, asked, error ?? new ProxyError('internal'), {
    tag: denied ? 'TCP_DENIED' : 'TCP_MISS',
    outcome: denied ? 'denied' : 'failed',
    decision: permit,
  });
  return { ...page, forwarded };
}

function answerOwn(errand: Errand, asked: Asked, path: string | RequestTarget): Fate {
  const { services, connection, request, reply } = errand;
  const page = ownPage(services, connection, request, path);
  if (!page) {
    const error = new ProxyError('request-target', 'The proxy has no such page.');
    return refuse(errand, asked, error, { tag: 'NONE_NONE', outcome: 'malformed' });
  }
  connection.closing = !request.complete;
  serveOwn(reply, page, { close: connection.closing });
  return { tag: 'NONE_NONE', outcome: 'answered', status: 200, contentType: page.type };
}

function refuse(
  { connection, request, reply, id }: Errand,
  asked: Asked,
  failure: ProxyError,
  how: Pick<Fate, 'tag' | 'outcome' | 'decision'>,
): Fate {
  const rule = how.decision?.action === 'deny' ? how.decision.rule : undefined;
  // What is left of a body would be taken for the next request, or keep us reading for nothing.
  connection.closing = asked.kind === 'bad' || !request.complete;
  // A page is shown around and kept by agents as a log is: user, password and query stay out of it too.
  replyPage(reply, refusalOf(failure, loggedUrl(asked.url), id, rule), { close: connection.closing });
  return { ...how, status: failure.status, failure, contentType: 'text/html' };
}
