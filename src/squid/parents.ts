// `cache_peer` and what leads through which of them: parents and routes.

import type { AclContext } from './acl-bounds.ts';
import { knownAcl } from './acl-bounds.ts';
import { type Box, tidy } from './box.ts';
import { TooMany } from './decide.ts';
import type { Value } from './draft.ts';
import { tidyHosts } from './hosts.ts';
import { type Way, waysOf } from './parent-ways.ts';
import type { Directive } from './read-conf.ts';
import { type Desk, optionsOf, texts } from './translator.ts';

export interface PeerLines {
  readonly peers: readonly Directive[];
  readonly access: readonly Directive[];
  readonly always: readonly Directive[];
  readonly never: readonly Directive[];
}

/** Hosts that nothing leads to. */
export interface Cut {
  readonly box: Box;
  readonly lines: readonly Directive[];
}

/** `contextOf`: in which ACLs are asked for hosts. */
export function readParents(lines: PeerLines, context: AclContext, desk: Desk): readonly Cut[] {
  for (const line of [...lines.always, ...lines.never, ...lines.access]) {
    const terms = texts(line).slice(line.name === 'cache_peer_access' ? 2 : 1);
    for (const term of terms) knownAcl(term.replace(/^!/, ''), { ...context, line });
  }
  const parents = lines.peers.flatMap((line) => addParent(line, desk) ?? []);
  let ways: readonly Way<Parent>[];
  try {
    const own = parents.map((parent) => ({ parent, access: accessOf(parent, lines.access) }));
    ways = waysOf({ always: lines.always, never: lines.never, parents: own }, context);
  } catch (thrown) {
    const [first] = lines.peers;
    if (!(thrown instanceof TooMany)) throw thrown;
    if (first) desk.problems.push({ ...first, message: 'which way requests go is said in too many lines' });
    return [];
  }
  const cut = tidied(ways).flatMap((way) => addRoute(way, desk, parents.length > 0) ?? []);
  const [first] = lines.peers;
  if (!first || !ways.some((way) => way.direct === 'last' && way.parents.length > 0)) return cut;
  desk.notes.tell(
    first,
    'differs',
    'CONNECT goes through the parents too, and directly only while none of them answers; Squid sends it directly first',
    'write { via: [direct] } under upstream.routes where that is wanted',
  );
  return cut;
}

const accessOf = ({ name, spelled }: Parent, lines: readonly Directive[]): readonly Directive[] =>
  lines.filter((line) => [name, spelled].includes(texts(line)[0] ?? ''));

const viaOf = ({ parents, direct }: Way<Parent>): readonly string[] => {
  const names = direct === 'always' ? [] : parents.map(({ name }) => name);
  return direct === 'never' ? names : [...names, 'direct'];
};

/** Up to the one for all hosts; what goes the same way as the one below is one with it. */
function tidied(ways: readonly Way<Parent>[]): readonly Way<Parent>[] {
  const last = ways.findIndex(({ box }) => !tidy(box).hosts);
  const out: Way<Parent>[] = [];
  for (const way of (last < 0 ? ways : ways.slice(0, last + 1)).toReversed()) {
    const below = out[0];
    if (!below || viaOf(below).join() !== viaOf(way).join()) out.unshift(way);
    else {
      const [hosts, others] = [tidy(way.box).hosts, tidy(below.box).hosts];
      const lines = [...new Set([...way.lines, ...below.lines])];
      out[0] = { ...below, lines, box: hosts && others ? { hosts: tidyHosts([...hosts, ...others]) } : {} };
    }
  }
  return out;
}

function addRoute(way: Way<Parent>, { draft, notes, problems }: Desk, hasParents: boolean): Cut | undefined {
  const hosts = tidy(way.box).hosts?.map(({ text }) => text);
  const via = viaOf(way);
  const line = way.lines.findLast(({ name }) => name === 'never_direct');
  if (via.length > 0) {
    if (!hasParents) return undefined;
    const isRound = way.parents.length > 1 && way.parents.every(({ roundRobin }) => roundRobin);
    const choose = isRound && way.direct !== 'always' ? { choose: 'roundRobin' } : {};
    draft.add('upstream', 'routes', { ...(hosts ? { hosts } : {}), via, ...choose }, way.lines);
  } else if (line && hosts) {
    notes.tell(line, 'stricter', 'no parent leads there, and directly it may not go: it is denied', 'name a parent');
    return { box: way.box, lines: way.lines };
  } else if (line) {
    const message = 'nothing may go directly, and no parent is left that it could go through';
    problems.push({ file: line.file, line: line.line, message });
  }
  return undefined;
}

interface Parent {
  readonly name: string;
  readonly spelled: string;
  readonly roundRobin: boolean;
}

const UNUSED =
  /^(?:no-query|no-digest|no-netdb-exchange|no-delay|default|proxy-only|connect-timeout|connect-fail-limit|weight|name|login|round-robin|ssl|tls|sslcafile|tls-cafile|tls-default-ca|max-conn|standby|no-tproxy|background-ping|basetime|ttl|closest-only|weighted-round-robin|carp|userhash|sourcehash|allow-miss)$/;

function addParent(line: Directive, { draft, notes, absolute }: Desk): Parent | undefined {
  const [host = '', kind = '', port = '', , ...words] = texts(line);
  const options = optionsOf(words);
  if (kind !== 'parent') {
    notes.tell(line, 'not-needed', 'there are no sibling caches to ask', '');
    return undefined;
  }
  if (options.has('originserver')) {
    notes.tell(
      line,
      'lost',
      'it makes Squid a server in front of an origin of its own, which this proxy is not',
      'put a reverse proxy there',
    );
    return undefined;
  }
  const spelled = options.get('name') || host;
  const name = spelled.replace(/[^\w.-]/g, '-').slice(0, 32);
  const secure = options.has('ssl') || options.has('tls');
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const value: Record<string, Value> = { name, url: `${secure ? 'https' : 'http'}://${bracketed}:${port}` };
  const login = options.get('login') ?? '';
  const [, user = '', password = ''] = /^([^:*]+):(.+)$/.exec(login) ?? [];
  if (password !== '') {
    value['user'] = decoded(user);
    value['password'] = decoded(password);
    notes.tell(
      line,
      'unsafe',
      'the password of the parent stands in the config in the clear',
      'move it to a file of its own, and name that as passwordFile',
    );
  } else if (login !== '') {
    notes.tell(
      line,
      'lost',
      'what clients send to say who they are is never passed on to a parent',
      'give the parent a user and a passwordFile',
    );
  }
  const trust = options.get('tls-cafile') || options.get('sslcafile');
  if (trust && secure) value['trust'] = [absolute(trust)];
  for (const option of options.keys()) {
    if (!UNUSED.test(option)) notes.tell(line, 'differs', `the option "${option}" of a parent is left out`, '');
  }
  draft.add('upstream', 'parents', value, [line]);
  return { name, spelled, roundRobin: options.has('round-robin') };
}

/** Squid has them %-encoded where they hold blanks or colons. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
