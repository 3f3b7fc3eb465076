// Plots as SVG text: bars with spread and goal, and lines on logarithmic axes.

import { type Spread, short } from './statistics.ts';

export interface Bar {
  readonly label: string;
  readonly colour: string;
  readonly spread: Spread;
}

export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Axis {
  readonly title: string;
  /** Where a line of the grid is, and what stands beside it; ascending, above zero. */
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
  /** Instead of logarithmic; ticks may then be zero. */
  readonly linear?: boolean;
}

const LABEL = 110;
const VALUE = 170;
const BAR_WIDTH = 420;
const ROW = 26;

/** Horizontal bars; the thin line over each is the spread, the dashed one across them is the goal. */
export function barPlot(bars: readonly Bar[], goal?: { readonly at: number; readonly label: string }): string {
  const most = Math.max(goal?.at ?? 0, ...bars.map(({ spread }) => spread.max)) * 1.02;
  const x = (value: number): number => round(LABEL + (value / most) * BAR_WIDTH);
  const height = bars.length * ROW + 18;
  const rows = bars.map(({ label, colour, spread }, index) => {
    const y = index * ROW + 4;
    const middle = y + 9;
    return `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end">${escaped(label)}</text>
<rect x="${LABEL}" y="${y}" width="${Math.max(1, x(spread.median) - LABEL)}" height="18" fill="${colour}" rx="2"/>
<path d="M${x(spread.min)} ${middle}H${x(spread.max)}M${x(spread.min)} ${middle - 5}v10M${x(spread.max)} ${middle - 5}v10" class="spread"/>`;
  });
  // Above the line of the goal, which may run through them.
  const values = bars.map(
    ({ spread }, index) =>
      `<text x="${x(spread.max) + 8}" y="${index * ROW + 17}" class="value">${short(spread.median)} (${short(spread.min)}..${short(spread.max)})</text>`,
  );
  return `<svg viewBox="0 0 ${LABEL + BAR_WIDTH + VALUE} ${height}" role="img">
${rows.join('\n')}
${goal ? goalMark(x(goal.at), bars.length * ROW, goal.label) : ''}
${values.join('\n')}
</svg>`;
}

function goalMark(x: number, y: number, label: string): string {
  return `<path d="M${x} 0V${y}" class="goal"/><text x="${x}" y="${y + 13}" text-anchor="middle" class="goal-label">${escaped(label)}</text>`;
}

const WIDTH = 620;
const HEIGHT = 260;
const LEFT = 64;
const BOTTOM = 42;
const RIGHT = 30;

/** Lines on two axes, logarithmic unless they say otherwise; the axes reach from the first tick to the last. */
export function linePlot(lines: readonly Line[], across: Axis, up: Axis): string {
  const x = scale(across, LEFT, WIDTH - RIGHT);
  const y = scale(up, HEIGHT - BOTTOM, 10);
  const gridX = across.ticks.map(
    ({ at, label }) =>
      `<path d="M${x(at)} 10V${HEIGHT - BOTTOM}" class="grid"/><text x="${x(at)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${label}</text>`,
  );
  const gridY = up.ticks.map(
    ({ at, label }) =>
      `<path d="M${LEFT} ${y(at)}H${WIDTH - RIGHT}" class="grid"/><text x="${LEFT - 6}" y="${y(at) + 4}" text-anchor="end">${label}</text>`,
  );
  const drawn = lines.map(
    ({ colour, points, label }) =>
      `<polyline points="${points.map(([a, b]) => `${x(a)},${y(b)}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"><title>${escaped(label)}</title></polyline>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
${gridX.join('')}${gridY.join('')}
${drawn.join('\n')}
<text x="${(LEFT + WIDTH) / 2}" y="${HEIGHT - 6}" text-anchor="middle" class="title">${escaped(across.title)}</text>
<text transform="translate(13 ${(HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle" class="title">${escaped(up.title)}</text>
</svg>`;
}

/** 1, 2 and 5 of each power of ten, so that all values are between the first and the last. */
export function decadeTicks(values: readonly number[]): Axis['ticks'] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high * 10; power += 1) {
    ticks.push(...[1, 2, 5].map((step) => step * 10 ** power));
  }
  const first = ticks.findLastIndex((tick) => tick <= low);
  const last = ticks.findIndex((tick) => tick >= high);
  return ticks.slice(Math.max(0, first), last + 1).map((at) => ({ at, label: tickLabel(at) }));
}

/** Round steps, about six of them, so that all values are between the first and the last. */
export function evenTicks(values: readonly number[]): Axis['ticks'] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((each) => each * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step);
  const count = Math.max(1, Math.ceil(high / step) - first);
  return Array.from({ length: count + 1 }, (_, index) => {
    const at = (first + index) * step;
    return { at, label: Number(at.toPrecision(6)).toLocaleString('en') };
  });
}

/** A linear axis from zero, so that what looks flat is. */
export function zeroBased(title: string, values: readonly number[]): Axis {
  return { title, linear: true, ticks: evenTicks([0, ...values]) };
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function tickLabel(value: number): string {
  return Number(value.toPrecision(1)).toLocaleString('en');
}

function scale({ ticks, linear }: Axis, from: number, to: number): (value: number) => number {
  const along = (value: number): number => (linear ? value : Math.log(value));
  const low = along(ticks[0]?.at ?? 1);
  const high = along(ticks.at(-1)?.at ?? 10);
  const width = high - low || 1;
  return (value) => round(from + ((Math.min(Math.max(along(value), low), high) - low) / width) * (to - from));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
