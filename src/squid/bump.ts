// Which tunnels are decrypted, passed unread or closed: the `ssl_bump` lines in their new and their old words, followed
// through the three steps to what becomes of a connection in the end. access.ts cuts the access rules with it.

import { type AclContext, termOf } from './acl-bounds.ts';
import { type Box, EVERYTHING } from './box.ts';
import { decide, type Step, type Verdict } from './decide.ts';
import { clausesOf, together } from './formula.ts';
import type { Directive } from './read-conf.ts';

export type TlsVerb = 'bump' | 'splice' | 'terminate';
type Action = TlsVerb | 'peek' | 'stare';
type StepNumber = 1 | 2 | 3;

/** The words before Squid 3.5, which are all said at the first step, and those before 3.3. */
const OLD_WORDS: Readonly<Record<string, TlsVerb>> = {
  'server-first': 'bump',
  'client-first': 'bump',
  none: 'splice',
  allow: 'bump',
  deny: 'splice',
};
const NEW_WORDS: Readonly<Record<string, Action>> = {
  bump: 'bump',
  splice: 'splice',
  terminate: 'terminate',
  peek: 'peek',
  stare: 'stare',
};

/**
 * Complete: each tunnel is in one of the verdicts, the first that takes it. `strictly`: what is decided on inside a tunnel
 * would be lost in one that passes unread, so that what cannot be said of `bump` is decrypted.
 */
export function bumpVerdicts(
  lines: readonly Directive[],
  context: AclContext,
  strictly = true,
): readonly Verdict<TlsVerb>[] {
  const known = lines.flatMap((line) => {
    const word = line.words[0]?.text ?? '';
    const action = NEW_WORDS[word] ?? OLD_WORDS[word];
    if (!action) context.notes.tell(line, 'unknown', `"${word}" is nothing that ssl_bump does`, 'correct the word');
    if (word in OLD_WORDS) {
      const now = action === 'bump' ? 'bump: the origin is verified first, always' : 'splice';
      context.notes.tell(line, 'differs', `"${word}" is an old word; it is done as "${now}"`, '');
    }
    return action ? [{ line, action, isOld: word in OLD_WORDS }] : [];
  });
  return verdictsAt(1, undefined, known, { ...context, strictly }, EVERYTHING, []);
}

interface Context extends AclContext {
  readonly strictly: boolean;
}

interface Line {
  readonly line: Directive;
  readonly action: Action;
  readonly isOld: boolean;
}

function verdictsAt(
  step: StepNumber,
  before: 'peek' | 'stare' | undefined,
  lines: readonly Line[],
  context: Context,
  within: Box,
  from: readonly Directive[],
): readonly Verdict<TlsVerb>[] {
  const possible = lines.filter((one) => isPossible(one, step, before));
  const steps = possible.flatMap(({ line, action }) => stepsOf(line, action, { ...context, step }));
  const otherwise: TlsVerb = step === 3 && before === 'stare' ? 'bump' : 'splice';
  return decide<Action>(steps, otherwise, within).flatMap(({ box, outcome, lines: own }) => {
    const all = [...from, ...own];
    if (outcome !== 'peek' && outcome !== 'stare') return [{ box, outcome, lines: all }];
    return verdictsAt(step === 1 ? 2 : 3, outcome, lines, context, box, all);
  });
}

/** Having peeked at the second step, Squid cannot decrypt any more; having stared, it cannot pass unread. */
function isPossible({ action, isOld }: Line, step: StepNumber, before: 'peek' | 'stare' | undefined): boolean {
  if (isOld && step > 1) return false;
  if (step < 3) return true;
  if (action === 'splice') return before !== 'stare';
  if (action === 'bump') return before !== 'peek';
  return action === 'terminate';
}

/** What cannot be said is decided by the lines below, and closed, or strictly decrypted, in any case. */
function stepsOf(line: Directive, outcome: Action, outer: Context): readonly Step<Action>[] {
  const context = { ...outer, line };
  const terms = line.words.slice(1).map(({ text }) => termOf(text, context));
  const side = outcome === 'terminate' || (outer.strictly && leadsToBump(outcome, outer)) ? 'upper' : 'lower';
  return clausesOf(together('all', terms)[side], side).map((clause) => ({ ...clause, outcome, side, line }));
}

/** Having looked once, Squid may still do either; a second look is what leaves one of the two. */
const leadsToBump = (outcome: Action, { step }: Context): boolean =>
  outcome === 'bump' || outcome === 'stare' || (outcome === 'peek' && step === 1);
