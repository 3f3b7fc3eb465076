// What would have to stand in the config for a request that was denied to be allowed, and for as little else as possible:
// this client, this user, this URL, this method. policy.ts calls it, pages and the command line show it.

import { isIP } from 'node:net';
import { type Authority, formatAuthority, formatHost } from '../core/authority.ts';
import type { Denial, TlsAction } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import { shownPlace } from '../core/place.ts';
import { type RuleText, ruleName, spellRule } from '../core/rule-text.ts';
import { DEFAULT_PORT, type RequestTarget } from '../core/target.ts';
import { parseMethod } from './method.ts';
import { DEFAULT } from './reason.ts';
import type { RuleNotes } from './rule.ts';
import { parseUpgrade } from './upgrade-list.ts';
import { parseUrlPattern } from './url-pattern.ts';

/** One change of the config. */
export interface Mend {
  /** Where it goes, behind "put it": `above the rule "x" (sallyport.yaml:12)`. */
  readonly where: string;
  /** YAML on one line, printable ASCII. */
  readonly line: string;
  /** The same, for reading. */
  readonly block: string;
}

/** What was denied. */
export interface Refused {
  readonly client: string;
  readonly identity?: Identity | undefined;
  readonly authority: Authority;
  /** Absent where a CONNECT was denied: what would have come through it is not known. */
  readonly request?: { readonly method: string; readonly target: RequestTarget } | undefined;
  /** Protocols that the request asks to leave HTTP for, where it was denied for that. */
  readonly upgrades?: readonly string[] | undefined;
}

/** What is known of the policy that has denied it. */
export interface Known {
  readonly about: (name: string) => RuleNotes | undefined;
  /** As the config has them. */
  readonly portsOf: (list: 'connectPorts' | 'httpPorts') => string;
  /** What becomes of the TLS of a rule that does not say. */
  readonly tls: TlsAction;
  /** On any other port it would be allowed. */
  readonly isAllowedOtherwise: () => boolean;
  /** The squid.conf that the policy was made of. */
  readonly madeOf?: string | undefined;
}

const LAST_RULE = 'at the end of policy.rules';
const FIRST_RULE = 'at the top of policy.rules';

export function mendsOf(denial: Denial, refused: Refused, known: Known): readonly Mend[] {
  const mends = mendsIn(denial, refused, known);
  const { madeOf } = known;
  if (madeOf === undefined) return mends;
  // No line of YAML can stand in a squid.conf.
  return mends.map((mend) => ({ ...mend, where: `${mend.where} of what "sallyport import ${madeOf}" writes` }));
}

function mendsIn({ rule, step, refuseBy }: Denial, refused: Refused, known: Known): readonly Mend[] {
  if (refuseBy === 'authenticate' || rule === 'serverName') return [];
  const { at, action, tls, scheme } = known.about(rule) ?? {};
  const place = at ? ` (${shownPlace(at)})` : '';
  // On the line of a CONNECT nothing is known of the requests.
  const asked = step === 'request' ? refused : { ...refused, request: undefined };
  const smallest = (way?: 'splice'): RuleText =>
    smallestRule(asked, (name) => known.about(name) !== undefined, {
      tls: way ?? (known.tls === 'terminate' ? 'bump' : undefined),
      scheme,
    });
  if (rule === 'connectPorts' || rule === 'httpPorts') {
    const before = known.portsOf(rule).replace(/^none$/, '');
    const line = `${rule}: [${[before, refused.authority.port].filter((part) => part !== '').join(', ')}]`;
    const ports: Mend = { where: `in place of policy.${rule}${place}`, line, block: line };
    return [ports, ...(known.isAllowedOtherwise() ? [] : [asMend(smallest(), LAST_RULE)])];
  }
  // Allowed, and refused all the same: it is to be closed, or there is no leaf for it.
  const hasNoLeaf = action === 'allow' && tls !== 'terminate' && step === 'connect';
  const where = rule === DEFAULT ? LAST_RULE : rule === 'upgrades' ? FIRST_RULE : `above the rule "${rule}"${place}`;
  return [asMend(smallest(hasNoLeaf ? 'splice' : undefined), where)];
}

function asMend(rule: RuleText, where: string): Mend {
  return { where, ...spellRule(rule) };
}

/**
 * `taken`: whether there is a rule of this name; `tls`: what becomes of its TLS, where the rule must say so; `scheme`: what
 * alone the rule that has denied it is for, so that the others go on deciding the rest.
 */
function smallestRule(
  { client, identity, authority, request, upgrades }: Refused,
  taken: (name: string) => boolean,
  { tls, scheme }: Pick<RuleText, 'tls' | 'scheme'>,
): RuleText {
  const url = request && urlPattern(request.target);
  const method = request && parseMethod(request.method).ok ? request.method : undefined;
  const zone = client.indexOf('%');
  const address = zone < 0 ? client : client.slice(0, zone);
  const protocols = upgrades?.filter((one) => parseUpgrade(one).ok);
  return {
    name: freeName(`allow ${authority.host}`, taken),
    clients: isIP(address) ? [address] : undefined,
    users: identity && [identity.user],
    scheme: url === undefined && scheme !== undefined ? (request?.target.scheme ?? scheme) : undefined,
    ...(url === undefined ? { hosts: [formatHost(authority)], ports: [authority.port] } : { urls: [url] }),
    methods: method === undefined ? undefined : [method],
    upgrades: protocols && protocols.length > 0 ? protocols : undefined,
    action: 'allow',
    tls,
  };
}

function freeName(wanted: string, taken: (name: string) => boolean): string {
  const name = ruleName(wanted);
  for (let count = 2; count < 100; count += 1) {
    const other = count === 2 ? name : `${ruleName(wanted.slice(0, 58))} (${count - 1})`;
    if (!taken(other)) return other;
  }
  return name;
}

/** What stands for other text in a pattern, or is refused there; see url-pattern.ts. */
const GRAMMAR = /[*[\]{}|\\]+|[@!+](?=\()/g;
const MOST_STARS = 2;
const MOST_CHARACTERS = 1_000;

/** Undefined where no pattern is for this URL and few others. */
function urlPattern({ scheme, authority, path }: RequestTarget): string | undefined {
  const begin = `${scheme}://${formatAuthority(authority, DEFAULT_PORT[scheme])}`;
  const segments = path.split('/').map((segment) => {
    const glob = segment.replace(GRAMMAR, '*').replace(/\*{2,}/g, '*');
    return glob.split('*').length - 1 > MOST_STARS ? '*' : glob;
  });
  for (let kept = segments.length; kept > 0; kept -= 1) {
    const below = kept < segments.length ? '/**' : '';
    const text = `${begin}${segments.slice(0, kept).join('/')}${below}`;
    if (text.length > MOST_CHARACTERS) continue;
    const pattern = parseUrlPattern(text);
    if (pattern.ok && pattern.value.path(path)) return text;
  }
  return undefined;
}
