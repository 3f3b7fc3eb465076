import { describe, expect, test } from 'vitest';
import { Conditionals } from '../../src/squid/conditionals.ts';

function taken(...lines: readonly string[]): string[] {
  const conditionals = new Conditionals();
  return lines.filter((line, at) => conditionals.read(line, at + 1) === undefined && conditionals.counts);
}

describe('if, else and endif', () => {
  test.each([
    ['true', ['a', 'z']],
    ['false', ['b', 'z']],
    ['0', ['b', 'z']],
    ['2', ['a', 'z']],
    ['1 = 1', ['a', 'z']],
    ['1=2', ['b', 'z']],
  ])('if %s', (condition, lines) => {
    expect(taken(`if ${condition}`, 'a', 'else', 'b', 'endif', 'z')).toEqual(lines);
  });

  test('stand within each other', () => {
    expect(taken('if false', 'if true', 'a', 'else', 'b', 'endif', 'else', 'c', 'endif')).toEqual(['c']);
  });

  test.each([
    [['else'], '"else" without "if"'],
    [['endif'], '"endif" without "if"'],
    [['if true', 'else', 'else'], 'a second "else"'],
    [['if maybe'], '"maybe" is no condition: true, false, a number, or A = B'],
  ])('%j is told', (lines, message) => {
    const conditionals = new Conditionals();
    expect(lines.map((line, at) => conditionals.read(line, at + 1)).at(-1)).toBe(message);
  });

  test('an open one is known by its line', () => {
    const conditionals = new Conditionals();
    conditionals.read('if true', 7);
    expect(conditionals.unclosed).toBe(7);
  });
});
