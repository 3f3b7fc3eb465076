// The catalogue keeps its word: what is written of it is what the generator makes, no grave case is forgotten, and every
// row of a table that is refused is in the README.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { REFUSALS, refusalTable } from './refusals.ts';
import { CATALOGUE, type CatalogueRow } from './tables/catalogue.ts';
import { REASONS } from './tables/reasons.ts';
import { findGaps, idsIn, indexPage, indexTests, PAGE, README, readTests, withRefusals } from './test-index.ts';

const index = indexTests(readTests());

describe('the catalogue', () => {
  test('has each case once, none missing within an area', () => {
    const ids = CATALOGUE.map(({ id }) => id);
    expect(ids).toHaveLength(174);
    expect(new Set(ids).size).toBe(174);
    const byPrefix = Map.groupBy(ids, (id) => id.slice(0, -3));
    for (const those of byPrefix.values())
      expect(those.map((id) => Number(id.slice(-2)))).toEqual(those.map((_, at) => at + 1));
  });

  test('has a test or a reason for each critical and high case, never both, and all that tests name', () => {
    expect(findGaps(CATALOGUE, index)).toEqual([]);
  });

  test('stands on its page as `npm run hostile` writes it', () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(indexPage(CATALOGUE, index));
  });
});

describe('what is refused', () => {
  test('stands in the README as `npm run hostile` writes it', () => {
    const readme = readFileSync(README, 'utf8');
    expect(readme).toBe(withRefusals(readme, refusalTable()));
  });

  test('has one reason for each row, and no reason is idle', () => {
    expect(REFUSALS.length).toBeGreaterThan(400);
    const reasonsOf = (kind: string) => REASONS.filter(({ of }) => of.includes(kind)).length;
    expect(REFUSALS.filter(({ kind }) => reasonsOf(kind) !== 1)).toEqual([]);
    const kinds = new Set(REFUSALS.map(({ kind }) => kind));
    expect(REASONS.flatMap(({ of }) => of).filter((kind) => !kinds.has(kind))).toEqual([]);
  });

  test('is short enough to be read', () => {
    expect(refusalTable().split('\n').length).toBeLessThanOrEqual(62);
  });

  test('is told in lines of one reason and answer, without what is said twice', () => {
    const refusals = [
      'LF behind a name',
      'LF behind a field',
      'empty',
      'empty',
      'empty of sense',
      'of two',
      'of two kinds',
    ].map((name) => ({
      kind: 'a',
      name,
      answer: '400',
    }));
    const table = refusalTable(
      [...refusals, { kind: 'b', name: 'late', answer: '408' }],
      [{ of: ['a', 'b'], what: 'x', why: 'y' }],
    );
    expect(table.split('\n').slice(2)).toEqual([
      '| x | LF behind a name; … a field; empty; empty of sense; of two; … kinds | y | 400 |',
      '| x | late | y | 408 |',
    ]);
  });

  test('cannot go where there are no markers', () => {
    expect(() => withRefusals('# A page', 'table')).toThrow(/markers/);
  });
});

describe('the index of tests', () => {
  const row = (id: string, severity: CatalogueRow['severity'], leftOut?: string): CatalogueRow => ({
    id,
    area: 'x',
    title: 'y',
    severity,
    ...(leftOut ? { leftOut } : {}),
  });

  test.each([
    ["test('SMUG-01: a')", ['SMUG-01']],
    ["describe('SMUG-01/02/09 b')", ['SMUG-01', 'SMUG-02', 'SMUG-09']],
    ["'TLSV-08..11'", ['TLSV-08', 'TLSV-09', 'TLSV-10', 'TLSV-11']],
    ["['H2-01', 'KEY-77']", ['H2-01', 'KEY-77']],
    ["// SMUG-01\n  /** SMUG-02 */\n * SMUG-03\n'SMUG-04'", ['SMUG-04']],
    ["'RSA-1024 UTF-16 KEY-100 XKEY-01'", []],
  ])('reads %s', (text, ids) => {
    expect(idsIn(text)).toEqual(ids);
  });

  test('gives the cases of a table to the tests that import it', () => {
    const files = new Map([
      ['hostile/a.test.ts', "import { A } from './tables/a.ts';\ntest('KEY-01 a')"],
      ['net/b.test.ts', "import { A } from '../hostile/tables/a.ts';"],
      ['hostile/tables/a.ts', "['KEY-02', 'KEY-01']"],
      ['hostile/tables/b.ts', "['KEY-03']"],
    ]);
    const both = ['hostile/a.test.ts', 'net/b.test.ts'];
    expect(indexTests(files)).toEqual(
      new Map([
        ['KEY-01', both],
        ['KEY-02', both],
      ]),
    );
  });

  test.each<[string, CatalogueRow[], string[], string[]]>([
    ['what is in order', [row('KEY-01', 'C'), row('KEY-02', 'C', 'z'), row('KEY-03', 'M')], ['KEY-01'], []],
    ['a grave case without a test', [row('KEY-01', 'H')], [], ['KEY-01 (H) has neither a test nor a reason']],
    [
      'a reason beside a test',
      [row('KEY-01', 'L', 'z')],
      ['KEY-01'],
      ['KEY-01 has a test and a reason why it has none'],
    ],
    ['an id that nobody knows', [], ['KEY-09'], ['KEY-09 in a.test.ts is not in the catalogue']],
  ])('tells of %s', (_, rows, ids, gaps) => {
    expect(findGaps(rows, new Map(ids.map((id) => [id, ['a.test.ts']])))).toEqual(gaps);
  });

  test('is a page with a link for each test', () => {
    const page = indexPage(
      [row('KEY-01', 'C'), row('KEY-02', 'H', 'z'), row('KEY-03', 'L')],
      new Map([['KEY-01', ['hostile/a.test.ts', 'net/b.test.ts']]]),
    );
    expect(page).toContain('Of 3 cases 1 have tests, 1 are left out with a reason, 1 are open.');
    expect(page.split('\n').slice(-4)).toEqual([
      '| KEY-01 | critical | y | [a](a.test.ts), [b](../net/b.test.ts) |',
      '| KEY-02 | high | y | left out: z |',
      '| KEY-03 | low | y | none yet |',
      '',
    ]);
  });
});
