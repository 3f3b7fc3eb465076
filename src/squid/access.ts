// The `http_access` lines, cut with the `ssl_bump` lines, as the ordered rules of our policy. The translator calls it when
// it has read all ACLs.

import { type AclContext, termOf, type World } from './acl-bounds.ts';
import type { AclSet } from './acl-set.ts';
import {
  type Addresses,
  bothAddresses,
  EVERY_ADDRESS,
  NO_ADDRESS,
  oneOfAddresses,
  otherAddresses,
} from './addresses.ts';
import { type Box, cut, EVERY_PORT, EVERYTHING, spellBoxes } from './box.ts';
import { bumpVerdicts, type TlsVerb } from './bump.ts';
import type { Tolerated } from './cert-error.ts';
import { decide, MAX_VERDICTS, type Step, TooMany, type Verdict } from './decide.ts';
import type { DenyWords } from './deny-info.ts';
import { clausesOf, together } from './formula.ts';
import { bothRanges, otherRanges, type Ranges } from './ranges.ts';
import type { Directive } from './read-conf.ts';
import { type Ruling, simplify } from './simplify.ts';

type Action = 'allow' | 'deny';

export interface AccessRule extends Ruling {
  /** Absent: whatever the request is. `connect`: the tunnel, and no request for an https URL. */
  readonly scheme?: 'http' | 'https' | 'connect';
  /** Of what is allowed; with a denial, `terminate` closes without a word. */
  readonly tls?: TlsVerb;
  readonly words?: DenyWords;
  readonly lines: readonly Directive[];
}

export interface Access {
  readonly rules: readonly AccessRule[];
  readonly connectPorts: Ranges;
  readonly httpPorts: Ranges;
  /** The lines that say which ports are open. */
  readonly portLines: readonly Directive[];
  /** A tunnel is decided on by its CONNECT alone: no rule looks inside. */
  readonly isAlike: boolean;
}

export interface AccessLines {
  readonly httpAccess: readonly Directive[];
  /** `adapted_http_access` and `miss_access`, which have to allow a request too. */
  readonly further?: readonly (readonly Directive[])[];
  readonly sslBump: readonly Directive[];
  /** Hosts that are passed unread where that loses nothing, since they cannot be verified. */
  readonly tolerated?: readonly Tolerated[];
  /** Whether any listener decrypts. */
  readonly bumps: boolean;
  /** What a denial by these lines says. */
  readonly wordsFor?: (lines: readonly Directive[]) => DenyWords | undefined;
}

/** `contextOf` names the world that an ACL is asked in. */
export function accessRules(lines: AccessLines, contextOf: (world: World) => AclContext): Access {
  const connect = openPorts(stepsOf(lines.httpAccess, contextOf('connect')));
  const https = openPorts(stepsOf(lines.httpAccess, contextOf('https')));
  const http = openPorts(stepsOf(lines.httpAccess, contextOf('http')));
  const connectPorts = bothRanges(connect.ports, https.ports);
  const listsOf = (world: World, { steps }: Pick<ReturnType<typeof openPorts>, 'steps'>): readonly List[] => [
    { steps, otherwise: otherwiseOf(lines.httpAccess) },
    ...(lines.further ?? [])
      .filter((own) => own.length > 0)
      .map((own) => ({ steps: stepsOf(own, contextOf(world)), otherwise: otherwiseOf(own) })),
  ];
  const [asConnect, asHttps, asHttp] = [listsOf('connect', connect), listsOf('https', https), listsOf('http', http)];
  const isAlike = asConnect.every(({ steps }, at) => alike(steps, asHttps[at]?.steps ?? []));
  const regions: readonly Verdict<TlsVerb>[] = lines.bumps
    ? withTolerated(bumpVerdicts(lines.sslBump, contextOf('connect'), !isAlike), isAlike ? (lines.tolerated ?? []) : [])
    : [{ box: EVERYTHING, outcome: 'splice', lines: [] }];
  const withWords = (rule: AccessRule): AccessRule => {
    const words = rule.action === 'deny' ? lines.wordsFor?.(rule.lines) : undefined;
    return words ? { ...rule, words } : rule;
  };
  const inTunnel = ({ box, outcome, lines: own }: Verdict<TlsVerb>): readonly AccessRule[] => {
    if (outcome === 'terminate') return [{ box, action: 'deny', tls: outcome, lines: own, scheme: 'https' }];
    // What is decrypted has to be allowed twice: as a CONNECT, and as the request inside.
    const lists = outcome === 'splice' || isAlike ? asConnect : [...asConnect, ...asHttps];
    const scheme = outcome === 'splice' && !isAlike ? 'connect' : 'https';
    return decideAll(lists, box).map(({ box, outcome: action, lines: from }) => {
      const rule = { box, action, scheme, lines: [...new Set([...own, ...from])] } as const;
      return action === 'allow' ? { ...rule, tls: outcome } : withWords(rule);
    });
  };
  const tunnels = simplify(regions.flatMap(inTunnel), connectPorts);
  const plain = simplify(
    decideAll(asHttp, EVERYTHING).map(
      ({ box, outcome, lines: from }): AccessRule => withWords({ box, action: outcome, lines: from, scheme: 'http' }),
    ),
    http.ports,
  );
  const portLines = [...new Set([...connect.lines, ...https.lines, ...http.lines])];
  return { rules: interleave(tunnels, plain), connectPorts, httpPorts: http.ports, portLines, isAlike };
}

export { TooMany };

/** Of what is decrypted. */
function withTolerated(regions: readonly Verdict<TlsVerb>[], tolerated: readonly Tolerated[]) {
  return regions.flatMap((region): readonly Verdict<TlsVerb>[] => {
    const spared = region.outcome === 'bump' ? tolerated : [];
    const passed = spared.flatMap(({ box, lines }): readonly Verdict<TlsVerb>[] => {
      const met = cut(region.box, box);
      return met === 'empty' || met === 'unsayable' ? [] : [{ box: met, outcome: 'splice', lines }];
    });
    return [...passed, region];
  });
}

interface List {
  readonly steps: readonly Step<Action>[];
  readonly otherwise: Action;
}

/** Nothing at all allowed, where there is no line; else the contrary of the last one. */
const otherwiseOf = (lines: readonly Directive[]): Action =>
  lines.at(-1)?.words[0]?.text === 'deny' ? 'allow' : 'deny';

/** What every one of the lists allows is. */
function decideAll(lists: readonly List[], within: Box): readonly Verdict<Action>[] {
  let verdicts: readonly Verdict<Action>[] = [{ box: within, outcome: 'allow', lines: [] }];
  for (const { steps, otherwise } of lists) {
    verdicts = verdicts.flatMap((one) =>
      one.outcome === 'deny'
        ? [one]
        : decide(steps, otherwise, one.box).map((inner) => ({
            ...inner,
            lines: [...new Set([...one.lines, ...inner.lines])],
          })),
    );
    if (verdicts.length > MAX_VERDICTS) throw new TooMany();
  }
  return verdicts;
}

/** Whom the lines let in for sure, by their addresses alone: what they ask for besides lets nobody in, and keeps nobody out. */
export function decidedClients(lines: readonly Directive[], context: AclContext): Addresses {
  let [allowed, seen] = [NO_ADDRESS, NO_ADDRESS];
  let verdicts: readonly Verdict<Action>[];
  try {
    verdicts = decide(stepsOf(lines, context), otherwiseOf(lines));
  } catch (thrown) {
    if (thrown instanceof TooMany) return NO_ADDRESS;
    throw thrown;
  }
  for (const { box, outcome } of verdicts) {
    const { clients = EVERY_ADDRESS, ...others } = box;
    if (Object.keys(others).length > 0) continue;
    if (outcome === 'allow') allowed = oneOfAddresses([allowed, bothAddresses(clients, otherAddresses(seen))]);
    seen = oneOfAddresses([seen, clients]);
  }
  return allowed;
}

/** The lines as steps; a line that asks who it is before it asks for more turns away everybody who does not say. */
function stepsOf(lines: readonly Directive[], outer: AclContext): readonly Step<Action>[] {
  return lines.flatMap((line): readonly Step<Action>[] => {
    const context = { ...outer, line };
    const [word, ...terms] = line.words.map(({ text }) => text);
    if (word !== 'allow' && word !== 'deny') {
      context.notes.tell(line, 'unknown', `"${word ?? ''}" is neither allow nor deny`, 'correct the word');
      return [];
    }
    if (context.world === 'http') tellBackwards(word, terms, context);
    const side = word === 'allow' ? 'lower' : 'upper';
    const bounds = together(
      'all',
      terms.map((term) => termOf(term, context)),
    );
    const own = clausesOf(bounds[side], side).map((clause): Step<Action> => ({ ...clause, outcome: word, side, line }));
    const asks = terms.findIndex((term) => context.acls.get(term.replace(/^!/, ''))?.type === 'proxy_auth');
    if (asks < 0 || asks === terms.length - 1 || !context.hasUsers) return own;
    const before = together(
      'all',
      terms.slice(0, asks).map((term) => termOf(term, context)),
    );
    const asked = clausesOf(before.upper, 'upper').map(
      ({ box, without }): Step<Action> => ({
        box,
        without: [...without, { users: 'known' }],
        outcome: 'deny',
        side: 'upper',
        line,
      }),
    );
    return [...asked, ...own];
  });
}

const BACKWARDS =
  'a host that is an address is not looked up backwards: what the domains of this line keep from clients may be asked for by its address, if the lines below allow that';

/** One line is told for all of them. */
function tellBackwards(word: 'allow' | 'deny', terms: readonly string[], { acls, notes, line }: AclContext): void {
  if (!line || notes.all.some(({ why }) => why === BACKWARDS)) return;
  const todo = 'allow by hosts, and deny the rest; with "-n" on the acl Squid does not look backwards either';
  if (terms.some((term) => keepsOut(term, word === 'allow', acls))) notes.tell(line, 'unsafe', BACKWARDS, todo);
}

/** Whether what has no name, and Squid would have found one for, is kept out by `term`; `isNegated`: by its contrary. */
function keepsOut(term: string, isNegated: boolean, acls: AclSet, depth = 0): boolean {
  const isContrary = term.startsWith('!') !== isNegated;
  const acl = acls.get(term.replace(/^!/, ''));
  if (!acl || depth > 4) return false;
  if (/^(?:any|all)-of$/.test(acl.type)) return acl.values.some((one) => keepsOut(one, isContrary, acls, depth + 1));
  return /^(?:dstdomain|dstdom_regex)$/.test(acl.type) && !acl.isByName && !isContrary;
}

/** Denials by port alone at the head of the list are what connectPorts and httpPorts are for. */
function openPorts(steps: readonly Step<Action>[]) {
  let ports: Ranges = [EVERY_PORT];
  const lines: Directive[] = [];
  let at = 0;
  for (const { outcome, box, without, line } of steps) {
    if (outcome !== 'deny' || !box.ports || Object.keys(box).length !== 1 || without.length > 0) break;
    ports = bothRanges(ports, otherRanges(box.ports, EVERY_PORT));
    lines.push(line);
    at += 1;
  }
  return { ports, lines, steps: steps.slice(at) };
}

const alike = (a: readonly Step<Action>[], b: readonly Step<Action>[]): boolean =>
  a.length === b.length && a.every((one, at) => same(one, b[at]));

function same(one: Step<Action>, other: Step<Action> | undefined): boolean {
  return (
    one.outcome === other?.outcome &&
    spellBoxes([one.box, ...one.without]) === spellBoxes([other.box, ...other.without])
  );
}

/** The two lists as one: what is in both, in the same order, is one rule for both. */
function interleave(tunnels: readonly AccessRule[], plain: readonly AccessRule[]): readonly AccessRule[] {
  const [keysA, keysB] = [tunnels.map(keyOf), plain.map(keyOf)];
  const shared = commonOrder(keysA, keysB);
  const out: AccessRule[] = [];
  let [a, b] = [0, 0];
  for (const [i, j] of [...shared, [tunnels.length, plain.length] as const]) {
    out.push(...tunnels.slice(a, i), ...plain.slice(b, j));
    const [one, other] = [tunnels[i], plain[j]];
    if (one && other) {
      const { scheme: _, ...rest } = one;
      out.push({ ...rest, lines: [...new Set([...one.lines, ...other.lines])] });
    }
    [a, b] = [i + 1, j + 1];
  }
  return out;
}

/** What is not for requests, or closes, has no like among plain requests. */
function keyOf(rule: AccessRule, at: number): string {
  if (rule.scheme === 'connect' || (rule.action === 'deny' && rule.tls)) return `tunnel ${at}`;
  const { line, file } = rule.words?.line ?? {};
  return `${rule.action} ${spellBoxes([rule.box])} ${file}:${line}`;
}

/** Longer lists are not compared with each other: each of their rules says what it is for. */
const MAX_COMPARED = 1_000;

/** The longest common subsequence, as pairs of places. */
function commonOrder(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  if (a.length > MAX_COMPARED || b.length > MAX_COMPARED) return [];
  const width = b.length + 1;
  const lengths = new Array<number>((a.length + 1) * width).fill(0);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: (readonly [number, number])[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return pairs;
}
