// Puts together what a refusal tells: the rule with its place and what would mend it, what the rule itself wants said, who
// asked, and in which form. Called by every stage that refuses; nothing of it is done for what is let through.

import type { Authority } from '../core/authority.ts';
import { formatAuthority } from '../core/authority.ts';
import type { Decision, Denial, Permit } from '../core/decision.ts';
import { ERROR_KINDS } from '../core/error-kinds.ts';
import type { ProxyError } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import { shownPlace } from '../core/place.ts';
import type { Redirect } from '../core/redirect.ts';
import { spellRule } from '../core/rule-text.ts';
import { plainAddress } from '../core/session.ts';
import type { RequestTarget } from '../core/target.ts';
import { pairOf } from '../exceptions/entry.ts';
import { spliceText } from '../exceptions/wording.ts';
import { valuesOf } from '../http/admission.ts';
import type { Connection } from '../http/connection.ts';
import { expandMacros, PLAIN, URL_PART } from '../http/macros.ts';
import { preferredForm } from '../http/media.ts';
import { type Asker, type Refusal, refusalOf } from '../http/refusal.ts';
import type { Mend } from '../policy/mend.ts';
import type { Services } from './services.ts';

/** What was refused, as far as it is known. */
export interface Case {
  readonly connection: Pick<Connection, 'session' | 'tunnel' | 'socket' | 'carrier'>;
  readonly error: Pick<ProxyError, 'code' | 'detail'> & Partial<Pick<ProxyError, 'peer'>>;
  /** As the log has it: user, password and query stay out of a page, too, which is shown around and kept by agents. */
  readonly url: string;
  /** Joins the answer to the log line. */
  readonly id: string;
  readonly decision?: Decision | undefined;
  /** Absent where no request could be read. */
  readonly request?: RequestLike | undefined;
  /** What an admitted request asks for. */
  readonly target?: RequestTarget | undefined;
  /** Where a CONNECT leads. */
  readonly authority?: Authority | undefined;
  readonly identity?: Identity | undefined;
  /** Protocols for which the request would leave HTTP. */
  readonly upgrades?: readonly string[] | undefined;
}

interface RequestLike {
  readonly method: string;
  readonly httpVersion?: string;
  readonly rawHeaders: readonly string[];
}

export type Explainers = Pick<Services, 'policy' | 'auth' | 'style'>;

export function explain(services: Explainers, told: Case): Refusal {
  const { error, url, id, decision } = told;
  const denial = decision?.action === 'deny' ? decision : undefined;
  const refusal: Refusal = {
    ...refusalOf(error, url, id, denial?.rule),
    at: denial && services.policy.about(denial.rule)?.at,
    mends: mendsFor(services, told),
    form: preferredForm(told.request ? valuesOf(told.request.rawHeaders, 'accept') : []),
    asker: askerOf(told),
    style: services.style,
    // A 407 says how to answer it.
    challenge: ERROR_KINDS[error.code].status === 407 ? services.auth?.challenge : undefined,
  };
  return denial && error.code === 'denied' ? inItsOwnWords(services, told, denial, refusal) : refusal;
}

function askerOf({ connection, request, target, identity, error, authority }: Case): Asker {
  const { session, tunnel, socket, carrier } = connection;
  const to = target?.authority ?? authority ?? tunnel?.authority;
  return {
    client: session.client.address,
    user: identity?.user ?? tunnel?.identity?.user ?? session.certificateUser,
    method: request?.method,
    httpVersion: request?.httpVersion,
    scheme: target?.scheme ?? (to && 'https'),
    host: to?.host,
    port: to?.port,
    path: target?.path,
    // Only some pages tell it, and it is a question to the system.
    get local() {
      const { localAddress, localPort } = carrier ?? socket;
      return localPort === undefined ? undefined : { address: plainAddress(localAddress), port: localPort };
    },
    peer: error.peer,
    languages: request ? valuesOf(request.rawHeaders, 'accept-language') : [],
  };
}

function mendsFor(services: Explainers, told: Case): readonly Mend[] {
  const { error, decision, connection, request, target, upgrades } = told;
  const client = connection.session.client.address;
  const identity = told.identity ?? connection.tunnel?.identity;
  if (decision?.action === 'deny') {
    if (error.code !== 'denied') return [];
    const asked = target && request && { method: request.method, target };
    return services.policy.mends(decision, {
      client,
      identity,
      authority: decision.authority,
      request: asked,
      upgrades,
    });
  }
  const permit = connection.tunnel?.decision.action === 'allow' ? connection.tunnel.decision : undefined;
  return error.code === 'client-cert-required' && permit ? [unreadMend(services, client, permit, identity)] : [];
}

/** What only the client's own certificate opens can pass unread. */
function unreadMend({ policy }: Explainers, client: string, permit: Permit, identity: Identity | undefined): Mend {
  const { authority, rule } = permit;
  const notes = policy.about(rule);
  const text = spliceText({
    ...pairOf(client, authority),
    users: notes?.who && identity ? [identity.user] : undefined,
  });
  const place = notes?.at ? ` (${shownPlace(notes.at)})` : '';
  const where = rule === 'default' ? 'at the end of policy.rules' : `above the rule "${rule}"${place}`;
  return { where, ...spellRule(text) };
}

/** With what the rule says itself, and where it sends people in place of a page. */
function inItsOwnWords({ policy }: Explainers, told: Case, denial: Denial, refusal: Refusal): Refusal {
  const { message, redirect } = policy.about(denial.rule) ?? {};
  const worded: Refusal =
    message === undefined ? refusal : { ...refusal, message: expandMacros(message, refusal, PLAIN) };
  const method = told.request?.method;
  // No client goes where a CONNECT is sent, and must not (RFC 9110 section 9.3.6).
  if (!redirect || method === undefined || method === 'CONNECT') return worded;
  const location = locationOf(redirect, worded, told.target);
  if (location === undefined) return worded;
  // The body of a POST was not meant for whoever explains.
  const status = redirect.status ?? (method === 'GET' || method === 'HEAD' ? 302 : 303);
  return { ...worded, status, location };
}

/** Undefined where it would lead in a circle, or is no URL once its macros are expanded. */
function locationOf({ url }: Redirect, refusal: Refusal, target: RequestTarget | undefined): string | undefined {
  const location = expandMacros(url, refusal, URL_PART);
  if (location.length > MOST_OF_LOCATION || !URL.canParse(location)) return undefined;
  const { hostname, protocol, port } = new URL(location);
  const to = Number(port) || (protocol === 'https:' ? 443 : 80);
  const asked = target && formatAuthority(target.authority);
  return `${hostname}:${to}` === asked ? undefined : location;
}

const MOST_OF_LOCATION = 4_096;
