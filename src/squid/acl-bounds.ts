// What each ACL type of Squid means in terms of our rules. access.ts asks it for every ACL that a line names; what has no
// counterpart is between nothing and everything, and said once.

import type { Acl, AclSet } from './acl-set.ts';
import {
  type Addresses,
  bothAddresses,
  EVERY_ADDRESS,
  hasAddresses,
  oneOfAddresses,
  otherAddresses,
  parseAddresses,
  toCidrs,
} from './addresses.ts';
import { ALWAYS, type Bounds, exactly, type Formula, inBox, NEVER, not, together, UNSAYABLE } from './formula.ts';
import { hostPattern, tidyHosts } from './hosts.ts';
import type { Notes } from './note.ts';
import { normalRanges } from './ranges.ts';
import type { Directive } from './read-conf.ts';
import { hostRegexBounds, urlRegexBounds } from './regex-bounds.ts';

/** What is looked at: a CONNECT, a request inside its tunnel, a request for a plain URL. */
export type World = 'connect' | 'https' | 'http';

export interface AclContext {
  readonly acls: AclSet;
  readonly notes: Notes;
  readonly world: World;
  /** Where the clients come in. */
  readonly listenPorts: readonly number[];
  /** What these listeners are called. */
  readonly listenNames?: readonly string[];
  /** Whether we can know who asks. */
  readonly hasUsers: boolean;
  /** Of ssl_bump: the step that is looked at. */
  readonly step?: 1 | 2 | 3;
  /** The line that names the ACLs. */
  readonly line?: Directive;
  /** Behind these addresses a client is somebody else, who Squid knew, and nobody knows here. */
  readonly indirect?: Addresses | undefined;
  /** What is looked at is a request for the reports of Squid's manager. */
  readonly isManager?: boolean;
}

/** Addresses that are never dialled, whatever a rule says. */
const GUARDED: Addresses = oneOfAddresses(
  [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
    ...['198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4', '::/3', '4000::/2', '8000::/1'],
  ].flatMap((text) => parseAddresses(text) ?? []),
);
/** More literal addresses than this are not written out one by one. */
const MAX_LITERALS = 64;
const MAX_NESTING = 16;

export function boundsOf(name: string, context: AclContext, depth = 0): Bounds {
  const acl = knownAcl(name, context);
  if (!acl || depth > MAX_NESTING) return UNSAYABLE;
  const bounds = MEANINGS[acl.type]?.(acl, context, depth) ?? unsayable(acl, context, `acl type ${acl.type}`);
  return acl.incomplete ? { lower: bounds.lower, upper: ALWAYS } : bounds;
}

/** Of a name that is none, whoever runs this hears: nobody knows what the line was to let through, or to keep out. */
export function knownAcl(name: string, { acls, notes, line }: Pick<AclContext, 'acls' | 'notes' | 'line'>) {
  const acl = acls.get(name);
  if (!acl && line) {
    const todo = 'define it above this line; until then the line allows nothing, and denies whatever else it asks for';
    notes.tell(line, 'unknown', `there is no acl "${name}"`, todo);
  }
  return acl;
}

/** Where other ACLs are named, the line to look at is that of the ACL. */
const within = (acl: Acl, context: AclContext): AclContext => {
  const line = acl.from[0] ?? context.line;
  return line ? { ...context, line } : context;
};

type Meaning = (acl: Acl, context: AclContext, depth: number) => Bounds;

const MEANINGS: Readonly<Record<string, Meaning>> = {
  src: (acl, context) => {
    const { sets, rest } = addressesOf(acl);
    if (rest.length > 0) unsayable(acl, context, `client names (${rest[0]}): write their addresses`);
    const all = oneOfAddresses(sets);
    if (rest.length === 0 && (!context.indirect || hasAddresses(all, EVERY_ADDRESS))) return inBox({ clients: all });
    const sure = context.indirect ? bothAddresses(all, otherAddresses(context.indirect)) : all;
    const lower: Formula = { is: 'box', box: { clients: sure } };
    if (rest.length > 0) return { lower, upper: ALWAYS };
    return { lower, upper: { is: 'box', box: { clients: oneOfAddresses([all, context.indirect ?? all]) } } };
  },
  dst: (acl, context) => {
    const { sets, rest } = addressesOf(acl);
    const all = oneOfAddresses(sets);
    const cidrs = toCidrs(all);
    if (rest.length === 0 && hasAddresses(GUARDED, all)) {
      tellGuarded(acl, cidrs, context);
      return exactly(NEVER);
    }
    const literals = cidrs
      .filter((cidr) => !cidr.includes('/'))
      .flatMap((one) => hostPattern(one.includes(':') ? `[${one}]` : one) ?? []);
    unsayable(acl, context, 'the address that a name leads to');
    const few = literals.length > 0 && literals.length <= MAX_LITERALS;
    return { lower: few ? inBox({ hosts: literals }).lower : NEVER, upper: ALWAYS };
  },
  dstdomain: domains,
  server_name: domains,
  dstdom_regex: hostRegex,
  server_name_regex: hostRegex,
  url_regex: (acl, context) => {
    const bounds = acl.values.map((one) => urlRegexBounds(one, acl.ignoreCase, context.world));
    return told(acl, context, together('any', bounds), REGEX);
  },
  urlpath_regex: (acl, context) =>
    // The URL of a CONNECT has no path.
    context.world === 'connect'
      ? exactly(NEVER)
      : unsayable(acl, context, 'a regular expression for paths and queries'),
  port: (acl, context) => {
    const ranges = acl.values.map(portRange);
    if (ranges.includes(undefined)) return unsayable(acl, context, `a port in ${acl.values.join(' ')}`);
    return inBox({ ports: normalRanges(ranges.filter((one) => one !== undefined)) });
  },
  method: ({ values }, { world }) => {
    const isConnect = values.includes('CONNECT');
    if (world === 'connect') return exactly(isConnect ? ALWAYS : NEVER);
    const methods = values.filter((one) => one !== 'CONNECT').map((one) => one.toUpperCase());
    return methods.length === 0 ? exactly(NEVER) : inBox({ methods });
  },
  proto: ({ values }, { world, isManager }) => {
    const names = values.map((one) => one.toUpperCase());
    if (isManager && names.includes('CACHE_OBJECT')) return exactly(ALWAYS);
    // Of a CONNECT Squid says neither; nobody asks for it.
    if (world === 'connect')
      return names.some((one) => one.startsWith('HTTP') || one === 'NONE') ? UNSAYABLE : exactly(NEVER);
    return exactly(names.includes(world.toUpperCase()) ? ALWAYS : NEVER);
  },
  proxy_auth: (acl, context) => {
    if (!context.hasUsers) return unsayable(acl, context, 'who is asking, by this way of asking');
    if (acl.values.includes('REQUIRED')) return inBox({ users: 'known' });
    const listed = inBox({ users: acl.values });
    return acl.ignoreCase ? { lower: listed.lower, upper: { is: 'box', box: { users: 'known' } } } : listed;
  },
  manager: (_, { isManager }) => exactly(isManager ? ALWAYS : NEVER),
  // What it counts is counted by limits.connectionsPerClient, whatever the rules say.
  maxconn: () => exactly(NEVER),
  localport: (acl, context) => {
    const ranges = normalRanges(acl.values.flatMap((one) => portRange(one) ?? []));
    const inside = context.listenPorts.filter((port) =>
      ranges.some(({ first, last }) => first <= BigInt(port) && BigInt(port) <= last),
    );
    if (inside.length === 0) return exactly(NEVER);
    return inside.length === context.listenPorts.length
      ? exactly(ALWAYS)
      : unsayable(acl, context, 'one listener of several');
  },
  myportname: (acl, context) => {
    const { listenNames = [] } = context;
    const inside = listenNames.filter((name) => acl.values.includes(name));
    if (inside.length === 0) return exactly(NEVER);
    return inside.length === listenNames.length ? exactly(ALWAYS) : unsayable(acl, context, 'one listener of several');
  },
  'any-of': (acl, context, depth) =>
    together(
      'any',
      acl.values.map((one) => termOf(one, within(acl, context), depth + 1)),
    ),
  'all-of': (acl, context, depth) =>
    together(
      'any',
      acl.lines.map((line) =>
        together(
          'all',
          line.map((one) => termOf(one, within(acl, context), depth + 1)),
        ),
      ),
    ),
  at_step: ({ values }, { step }) => exactly(values.includes(`SslBump${step ?? 1}`) ? ALWAYS : NEVER),
};

/** `name` or `!name`, as a line has it. */
export function termOf(term: string, context: AclContext, depth = 0): Bounds {
  return term.startsWith('!') ? not(boundsOf(term.slice(1), context, depth)) : boundsOf(term, context, depth);
}

/** What Squid calls a host that has no name. */
const NAMELESS = 'none';

function domains(acl: Acl, context: AclContext): Bounds {
  const named = { ...acl, values: acl.values.filter((text) => text !== NAMELESS) };
  const bounds = namedDomains(named, context);
  if (named.values.length === acl.values.length) return bounds;
  unsayable(acl, context, 'hosts that have no name ("none")');
  return { lower: bounds.lower, upper: ALWAYS };
}

function namedDomains(acl: Acl, context: AclContext): Bounds {
  const patterns = acl.values.flatMap((text) => {
    const pattern = /[*\s/:]/.test(text) && !text.startsWith('[') ? undefined : hostPattern(text.replace(/\.$/, ''));
    if (!pattern) {
      const [from] = acl.from;
      const hint = `write ".${text.replace(/^\W+/, '')}" for a domain and all below it`;
      if (from)
        context.notes.tell(
          from,
          'differs',
          `"${text}" is no name of a host: it matches nothing, in Squid either`,
          hint,
        );
    }
    return pattern ?? [];
  });
  return patterns.length === 0 ? exactly(NEVER) : inBox({ hosts: tidyHosts(patterns) });
}

/** Of a line that allows them: one that denies them has what it asks for. */
function tellGuarded(acl: Acl, cidrs: readonly string[], { notes, line }: AclContext): void {
  if (line?.name !== 'http_access' || line.words[0]?.text !== 'allow') return;
  const why = `acl ${acl.name}: addresses in ${cidrs.slice(0, 5).join(', ')}${cidrs.length > 5 ? ', …' : ''} are dialled for nobody, whatever a rule allows`;
  const todo = `open them with "upstream.allowAddresses: [${cidrs.slice(0, 5).join(', ')}]": they are dialled then for whatever the rules allow by name`;
  for (const from of acl.from) notes.tell(from, 'stricter', why, todo);
}

const REGEX = 'a regular expression of this shape';

function hostRegex(acl: Acl, context: AclContext): Bounds {
  const bounds = acl.values.map((one) => hostRegexBounds(one, acl.ignoreCase));
  return told(acl, context, together('any', bounds), REGEX);
}

function addressesOf({ values }: Acl): { readonly sets: readonly Addresses[]; readonly rest: readonly string[] } {
  const rest: string[] = [];
  const sets = values.flatMap((text) => {
    const set = parseAddresses(text);
    if (!set) rest.push(text);
    return set ?? [];
  });
  return { sets, rest };
}

function portRange(text: string): { first: bigint; last: bigint } | undefined {
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (from === '' || Number(to) > 65_535 || Number(from) > Number(to)) return undefined;
  return { first: BigInt(Math.max(1, Number(from))), last: BigInt(to) };
}

const ADVICE: Readonly<Record<string, string>> = {
  time: 'change the config at that hour and reload, or leave the hours out',
  dst: 'name the hosts, or open and close ranges with upstream.allowAddresses',
  proxy_auth: 'set up auth.basic, auth.tokens or auth.clientCertificates, and add "users" to the rule',
  browser: 'decide by client address or by user instead',
  external: 'decide by user or group instead',
  dstdom_regex: 'name the hosts: "dstdomain .example.com" is a domain and all below it',
  server_name_regex: 'name the hosts: "ssl::server_name .example.com" is a domain and all below it',
  url_regex: 'write URL patterns such as "https://host/path/**" into a rule with "urls"',
  urlpath_regex: 'write URL patterns such as "https://host/path/**" into a rule with "urls"',
};

function unsayable(acl: Acl, { notes, step }: AclContext, what: string): Bounds {
  if (step) {
    const why = `acl ${acl.name}: rules cannot ask for ${what}; what ssl_bump does by it is done by the lines below, but for what rules for URLs could deny: that is decrypted`;
    const todo = 'look at which are: a rule by hosts with "tls: splice" passes them unread';
    for (const line of acl.from) notes.tell(line, 'unsafe', why, todo);
    return UNSAYABLE;
  }
  const why = `acl ${acl.name}: rules cannot ask for ${what}; what it allows is not allowed here, what it denies is denied whether it holds or not`;
  for (const line of acl.from)
    notes.tell(
      line,
      'stricter',
      why,
      ADVICE[acl.type] ?? 'write a rule by hosts, URLs, methods, ports, clients or users in its place',
    );
  return UNSAYABLE;
}

function told(acl: Acl, context: AclContext, bounds: Bounds, what: string): Bounds {
  if (JSON.stringify(bounds.lower, plain) !== JSON.stringify(bounds.upper, plain)) unsayable(acl, context, what);
  return bounds;
}

const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
