import { describe, expect, test } from 'vitest';
import { ALWAYS, clausesOf, exactly, inBox, NEVER, not, together, UNSAYABLE } from '../../src/squid/formula.ts';

const get = inBox({ methods: ['GET'] });
const port80 = inBox({ ports: [{ first: 80n, last: 80n }] });

describe('formulas', () => {
  test('that always or never hold', () => {
    expect(clausesOf(ALWAYS, 'lower')).toEqual([{ box: {}, without: [] }]);
    expect(clausesOf(NEVER, 'upper')).toEqual([]);
  });
  test('become clauses: all of it at once, or what is left out', () => {
    const both = together('all', [not(get), port80]);
    expect(clausesOf(both.lower, 'lower')).toEqual([
      { box: { ports: [{ first: 80n, last: 80n }] }, without: [{ methods: ['GET'] }] },
    ]);
    expect(clausesOf(not(together('all', [get, get])).lower, 'lower')).toHaveLength(2);
  });
  test('take what cannot be said from below or from above', () => {
    const some = together('all', [get, UNSAYABLE]);
    expect(clausesOf(some.lower, 'lower')).toEqual([]);
    expect(clausesOf(some.upper, 'upper')).toEqual([{ box: { methods: ['GET'] }, without: [] }]);
    expect(clausesOf(not(UNSAYABLE).lower, 'lower')).toEqual([]);
    expect(clausesOf(not(exactly(NEVER)).lower, 'lower')).toHaveLength(1);
  });
  test('of too many ways are nothing from below, and everything from above', () => {
    const two = together('any', [get, inBox({ users: ['ann'] })]);
    const many = together(
      'all',
      Array.from({ length: 12 }, () => two),
    );
    expect(clausesOf(many.lower, 'lower')).toEqual([]);
    const wide = together(
      'any',
      Array.from({ length: 300 }, (_, at) => inBox({ users: [`u${at}`] })),
    );
    expect(clausesOf(wide.upper, 'upper')).toEqual([{ box: {}, without: [] }]);
    expect(clausesOf(wide.lower, 'lower')).toEqual([]);
  });
});
