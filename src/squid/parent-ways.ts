// Which way a request goes: `always_direct`, `never_direct` and `cache_peer_access`, each read in its order, as regions of hosts.
// parents.ts makes routes of them.

import { type AclContext, termOf, type World } from './acl-bounds.ts';
import { type Box, covers, EVERYTHING, spellBoxes, tidy } from './box.ts';
import { decide, MAX_VERDICTS, type Step, TooMany } from './decide.ts';
import { type Clause, clausesOf, together } from './formula.ts';
import type { Directive } from './read-conf.ts';

/** What goes one way; the first of a list that has a host takes it, and the last has them all. */
export interface Way<P> {
  readonly box: Box;
  readonly direct: 'always' | 'never' | 'last';
  readonly parents: readonly P[];
  readonly lines: readonly Directive[];
}

export interface WayLines<P> {
  readonly always: readonly Directive[];
  readonly never: readonly Directive[];
  readonly parents: readonly { readonly parent: P; readonly access: readonly Directive[] }[];
}

/** Throws TooMany. */
export function waysOf<P>({ always, never, parents }: WayLines<P>, context: AclContext): readonly Way<P>[] {
  let ways: readonly Way<P>[] = [{ box: EVERYTHING, direct: 'last', parents: [], lines: [] }];
  const split = (lines: readonly Directive[], taken: (way: Way<P>) => Partial<Way<P>>): void => {
    const steps = lines.flatMap((line) => stepsOf(line, context));
    const otherwise = wordOf(lines.at(-1)) === 'deny';
    ways = ways.flatMap((way) =>
      way.direct === 'always'
        ? [way]
        : decide(steps, otherwise, way.box).map(({ box, outcome, lines: own }) => {
            const met = { ...way, box, lines: [...way.lines, ...own] };
            return outcome ? { ...met, ...taken(way) } : met;
          }),
    );
    if (ways.length > MAX_VERDICTS) throw new TooMany();
  };
  if (always.length > 0) split(always, () => ({ direct: 'always' }));
  if (never.length > 0) split(never, () => ({ direct: 'never' }));
  for (const { parent, access } of parents) {
    const add = (way: Way<P>) => ({ parents: [...way.parents, parent] });
    if (access.length > 0) split(access, add);
    else ways = ways.map((way) => (way.direct === 'always' ? way : { ...way, ...add(way) }));
  }
  // Nothing is left for what those above have taken.
  const boxes = ways.map(({ box }) => tidy(box));
  return ways.filter((_, at) => !boxes.slice(0, at).some((above) => covers(above, boxes[at] ?? EVERYTHING)));
}

/** Of a line that names a parent first, the word behind that. */
const termsOf = ({ name, words }: Directive): readonly string[] =>
  words.slice(name === 'cache_peer_access' ? 1 : 0).map(({ text }) => text);
const wordOf = (line: Directive | undefined): string | undefined => line && termsOf(line)[0];

const WORLDS: readonly World[] = ['connect', 'https', 'http'];

/** None where a line asks for more than hosts, which is told. */
function stepsOf(line: Directive, outer: AclContext): readonly Step<boolean>[] {
  const [word, ...terms] = termsOf(line);
  const all = WORLDS.flatMap((world): (readonly Clause[])[] => {
    const { lower, upper } = together(
      'all',
      terms.map((term) => termOf(term, { ...outer, world, line })),
    );
    return [clausesOf(lower, 'lower'), clausesOf(upper, 'upper')];
  });
  const [clauses = [], ...others] = all;
  if (others.every((one) => spelled(one) === spelled(clauses)) && clauses.every(isOfHosts))
    return clauses.map((clause) => ({ ...clause, outcome: word === 'allow', side: 'lower', line }));
  const mayGoDirect = line.name === 'never_direct' && word === 'allow';
  const why = 'which way a request goes can be asked by its host alone';
  outer.notes.tell(
    line,
    mayGoDirect ? 'unsafe' : 'lost',
    mayGoDirect ? `${why}: what this line sends to a parent may go directly` : why,
    'write a route by hosts under upstream.routes',
  );
  return [];
}

const spelled = (clauses: readonly Clause[]): string =>
  clauses.map((one) => spellBoxes([one.box, ...one.without])).join();

const isOfHosts = ({ box, without }: Clause): boolean =>
  [box, ...without].every((one) => Object.keys(tidy(one)).every((key) => key === 'hosts'));
