// An ordered list of access lines, with all that they negate, as an ordered list of boxes that our rules can be: first
// match wins in both. access.ts calls it for http_access, bump.ts for ssl_bump.

import { type Box, cut, EVERYTHING } from './box.ts';
import type { Clause } from './formula.ts';
import type { Directive } from './read-conf.ts';

/** One clause of one line; `T` is what becomes of what matches. */
export interface Step<T> extends Clause {
  readonly outcome: T;
  /** Who gets the benefit of what cannot be said: `lower` makes the step smaller, `upper` larger. */
  readonly side: 'lower' | 'upper';
  readonly line: Directive;
}

export interface Verdict<T> {
  readonly box: Box;
  readonly outcome: T;
  /** The lines that it comes from; none: the end of the list. */
  readonly lines: readonly Directive[];
}

/** Thrown where the list would become longer than anybody could read, or any proxy hold. */
export class TooMany extends Error {}

/** Of one list, and of several that are cut with each other. */
export const MAX_VERDICTS = 4_000;

/**
 * The verdicts for all that is in `within`, complete: the last one takes what is left. Where a step leaves something out,
 * that part goes on to the steps below it, as a list of its own in front: there is no other way to say "but not" in
 * rules of which the first decides.
 */
export function decide<T>(steps: readonly Step<T>[], otherwise: T, within: Box = EVERYTHING): readonly Verdict<T>[] {
  const out: Verdict<T>[] = [];
  follow(steps, 0, otherwise, within, out);
  return out;
}

function follow<T>(steps: readonly Step<T>[], from: number, otherwise: T, within: Box, out: Verdict<T>[]): void {
  for (let at = from; at < steps.length; at += 1) {
    const step = steps[at];
    if (!step) continue;
    const met = cut(within, step.box);
    if (met === 'empty' || (met === 'unsayable' && step.side === 'lower')) continue;
    const box = met === 'unsayable' ? within : met;
    const left = step.without.map((one) => cut(box, one));
    // What is left out cannot be told from the rest: a smaller step is none, a larger one leaves nothing out.
    if (step.side === 'lower' && left.includes('unsayable')) continue;
    for (const part of left) {
      if (part !== 'empty' && part !== 'unsayable') follow(steps, at + 1, otherwise, part, out);
    }
    push(out, { box, outcome: step.outcome, lines: [step.line] });
    if (box === within || Object.keys(box).every((key) => key in within && same(box, within, key))) return;
  }
  push(out, { box: within, outcome: otherwise, lines: [] });
}

function push<T>(out: Verdict<T>[], verdict: Verdict<T>): void {
  if (out.length >= MAX_VERDICTS) throw new TooMany();
  out.push(verdict);
}

function same(a: Box, b: Box, key: string): boolean {
  return value(a, key) === value(b, key);
}

const value = (box: Box, key: string): unknown => Object.getOwnPropertyDescriptor(box, key)?.value;
