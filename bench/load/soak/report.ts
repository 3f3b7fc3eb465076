// A soak as Markdown and as a page: memory against time, the line through it, and what the load was.

import { figure, page } from '../report/page.ts';
import { escaped, evenTicks, linePlot, zeroBased } from '../report/plots.ts';
import type { Circumstance } from '../report/results.ts';
import { short } from '../report/statistics.ts';
import { table } from '../report/table.ts';
import { OWN, PLAIN } from '../scaling/colours.ts';
import type { Stream } from './streams.ts';

/** Memory at one moment, in MB. */
export interface Look {
  readonly minute: number;
  /** What the system sees. */
  readonly resident: number;
  /** The same after garbage and free pages have been let go of. */
  readonly held: number;
}

export interface SoakResult {
  readonly circumstances: readonly Circumstance[];
  readonly minutes: number;
  readonly looks: readonly Look[];
  /** MB of what is held in ten minutes, and the most that it may be. */
  readonly slope: number;
  readonly steepest: number;
  readonly streams: readonly (Stream & {
    readonly operations: number;
    readonly errors: number;
    readonly firstError: string | undefined;
  })[];
}

const TITLE = 'Soak';
const HEAD = ['load', 'per second', 'done', 'failed'] as const;

export function soakMarkdown(result: SoakResult): string {
  const { circumstances, looks } = result;
  const sections = [
    `# ${TITLE}`,
    circumstances.map(([label, value]) => `- ${label}: ${value}`).join('\n'),
    verdictOf(result),
    table(HEAD, rowsOf(result)),
    table(
      ['minute', 'MB held', 'MB resident before'],
      looks
        .filter((_, index) => index % 2 === 1)
        .map(({ minute, held, resident }) => [minute.toFixed(1), short(held), short(resident)]),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

export function soakHtml(result: SoakResult): string {
  const { circumstances, looks } = result;
  const line = (read: (look: Look) => number) => looks.map((look) => [look.minute, read(look)] as const);
  const rows = [HEAD, ...rowsOf(result)].map(
    (row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`,
  );
  const trend = trendOf(result);
  const plot = linePlot(
    [
      { label: 'memory', colour: OWN, points: line(({ held }) => held) },
      { label: 'line through it', colour: PLAIN, points: trend },
    ],
    { title: 'minutes', linear: true, ticks: evenTicks([0, ...looks.map(({ minute }) => minute)]) },
    zeroBased(
      'MB',
      looks.map(({ held }) => held),
    ),
  );
  return page(
    TITLE,
    circumstances,
    `<p>${escaped(verdictOf(result))}</p>
<div class="grid-of-plots">${figure('memory', 'MB that the whole process tree holds; grey: the line through it by least squares', plot)}</div>
<table>${rows.join('')}</table>`,
  );
}

function verdictOf({ minutes, slope, steepest, looks }: SoakResult): string {
  const range = (values: readonly number[]) => `${short(Math.min(...values))} to ${short(Math.max(...values))} MB`;
  return (
    `Memory that the whole process tree holds, garbage and free pages let go of, looked at ${looks.length} times in ` +
    `${minutes} minutes after the stores were full: ${range(looks.map(({ held }) => held))}. The line through it rises by ` +
    `${short(slope)} MB in ten minutes; ${steepest} are allowed. Resident before each look: ` +
    `${range(looks.map(({ resident }) => resident))}.`
  );
}

function rowsOf({ streams }: SoakResult): string[][] {
  return streams.map(({ name, rate, operations, errors, firstError }) => [
    name,
    String(rate),
    operations.toLocaleString('en'),
    errors === 0 ? '0' : `${errors}: ${firstError}`,
  ]);
}

/** From the first look to the last, through the middle of all. */
function trendOf({ looks, slope }: SoakResult): (readonly [number, number])[] {
  const mean = (read: (look: Look) => number): number =>
    looks.reduce((sum, look) => sum + read(look), 0) / looks.length;
  const [middle, level] = [mean(({ minute }) => minute), mean(({ held }) => held)];
  return [looks[0]?.minute ?? 0, looks.at(-1)?.minute ?? 0].map((x) => [x, level + ((x - middle) * slope) / 10]);
}
