// What the proxy would do with one request, step by step, and the lines it would log: the rooms that decide are asked as a
// connection would ask them. Names are resolved; nothing is dialled or sent. Called by test-url.ts.

import type { Config } from '../config/config.ts';
import { formatAuthority } from '../core/authority.ts';
import type { Decision, Denial, Permit, RefuseBy, Step, TlsAction } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import type { Place } from '../core/place.ts';
import { formatTarget, type RequestTarget } from '../core/target.ts';
import { pairOf } from '../exceptions/entry.ts';
import { LedgerFile } from '../exceptions/ledger-file.ts';
import { exempt, type Known } from '../flow/exempt.ts';
import { isOwnHost, ownPermit } from '../flow/serve-own.ts';
import { WantingOrigins } from '../flow/wanting-origins.ts';
import { selfTestType } from '../http/own-pages.ts';
import { leadsTo } from '../net/listener.ts';
import type { Upstream } from '../net/upstream.ts';
import type { Mend } from '../policy/mend.ts';
import type { Policy } from '../policy/policy.ts';
import { openAuth, policyOf, upstreamOf } from '../proxy.ts';
import { type LoggedAs, LogPreview } from './log-preview.ts';

export interface Asked {
  readonly target: RequestTarget;
  /** Address of the client. */
  readonly client: string;
  readonly method: string;
  /** Who asks, as if it were known; absent: nobody says. */
  readonly user?: string;
}

/** One step on the way: what came out of it, and why. */
export interface PredictedStep {
  readonly step: Step | 'address';
  /** `unknown`: the name does not resolve here, or not now. */
  readonly action: 'allow' | 'deny' | 'unknown';
  readonly tls?: TlsAction;
  readonly refuseBy?: RefuseBy;
  /** Report mode: enforced, this would be a denial. */
  readonly wouldDeny?: boolean;
  readonly rule?: string;
  /** Where the rule stands. */
  readonly at?: Place;
  readonly reason: string;
}

export interface Prediction {
  readonly allowed: boolean;
  readonly wouldDeny: boolean;
  /** The step that had the last word. */
  readonly decided: PredictedStep;
  readonly steps: readonly PredictedStep[];
  /** The changes of the config that would allow it, where a rule denies it. */
  readonly mends: readonly Mend[];
  /** Lines of the access log in Squid's format, without times and with `N` for a size. */
  readonly log: readonly string[];
}

/** Throws ProxyError: the config holds what no proxy could start with. */
export async function predict(config: Config, asked: Asked): Promise<Prediction> {
  const isOwn = (address: string, port: number): boolean => leadsTo(config.listen, address, port);
  // Groups stand in files, too.
  const auth = await openAuth(config);
  await auth?.close();
  const identity = asked.user === undefined ? undefined : auth?.certified(asked.user);
  const parts: Parts = {
    asked,
    identity,
    policy: policyOf(config),
    upstream: upstreamOf(config, isOwn),
    preview: new LogPreview(asked.client, identity?.user),
    refusal: auth?.challenge === undefined ? DENIED : { ...DENIED, status: new ProxyError('auth-required').status },
    steps: [],
    rejections: await keptExceptions(config),
    wanting: new WantingOrigins(),
    identities: undefined,
  };
  return asked.target.scheme === 'https' ? throughTunnel(parts) : plain(parts);
}

/** Those in force, as a proxy that runs would have them. */
async function keptExceptions({ rejections }: Config): Promise<Known['rejections']> {
  if (rejections.onReject !== 'splice') return undefined;
  const { ledger } = await new LedgerFile(rejections).read();
  return { exemption: (client, authority) => ledger.exemption(pairOf(client, authority), Date.now()) };
}

interface Parts extends Known {
  readonly asked: Asked;
  readonly policy: Policy;
  readonly upstream: Upstream;
  readonly preview: LogPreview;
  readonly identity: Identity | undefined;
  /** Of one who would have to say who it is. */
  readonly refusal: LoggedAs;
  /** Filled in as the request goes on its way. */
  readonly steps: PredictedStep[];
  denial?: Denial;
}

async function throughTunnel(parts: Parts): Promise<Prediction> {
  const { asked, identity, policy, steps } = parts;
  const { client, target } = asked;
  const { authority } = target;
  const own = isOwnHost(authority);
  const decision = own
    ? ownPermit(authority)
    : exempt(parts, client, policy.decideConnect({ client, authority, identity }));
  const decided = stepOf(parts, decision);
  steps.push(decided);
  if (decision.action === 'deny') {
    const { refuseBy } = decision;
    if (refuseBy === 'authenticate') return end(parts, decided, [connectLine(parts, parts.refusal)]);
    if (refuseBy === 'connect') return end(parts, decided, [connectLine(parts, DENIED)]);
    if (refuseBy === 'close') return end(parts, decided, [connectLine(parts, { tag: 'NONE_NONE', status: 0 })]);
    const inside = requestLine(parts, { tag: 'NONE_NONE', ...PAGE });
    return end(parts, decided, [connectLine(parts, { tag: 'TCP_DENIED', status: 200, size: 0 }), inside]);
  }
  if (decision.tls === 'terminate') {
    const terminated: PredictedStep = { ...decided, action: 'deny' };
    parts.denial = { ...decision, action: 'deny', refuseBy: 'close' };
    steps[0] = terminated;
    return end(parts, terminated, [connectLine(parts, { tag: 'NONE_NONE', status: 0 })]);
  }
  if (own) {
    steps.push(helloStep(decision));
    return end(parts, decided, [connectLine(parts, BUMPED), ownPageLine(parts)]);
  }
  const route = await addressStep(parts, decision);
  const isReached = !(route instanceof ProxyError);
  if (!isReached && (route.status === 403 || decision.tls !== 'bump')) {
    const denied = route.status === 403;
    const line = connectLine(parts, { tag: denied ? 'TCP_DENIED' : 'NONE_NONE', ...PAGE, status: route.status });
    return end(parts, denied ? last(steps) : decided, [line]);
  }
  steps.push(helloStep(decision));
  if (isReached && decision.tls !== 'bump') {
    return end(parts, decided, [connectLine(parts, { tag: 'TCP_TUNNEL', status: 200, ...route })]);
  }
  const request = policy.decideRequest({ ...asked, identity });
  const requested = stepOf(parts, request);
  steps.push(requested);
  if (!isReached) {
    // The proxy would not come to ask the policy; whoever asks us wants to know all the same.
    const failed = requestLine(parts, { tag: 'NONE_NONE', ...PAGE, status: route.status });
    return end(parts, requested, [connectLine(parts, BUMPED), failed]);
  }
  const inside = request.action === 'deny' ? DENIED : { ...ANSWERED, ...route };
  return end(parts, requested, [connectLine(parts, { ...BUMPED, ...route }), requestLine(parts, inside)]);
}

async function plain(parts: Parts): Promise<Prediction> {
  const { asked, identity, policy, steps } = parts;
  if (isOwnHost(asked.target.authority)) {
    const own = stepOf(parts, { ...ownPermit(asked.target.authority), step: 'request' });
    steps.push(own);
    return end(parts, own, [ownPageLine(parts)]);
  }
  const decision = policy.decideRequest({ ...asked, identity });
  const decided = stepOf(parts, decision);
  steps.push(decided);
  if (decision.action === 'deny') {
    const how = decision.refuseBy === 'authenticate' ? parts.refusal : DENIED;
    return end(parts, decided, [requestLine(parts, how)]);
  }
  const route = await addressStep(parts, decision);
  if (!(route instanceof ProxyError)) return end(parts, decided, [requestLine(parts, { ...ANSWERED, ...route })]);
  const denied = route.status === 403;
  const line = requestLine(parts, { tag: denied ? 'TCP_DENIED' : 'TCP_MISS', ...PAGE, status: route.status });
  return end(parts, denied ? last(steps) : decided, [line]);
}

const BUMPED = { tag: 'NONE_NONE', status: 200, size: 0 } as const;
/** What the origin answers is not known; this is the least that can be said of a success. */
const ANSWERED = { tag: 'TCP_MISS', status: 200 } as const;
/** A refusal that says why. */
const PAGE = { status: 403, contentType: 'text/html' } as const;
const DENIED = { tag: 'TCP_DENIED', ...PAGE } as const;

function end(parts: Parts, decided: PredictedStep, log: string[]): Prediction {
  const { steps, denial, policy, identity, asked } = parts;
  const { client, method, target } = asked;
  const allowed = decided.action === 'allow';
  const refused = { client, identity, authority: target.authority, request: { method, target } };
  const mends = denial ? policy.mends(denial, refused) : [];
  return { allowed, wouldDeny: steps.some((step) => step.wouldDeny === true), decided, steps, mends, log };
}

const last = (steps: readonly PredictedStep[]): PredictedStep => {
  const step = steps.at(-1);
  if (!step) throw new ProxyError('internal', 'A prediction without a step.');
  return step;
};

function stepOf(parts: Parts, decision: Decision): PredictedStep {
  const { step, action, rule, reason } = decision;
  const place = parts.policy.about(rule)?.at;
  const decidedBy = { rule, ...(place ? { at: place } : {}), reason };
  if (action === 'deny') {
    parts.denial = decision;
    const isTold = step === 'connect' || decision.refuseBy === 'authenticate';
    return { step, action, ...(isTold ? { refuseBy: decision.refuseBy } : {}), ...decidedBy };
  }
  const tls = step === 'connect' ? { tls: decision.tls } : {};
  return { step, action, ...tls, ...(decision.wouldDeny ? { wouldDeny: true } : {}), ...decidedBy };
}

/** A client that means what it says sends the host of its CONNECT as server name. */
function helloStep({ authority, tls }: Permit): PredictedStep {
  const named = authority.kind === 'name';
  const reason = named ? `the server name is ${authority.host}` : 'no server name, since the host is an address';
  return { step: 'hello', action: 'allow', tls, reason };
}

/** The address that would be dialled first, that of a parent where one leads there; or why there is none. */
async function addressStep(
  { upstream, steps }: Parts,
  permit: Permit,
): Promise<Pick<LoggedAs, 'peer' | 'code'> | ProxyError> {
  try {
    const { addresses, via } = await upstream.locate(permit);
    if (via) {
      const { code, reason, peer } = await via.foretell();
      steps.push({ step: 'address', action: 'allow', reason });
      return { code, peer };
    }
    steps.push({ step: 'address', action: 'allow', reason: addresses.join(', ') });
    return { peer: addresses[0] ?? '-' };
  } catch (thrown) {
    const error = asProxyError(thrown);
    // Whether the policy allows the request does not hang on a name server.
    const action = error.status === 403 ? 'deny' : 'unknown';
    steps.push({ step: 'address', action, reason: error.message });
    return error;
  }
}

function connectLine({ asked, preview }: Parts, logged: LoggedAs): string {
  return preview.line({ ...logged, method: 'CONNECT', url: formatAuthority(asked.target.authority) });
}

function requestLine({ asked, preview }: Parts, logged: LoggedAs): string {
  return preview.line({ ...logged, method: asked.method, url: formatTarget(asked.target) });
}

function ownPageLine(parts: Parts): string {
  const type = selfTestType(parts.asked.target.path);
  if (type) return requestLine(parts, { tag: 'NONE_NONE', status: 200, contentType: type });
  return requestLine(parts, { tag: 'NONE_NONE', ...PAGE, status: new ProxyError('request-target').status });
}
