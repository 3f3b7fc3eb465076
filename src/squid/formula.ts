// What an ACL says, in boxes, and what a line of several ACLs says, as clauses: something that is asked for, and what is
// left out of it. The compiler turns clauses into rules.

import { allBut, type Box, cut, EVERYTHING } from './box.ts';

export type Formula =
  | { readonly is: 'box'; readonly box: Box }
  | { readonly is: 'not'; readonly of: Formula }
  | { readonly is: 'all' | 'any'; readonly of: readonly Formula[] };

/** With nothing to ask for, all is asked for; with no way to be met, nothing is. */
export const ALWAYS: Formula = { is: 'all', of: [] };
export const NEVER: Formula = { is: 'any', of: [] };

/**
 * What cannot be said exactly is between these two: `lower` is in it for sure, and outside `upper` nothing is. What is
 * allowed is taken from below, what is denied from above, so that nothing is ever allowed that Squid denied.
 */
export interface Bounds {
  readonly lower: Formula;
  readonly upper: Formula;
}

export type Side = keyof Bounds;

export const exactly = (formula: Formula): Bounds => ({ lower: formula, upper: formula });
export const inBox = (box: Box): Bounds => exactly({ is: 'box', box });
export const UNSAYABLE: Bounds = { lower: NEVER, upper: ALWAYS };

export function not({ lower, upper }: Bounds): Bounds {
  return { lower: { is: 'not', of: upper }, upper: { is: 'not', of: lower } };
}

export function together(is: 'all' | 'any', parts: readonly Bounds[]): Bounds {
  return { lower: { is, of: parts.map(({ lower }) => lower) }, upper: { is, of: parts.map(({ upper }) => upper) } };
}

export interface Clause {
  readonly box: Box;
  /** None of these. */
  readonly without: readonly Box[];
}

const MAX_CLAUSES = 256;

/** One of the clauses must be met. What cannot be said goes towards `side`. */
export function clausesOf(formula: Formula, side: Side, negated = false): readonly Clause[] {
  switch (formula.is) {
    case 'not':
      return clausesOf(formula.of, side, !negated);
    case 'box':
      return negated ? outside(formula.box) : [{ box: formula.box, without: [] }];
    default:
      return (formula.is === 'any') === negated
        ? product(
            formula.of.map((one) => clausesOf(one, side, negated)),
            side,
          )
        : bounded(
            formula.of.flatMap((one) => clausesOf(one, side, negated)),
            side,
          );
  }
}

function outside(box: Box): readonly Clause[] {
  const rest = allBut(box);
  return rest ? rest.map((one) => ({ box: one, without: [] })) : [{ box: EVERYTHING, without: [box] }];
}

function product(factors: readonly (readonly Clause[])[], side: Side): readonly Clause[] {
  let out: readonly Clause[] = [{ box: EVERYTHING, without: [] }];
  for (const factor of factors) {
    out = bounded(
      out.flatMap((one) =>
        factor.flatMap((other): readonly Clause[] => {
          const both = cut(one.box, other.box);
          const without = [...one.without, ...other.without];
          if (both === 'empty') return [];
          if (both !== 'unsayable') return [{ box: both, without }];
          return side === 'upper' ? [{ box: one.box, without }] : [];
        }),
      ),
      side,
    );
  }
  return out;
}

function bounded(clauses: readonly Clause[], side: Side): readonly Clause[] {
  if (clauses.length <= MAX_CLAUSES) return clauses;
  return side === 'upper' ? [{ box: EVERYTHING, without: [] }] : [];
}
