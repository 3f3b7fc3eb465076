// One compiled rule: everything a request must be to match it. compile-rules.ts makes them, policy.ts asks them.

import type { RefuseBy, TlsAction } from '../core/decision.ts';
import type { Place } from '../core/place.ts';
import type { Redirect } from '../core/redirect.ts';
import type { RequestTarget, Scheme } from '../core/target.ts';
import { type Address, type AddressSet, parseAddress } from './address-set.ts';
import type { HostPattern } from './host-pattern.ts';
import type { PortRanges } from './port-ranges.ts';
import { portUnder, type UrlPattern } from './url-pattern.ts';
import type { Who } from './who.ts';

export interface Rule {
  /** Place in the order of the rules. */
  readonly index: number;
  readonly name: string;
  readonly action: 'allow' | 'deny';
  /** What becomes of the TLS of a CONNECT; the default is filled in. */
  readonly tls: TlsAction;
  readonly refuseBy: RefuseBy;
  /** It names hosts, each of them, and not just any, nor all of a top-level domain. */
  readonly byName: boolean;
  readonly onClientCert: 'refuse' | 'splice';
  /** Protocols that a request may leave HTTP for, see upgrade-list.ts. */
  readonly upgrades: readonly string[];
  /** `connect`: a tunnel by its CONNECT alone, and no request for an https URL; undefined: all there is. */
  readonly scheme?: RuleScheme | undefined;
  readonly clients: AddressSet | undefined;
  readonly hosts: readonly HostPattern[] | undefined;
  readonly urls: readonly UrlPattern[] | undefined;
  readonly methods: ReadonlySet<string> | undefined;
  readonly ports: PortRanges | undefined;
  /** Looked at when all else matches; see who.ts. */
  readonly who: Who | undefined;
  /** Where it stands in the config. */
  readonly at?: Place | undefined;
  /** What whoever is denied by it is told beside the reason; see http/macros.ts. */
  readonly message?: string | undefined;
  /** Where whoever is denied by it is sent, see core/redirect.ts. */
  readonly redirect?: Redirect | undefined;
}

export type RuleScheme = Scheme | 'connect';

/** What is known of a rule, or of the default, for whoever tells of its decision. */
export type RuleNotes = Pick<Rule, 'at'> &
  Partial<Pick<Rule, 'action' | 'tls' | 'scheme' | 'message' | 'redirect' | 'who'>>;

/** A rule whose host pattern matches; when the pattern is that of a URL, the rest of the URL is still to be looked at. */
export interface Candidate {
  readonly rule: Rule;
  readonly url: UrlPattern | undefined;
}

/** The key of a rule on which a request failed. */
export type Miss = 'user' | 'client' | 'scheme' | 'port' | 'method' | 'path';

/** The client of one decision, parsed when the first rule asks for it. */
export class Client {
  readonly #text: string;
  #address: Address | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  isIn(set: AddressSet): boolean {
    this.#address ??= parseAddress(this.#text);
    return this.#address !== undefined && set.has(this.#address);
  }
}

/** A rule that looks at each request cannot be judged on the CONNECT line alone. */
export function looksAtRequests(rule: Pick<Rule, 'urls' | 'methods'>): boolean {
  return rule.urls !== undefined || rule.methods !== undefined;
}

/** Why no request inside the tunnel can match; undefined when one could, or when all do. */
export function missOfConnect({ rule, url }: Candidate, client: Client, port: number): Miss | undefined {
  return missOfScheme(rule, 'https', true) ?? missOfDestination(rule, url, client, 'https', port);
}

/** Why this request does not match; undefined when it does. */
export function missOfRequest(
  { rule, url }: Candidate,
  client: Client,
  method: string,
  target: RequestTarget,
): Miss | undefined {
  const { scheme, authority } = target;
  const miss = missOfScheme(rule, scheme, false) ?? missOfDestination(rule, url, client, scheme, authority.port);
  if (miss) return miss;
  if (url && !url.path(target.path)) return 'path';
  return rule.methods && !rule.methods.has(method) ? 'method' : undefined;
}

function missOfScheme({ scheme }: Rule, own: Scheme, isConnect: boolean): Miss | undefined {
  if (scheme === undefined || scheme === own) return undefined;
  return scheme === 'connect' && isConnect ? undefined : 'scheme';
}

function missOfDestination(
  rule: Rule,
  url: UrlPattern | undefined,
  client: Client,
  scheme: Scheme,
  port: number,
): Miss | undefined {
  if (rule.clients && !client.isIn(rule.clients)) return 'client';
  if (url && !url.schemes.includes(scheme)) return 'scheme';
  if (url && portUnder(url, scheme) !== port) return 'port';
  return rule.ports && !rule.ports.has(port) ? 'port' : undefined;
}
