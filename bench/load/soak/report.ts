// A soak as Markdown and as a page: memory against time, the line through it, and what the load was.

import { figure, page } from '../report/page.ts';
import { escaped, evenTicks, linePlot, zeroBased } from '../report/plots.ts';
import type { Circumstance } from '../report/results.ts';
import { short } from '../report/statistics.ts';
import { table } from '../report/table.ts';
import { OWN, PLAIN } from '../scaling/colours.ts';
import type { Stream } from './streams.ts';

export interface SoakResult {
  readonly circumstances: readonly Circumstance[];
  readonly minutes: number;
  /** Minutes and MB. */
  readonly points: readonly (readonly [number, number])[];
  /** MB in ten minutes, and the most that it may be. */
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
  const { circumstances, points } = result;
  const sections = [
    `# ${TITLE}`,
    circumstances.map(([label, value]) => `- ${label}: ${value}`).join('\n'),
    verdictOf(result),
    table(HEAD, rowsOf(result)),
    table(
      ['minute', 'MB'],
      points.filter((_, index) => index % 6 === 5).map(([minute, memory]) => [minute.toFixed(1), short(memory)]),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

export function soakHtml(result: SoakResult): string {
  const { circumstances, points } = result;
  const rows = [HEAD, ...rowsOf(result)].map(
    (row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`,
  );
  const trend = trendOf(result);
  const plot = linePlot(
    [
      { label: 'memory', colour: OWN, points },
      { label: 'line through it', colour: PLAIN, points: trend },
    ],
    { title: 'minutes', linear: true, ticks: evenTicks([0, ...points.map(([minute]) => minute)]) },
    zeroBased(
      'MB',
      points.map(([, memory]) => memory),
    ),
  );
  return page(
    TITLE,
    circumstances,
    `<p>${escaped(verdictOf(result))}</p>
<div class="grid-of-plots">${figure('memory', 'MB of the whole process tree; grey: the line through it by least squares', plot)}</div>
<table>${rows.join('')}</table>`,
  );
}

function verdictOf({ minutes, slope, steepest, points }: SoakResult): string {
  const memory = points.map(([, each]) => each);
  return (
    `Memory of the whole process tree, looked at ${points.length} times in ${minutes} minutes after the stores were full: ` +
    `${short(Math.min(...memory))} to ${short(Math.max(...memory))} MB. The line through it rises by ${short(slope)} MB in ` +
    `ten minutes; ${steepest} are allowed.`
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

/** From the first point to the last, through the middle of all. */
function trendOf({ points, slope }: SoakResult): (readonly [number, number])[] {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [middle, level] = [mean(0), mean(1)];
  return [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0].map((x) => [x, level + ((x - middle) * slope) / 10]);
}
