// Takes out of a list of rulings what changes nothing, so that a person can read what is left. The end of the list is to
// deny. Called by access.ts for each of its lists.

import { type Box, covers, cut, tidy } from './box.ts';
import { hasRanges, type Ranges } from './ranges.ts';

/** What a rule will say of a box. */
export interface Ruling {
  readonly box: Box;
  readonly action: 'allow' | 'deny';
  /** Of a denial that is told in words of its own. */
  readonly words?: unknown;
}

/** Looked back at for what covers a ruling: enough for what nesting makes, and bounded for lists of thousands. */
const LOOK_BACK = 500;

/** `ports`: those that are open at all; a ruling for others is none, and one for all of them need not say so. */
export function simplify<R extends Ruling>(list: readonly R[], ports: Ranges): readonly R[] {
  const kept: R[] = [];
  for (const ruling of list) {
    const box = withinPorts(tidy(ruling.box), ports);
    if (box === undefined) continue;
    if (!kept.slice(-LOOK_BACK).some((above) => covers(above.box, box))) kept.push({ ...ruling, box });
    if (Object.keys(box).length === 0) break;
  }
  return withoutIdleDenials(kept);
}

function withinPorts(box: Box, open: Ranges): Box | undefined {
  const within = cut(box, { ports: open });
  if (within === 'empty' || within === 'unsayable') return undefined;
  const { ports, ...rest } = within;
  return ports && !hasRanges(ports, open) ? within : rest;
}

/** A denial is idle when nothing below it would have been allowed but for it, since the end of the list denies anyway. */
function withoutIdleDenials<R extends Ruling>(list: readonly R[]): readonly R[] {
  const below: R[] = [];
  for (let at = list.length - 1; at >= 0; at -= 1) {
    const ruling = list[at];
    if (!ruling) continue;
    const above = list.slice(Math.max(0, at - LOOK_BACK), at);
    const matters =
      ruling.action === 'allow' ||
      ruling.words !== undefined ||
      below.length > LOOK_BACK ||
      below.some((one) => changes(ruling, one, above));
    if (matters) below.unshift(ruling);
  }
  return below;
}

/** Whether `below` would allow something that `denial` takes, and that nobody above has taken before. */
function changes(denial: Ruling, below: Ruling, above: readonly Ruling[]): boolean {
  if (below.action === 'deny') return false;
  const both = cut(denial.box, below.box);
  if (both === 'empty') return false;
  return both === 'unsayable' || !above.some(({ box }) => covers(box, both));
}
