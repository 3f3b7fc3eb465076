// The ordered rules as one thing to ask: first match wins, every answer names its rule and its reason. flow/ asks at
// each step of a connection, config/ compiles to find mistakes, proxy.ts to get the policy.

import { isIPv6 } from 'node:net';
import { type Authority, formatAuthority, formatHost, parseHost } from '../core/authority.ts';
import type { Decision, Denial, Permit, RefuseBy, Step, TlsAction } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Place } from '../core/place.ts';
import type { RequestTarget, Scheme } from '../core/target.ts';
import { compileRules, type RuleOptions } from './compile-rules.ts';
import { HostMatcher } from './host-matcher.ts';
import { firstInOrder } from './in-order.ts';
import { type Mend, mendsOf, type Refused } from './mend.ts';
import { PortRanges, parsePortRange } from './port-ranges.ts';
import { compileEach, type Problem } from './problem.ts';
import { DEFAULT, isTerminated, type NearMiss, printable, reasonOf, reasonToAsk, type Verdict } from './reason.ts';
import {
  type Candidate,
  Client,
  looksAtRequests,
  missOfConnect,
  missOfRequest,
  type Rule,
  type RuleNotes,
} from './rule.ts';
import { findShadowed, hostPatterns } from './shadow.ts';
import { isIdle, parseUpgrade, permitted, readable } from './upgrade-list.ts';
import { missOfWho } from './who.ts';

export type { RuleOptions } from './compile-rules.ts';
export type { Problem } from './problem.ts';

export interface PolicyOptions {
  /** `report`: what would be denied is let through and told as such. */
  readonly mode: 'enforce' | 'report';
  /** What becomes of that which no rule matches. */
  readonly default: 'deny' | 'allow';
  /** Ports that CONNECT and https URLs may name. */
  readonly connectPorts: readonly (number | string)[];
  /** Ports that http URLs may name. */
  readonly httpPorts: readonly (number | string)[];
  readonly tls: TlsAction;
  readonly refuse: RefuseBy;
  /** What becomes of a host that goes on only with a client certificate, where the rule does not say; default refuse. */
  readonly onClientCert?: 'refuse' | 'splice';
  /** Protocols that a request may leave HTTP for by Upgrade, where its rule does not say; WebSocket without it. */
  readonly upgrades?: readonly string[];
  readonly rules: readonly RuleOptions[];
  /** Where in the config the settings stand under whose names the policy itself decides. */
  readonly places?: Readonly<Partial<Record<string, Place>>>;
  /** The name of the squid.conf that they were made of, in which no rule can stand. */
  readonly madeOf?: string;
}

export interface RequestFacts {
  readonly client: string;
  readonly method: string;
  readonly target: RequestTarget;
  readonly identity?: Identity | undefined;
}

export interface UpgradeDecision {
  readonly decision: Decision;
  /** What of the offer goes on, as it was spelled; none: the request goes on without. */
  readonly protocols: readonly string[];
}

/** Public names behind which providers hide those of their customers (RFC 9849). Browsers send the extension always. */
const COVER_NAMES: ReadonlySet<string> = new Set([
  'cloudflare-ech.com',
  'cloudflare-esni.com',
  'tls-ech.dev',
  'cover.defo.ie',
]);

export type CompiledPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Everything that is wrong is told at once, each with its place in the options. Never throws. */
export function compilePolicy(options: PolicyOptions): CompiledPolicy {
  const problems: Problem[] = [];
  const ports = {
    https: compilePorts('connectPorts', options.connectPorts, problems),
    http: compilePorts('httpPorts', options.httpPorts, problems),
  };
  const { tls, refuse, onClientCert } = options;
  const upgrades = compileEach(options.upgrades ?? ['websocket'], parseUpgrade, ['upgrades'], problems);
  const rules = compileRules(options.rules, { tls, refuse, onClientCert, upgrades, ports }, problems);
  // Of a rule that could not be read in full, nobody can say that it never matches.
  const faulty = new Set(problems.map(({ path }) => (path[0] === 'rules' ? path[1] : undefined)));
  problems.push(...findShadowed(rules).filter(({ path }) => !faulty.has(path[1])));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, policy: new Policy({ ...options, upgrades }, ports, rules) };
}

export class Policy {
  readonly #isReport: boolean;
  readonly #madeOf: string | undefined;
  readonly #default: Verdict & Pick<Rule, 'upgrades'>;
  readonly #ports: Readonly<Record<Scheme, PortRanges>>;
  readonly #candidates = new HostMatcher<Candidate>();
  readonly #notes = new Map<string, RuleNotes>();

  /** Takes rules without problems: `compilePolicy` makes them. */
  constructor(options: PolicyOptions, ports: Readonly<Record<Scheme, PortRanges>>, rules: readonly Rule[]) {
    this.#isReport = options.mode === 'report';
    this.#madeOf = options.madeOf;
    const { onClientCert = 'refuse', upgrades = [] } = options;
    const said = { name: DEFAULT, action: options.default, tls: options.tls, refuseBy: options.refuse };
    this.#default = { ...said, byName: false, onClientCert, upgrades };
    this.#ports = ports;
    for (const [name, at] of Object.entries(options.places ?? {})) this.#notes.set(name, { at });
    const { action, tls } = this.#default;
    this.#notes.set(DEFAULT, { at: options.places?.[DEFAULT], action, tls });
    for (const rule of rules) {
      this.#notes.set(rule.name, rule);
      if (rule.urls) for (const url of rule.urls) this.#candidates.add(url.host, { rule, url });
      else for (const pattern of hostPatterns(rule)) this.#candidates.add(pattern, { rule, url: undefined });
    }
  }

  /**
   * Decides on the CONNECT line. A rule that looks at requests may or may not match what comes through the tunnel;
   * where such a rule could make a difference, the tunnel is bumped and `deferred` to `decideRequest`. A rule that is
   * for some users, and could match if it were known who asks, has everybody asked first (`refuseBy: authenticate`):
   * inside the tunnel it would be too late.
   */
  decideConnect(facts: {
    readonly client: string;
    readonly authority: Authority;
    readonly identity?: Identity | undefined;
  }): Decision {
    const { authority } = facts;
    if (!this.#ports.https.has(authority.port)) return this.#denyPort('connect', authority, 'https');
    return this.#decideConnect(facts);
  }

  #decideConnect(facts: {
    readonly client: string;
    readonly authority: Authority;
    readonly identity?: Identity | undefined;
  }): Decision {
    const { client, authority } = facts;
    const subject = new Client(client);
    let near: NearMiss | undefined;
    let hasPossible = false;
    let allowing: Rule | undefined;
    let asking: Rule | undefined;
    const match = firstInOrder(this.#candidates.find(authority), ruleIndex, (candidate) => {
      const { rule } = candidate;
      const miss = missOfConnect(candidate, subject, authority.port) ?? missOfWho(rule.who, facts.identity);
      if (miss === 'nobody') {
        asking = rule;
        return true;
      }
      if (miss) near ??= rule.action === 'allow' ? { rule, miss } : undefined;
      if (miss || !looksAtRequests(rule)) return miss === undefined;
      hasPossible = true;
      if (rule.action === 'allow') allowing ??= rule;
      return false;
    });
    if (asking) return this.#deny('connect', authority, asking.name, reasonToAsk(asking, authority), 'authenticate');
    const verdict = match?.rule ?? this.#default;
    const isRefusal = verdict.action === 'deny' || isTerminated(verdict);
    if (hasPossible && (allowing || !isRefusal)) {
      const { name } = allowing ?? verdict;
      const who = name === DEFAULT ? 'the default' : `rule "${name}"`;
      const reason = `${who} may allow requests to ${formatAuthority(authority)}: each one is decided on its own`;
      return permit('connect', authority, name, reason, 'bump', { deferred: true });
    }
    const reason = reasonOf(verdict, authority, near);
    if (verdict.action === 'deny' || (this.#isReport && isTerminated(verdict))) {
      return this.#deny('connect', authority, verdict.name, reason, verdict.refuseBy);
    }
    const { name, tls, byName, onClientCert } = verdict;
    return permit('connect', authority, name, reason, tls, { byName, onClientCert });
  }

  /**
   * Holds the server name of the ClientHello against the host of the CONNECT. `serverName` is as it stands in the
   * hello; with the same host the permit stands, and without one where it is an address or we decrypt. `isEncrypted`:
   * there is an Encrypted Client Hello, real or not. Not an opinion of the rules: report mode refuses too.
   */
  decideHello(granted: Permit, serverName: string | undefined, isEncrypted = false): Decision {
    const { authority, tls } = granted;
    const deny = (reason: string): Denial => ({
      action: 'deny',
      step: 'hello',
      authority,
      rule: 'serverName',
      reason,
      refuseBy: 'close',
    });
    if (serverName === undefined) {
      // Unread, such a tunnel could ask the same address for any other host of it.
      const isBlind = tls === 'splice' && authority.kind === 'name';
      return isBlind ? deny('there is no server name in the ClientHello, and the tunnel is not decrypted') : granted;
    }
    // As nearly always; what is encrypted, and addresses, are looked at below.
    if (serverName === authority.host && authority.kind === 'name' && !isEncrypted) return granted;
    const name = parseHost(isIPv6(serverName) ? `[${serverName}]` : serverName);
    if (isEncrypted && name.ok && COVER_NAMES.has(name.value.text)) {
      const mend = 'turn Encrypted Client Hello off at the client';
      return deny(`the server name "${name.value.text}" covers another one that is encrypted: ${mend}`);
    }
    if (name.ok && name.value.kind === authority.kind && name.value.text === authority.host) return granted;
    const why = name.ok ? '' : ` (${name.reason})`;
    return deny(
      `the server name "${printable(serverName)}"${why} is not the host of the CONNECT, ${formatHost(authority)}`,
    );
  }

  /** Decides on one request, plain or decrypted. The `tls` of the permit says nothing: there is no more TLS to choose. */
  decideRequest(facts: RequestFacts): Decision {
    const { authority, scheme } = facts.target;
    if (!this.#ports[scheme].has(authority.port)) return this.#denyPort('request', authority, scheme);
    return this.#decideRequest(facts);
  }

  #decideRequest(facts: RequestFacts): Decision {
    const { authority, scheme } = facts.target;
    const subject = new Client(facts.client);
    let near: NearMiss | undefined;
    let asking: Rule | undefined;
    const match = firstInOrder(this.#candidates.find(authority), ruleIndex, (candidate) => {
      const { rule } = candidate;
      const miss = missOfRequest(candidate, subject, facts.method, facts.target) ?? missOfWho(rule.who, facts.identity);
      if (miss === 'nobody') {
        asking = rule;
        return true;
      }
      if (miss) near ??= rule.action === 'allow' ? { rule, miss } : undefined;
      return miss === undefined;
    });
    if (asking) return this.#deny('request', authority, asking.name, reasonToAsk(asking, authority), 'authenticate');
    const verdict = match?.rule ?? this.#default;
    const reason = reasonOf(verdict, authority, near);
    // A tunnel opened for the sake of one rule is no way around another that wants TLS to this host closed.
    const isClosed = scheme === 'https' && isTerminated(verdict);
    if (verdict.action === 'allow' && !isClosed) return permit('request', authority, verdict.name, reason, 'bump');
    return this.#deny('request', authority, verdict.name, reason, isClosed ? 'close' : verdict.refuseBy);
  }

  /**
   * Decides on the offer of a request, which is `granted`, to go on in another protocol. Where none of them may go on, the
   * request may without, if its client can; else it is denied, so that it can be told why.
   */
  decideUpgrade(facts: RequestFacts, granted: Permit, offered: readonly string[]): UpgradeDecision {
    const { authority } = facts.target;
    const subject = new Client(facts.client);
    const match = firstInOrder(this.#candidates.find(authority), ruleIndex, (candidate) => {
      const { who } = candidate.rule;
      return (
        missOfRequest(candidate, subject, facts.method, facts.target) === undefined &&
        missOfWho(who, facts.identity) === undefined
      );
    });
    const verdict = match?.rule ?? this.#default;
    const protocols = permitted(offered, verdict.upgrades);
    if (protocols.length > 0 || isIdle(offered)) return { decision: granted, protocols };
    const others = readable(offered);
    const list = verdict.upgrades.join(', ') || 'none';
    const reason = `an upgrade to ${others.map((one) => `"${one}"`).join(', ')} is not among those permitted (${list})`;
    const decision = this.#deny('request', authority, 'upgrades', reason, verdict.refuseBy);
    return { decision, protocols: decision.action === 'allow' ? others : [] };
  }

  /** Whether a request to the authority could open a WebSocket, so that a client of HTTP/2 is told that it may ask. */
  mayOpenWebSocket(authority: Authority): boolean {
    if (this.#isReport || opensWebSocket(this.#default)) return true;
    return firstInOrder(this.#candidates.find(authority), ruleIndex, ({ rule }) => opensWebSocket(rule)) !== undefined;
  }

  /** The rule of this name, or the setting; undefined: there is none, or nothing is known of where it stands. */
  about(name: string): RuleNotes | undefined {
    return this.#notes.get(name);
  }

  /**
   * The changes of the config that together would allow what was denied, and little else. None where that is not for a rule
   * to say: somebody has to tell who is asking, or a server name is not that of its tunnel.
   */
  mends(denial: Denial, refused: Refused): readonly Mend[] {
    const { client, identity, authority, request } = refused;
    const whateverThePort = (): Decision =>
      request
        ? this.#decideRequest({ client, identity, ...request })
        : this.#decideConnect({ client, identity, authority });
    return mendsOf(denial, refused, {
      madeOf: this.#madeOf,
      about: (name) => this.#notes.get(name),
      portsOf: (list) => String(list === 'connectPorts' ? this.#ports.https : this.#ports.http),
      tls: this.#default.tls,
      isAllowedOtherwise: () => whateverThePort().action === 'allow',
    });
  }

  #denyPort(step: Step, authority: Authority, scheme: Scheme): Decision {
    const list = scheme === 'https' ? 'connectPorts' : 'httpPorts';
    const reason = `port ${authority.port} is not in ${list} (${this.#ports[scheme]})`;
    return this.#deny(step, authority, list, reason, this.#default.refuseBy);
  }

  #deny(step: Step, authority: Authority, rule: string, reason: string, refuseBy: RefuseBy): Permit | Denial {
    if (!this.#isReport) return { action: 'deny', step, authority, rule, reason, refuseBy };
    const { tls } = this.#default;
    const open = step === 'request' || tls === 'terminate' ? 'bump' : tls;
    return permit(step, authority, rule, reason, open, { wouldDeny: true });
  }
}

function opensWebSocket({ action, upgrades }: Pick<Rule, 'action' | 'upgrades'>): boolean {
  return action === 'allow' && permitted(['websocket'], upgrades).length > 0;
}

const ruleIndex = ({ rule }: Candidate): number => rule.index;

function compilePorts(key: string, entries: readonly (number | string)[], problems: Problem[]): PortRanges {
  const before = problems.length;
  const ranges = compileEach(entries, parsePortRange, [key], problems);
  // With a mistake in the list, nothing is known about the ports of the rules.
  return new PortRanges(problems.length === before ? ranges : [{ first: 1, last: 65_535 }]);
}

function permit(
  step: Step,
  authority: Authority,
  rule: string,
  reason: string,
  tls: TlsAction,
  { deferred = false, wouldDeny = false, byName = false, onClientCert = 'refuse' } = {},
): Permit {
  return {
    action: 'allow',
    step,
    authority,
    rule,
    reason,
    tls,
    deferred,
    wouldDeny,
    byName: byName || undefined,
    onClientCert: onClientCert === 'splice' ? onClientCert : undefined,
  };
}
