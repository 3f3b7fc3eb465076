// Which test holds which case of the catalogue, and what the README says is refused: `npm run hostile` writes both anew,
// catalogue.test.ts insists that they are as written.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { refusalTable } from './refusals.ts';
import { CATALOGUE, type CatalogueRow } from './tables/catalogue.ts';

/** Paths relative to `test/`, with slashes, and what stands in the files. */
export type Files = ReadonlyMap<string, string>;
/** Id → the test files that name it. */
export type TestIndex = ReadonlyMap<string, readonly string[]>;

const TEST = join(import.meta.dirname, '..');
const HERE = 'hostile';
/** These speak of ids without testing them. */
const NOT_TESTS = ['hostile/catalogue.test.ts', 'hostile/tables/catalogue.ts', 'hostile/tables/reasons.ts'];

/** The ids in a text, comments aside: `SMUG-01`, `SMUG-01/02` for both, `TLSV-01..20` for all between. */
export function idsIn(text: string): string[] {
  const spoken = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  return [...spoken.matchAll(PATTERN)].flatMap(([, prefix = '', first = '', last, others = '']) => {
    const numbers = [Number(first), ...others.split('/').filter(Boolean).map(Number)];
    for (let next = Number(first) + 1; next <= Number(last ?? 0); next += 1) numbers.push(next);
    return numbers.map((number) => `${prefix}-${String(number).padStart(2, '0')}`);
  });
}

const PREFIXES = [...new Set(CATALOGUE.map(({ id }) => id.replace(/-.*/, '')))];
const PATTERN = new RegExp(`\\b(${PREFIXES.join('|')})-(\\d\\d)(?!\\d)(?:\\.\\.(\\d\\d)|((?:/\\d\\d)*))`, 'g');

/** The ids of a table belong to the tests that import it. */
export function indexTests(files: Files): TestIndex {
  const index = new Map<string, Set<string>>();
  for (const [file, text] of files) {
    if (!file.endsWith('.test.ts')) continue;
    const tables = [...text.matchAll(/from '(\.[^']*\/tables\/[^']+)'/g)].map(([, path = '']) =>
      posix.join(dirname(file), path),
    );
    for (const id of [text, ...tables.map((table) => files.get(table) ?? '')].flatMap(idsIn)) {
      const tests = index.get(id) ?? new Set();
      index.set(id, tests.add(file));
    }
  }
  return new Map([...index].map(([id, tests]) => [id, [...tests].sort()]));
}

/** What is wrong with catalogue and tests taken together, a sentence each. */
export function findGaps(rows: readonly CatalogueRow[], index: TestIndex): string[] {
  const known = new Set(rows.map(({ id }) => id));
  const unknown = [...index].filter(([id]) => !known.has(id));
  return [
    ...unknown.map(([id, tests]) => `${id} in ${tests.join(', ')} is not in the catalogue`),
    ...rows.flatMap(({ id, severity, leftOut }) => {
      const tested = index.has(id);
      if (tested && leftOut !== undefined) return [`${id} has a test and a reason why it has none`];
      const mustBe = severity === 'C' || severity === 'H';
      return mustBe && !tested && leftOut === undefined ? [`${id} (${severity}) has neither a test nor a reason`] : [];
    }),
  ];
}

/** The page of the catalogue, in Markdown. */
export function indexPage(rows: readonly CatalogueRow[], index: TestIndex): string {
  const tested = rows.filter(({ id }) => index.has(id)).length;
  const leftOut = rows.filter((row) => row.leftOut !== undefined).length;
  const areas = [...Map.groupBy(rows, ({ area }) => area)].map(([area, those]) =>
    [
      `## ${area}`,
      '',
      '| id | severity | what | tests |',
      '|---|---|---|---|',
      ...those.map((row) => `| ${row.id} | ${SEVERITIES[row.severity]} | ${row.title} | ${heldBy(row, index)} |`),
    ].join('\n'),
  );
  const open = rows.length - tested - leftOut;
  return [
    INTRODUCTION,
    `Of ${rows.length} cases ${tested} have tests, ${leftOut} are left out with a reason, ${open} are open.`,
    ...areas,
  ]
    .join('\n\n')
    .concat('\n');
}

const SEVERITIES = { C: 'critical', H: 'high', M: 'medium', L: 'low' } as const;

const INTRODUCTION = `# Hostile cases

What the proxy is attacked with, and the tests that hold it. \`npm run hostile\` writes this page, and the section *What is
refused and why* of the [README](../../README.md), from [the catalogue](tables/catalogue.ts), [the tables](tables/) and the
ids that the tests name; a test fails when either is not as written, when a critical or high case has neither a test nor a
reason, and when a test names an id that is not here. A table's cases belong to the tests that import it.

\`npm run fuzz -- --seed 7\` runs the mutated requests, replies and chains (SMUG-09, RESP-08, TLSV-29) at length.`;

function heldBy({ id, leftOut }: CatalogueRow, index: TestIndex): string {
  const links = (index.get(id) ?? []).map(
    (file) => `[${posix.basename(file, '.test.ts')}](${posix.relative(HERE, file)})`,
  );
  if (links.length > 0) return links.join(', ');
  return leftOut === undefined ? 'none yet' : `left out: ${leftOut}`;
}

/** The README with the table of refusals put between its markers. */
export function withRefusals(readme: string, table: string): string {
  const between = /(<!-- refused:[^\n]*-->\n)[\s\S]*?(<!-- \/refused -->)/;
  if (!between.test(readme)) throw new Error('The README has lost its markers for what is refused.');
  return readme.replace(between, (_, begin: string, end: string) => `${begin}${table}\n${end}`);
}

export const PAGE = join(TEST, HERE, 'README.md');
export const README = join(TEST, '..', 'README.md');

/** Tests and tables as they stand on the disk. */
export function readTests(): Files {
  const names = readdirSync(TEST, { recursive: true, encoding: 'utf8' }).map((name) => name.split(sep).join('/'));
  const ours = names.filter((name) => /\.test\.ts$|^hostile\/tables\/.*\.ts$/.test(name)).sort();
  return new Map(
    ours.filter((name) => !NOT_TESTS.includes(name)).map((name) => [name, readFileSync(join(TEST, name), 'utf8')]),
  );
}

function main(): void {
  const index = indexTests(readTests());
  writeFileSync(PAGE, indexPage(CATALOGUE, index));
  writeFileSync(README, withRefusals(readFileSync(README, 'utf8'), refusalTable()));
  for (const gap of findGaps(CATALOGUE, index)) process.stdout.write(`${gap}\n`);
}

if (import.meta.main) main();
