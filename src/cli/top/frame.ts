// One picture of `top`: what stands where, for any size of a terminal. Pure; top.ts draws it.

import type { Status } from '../../admin/controls.ts';
import type { TopEntry } from '../../core/top-list.ts';
import type { Activity, Kind } from '../../log/activity.ts';
import { inBytes, inRate, inTime, plainly } from '../plainly.ts';
import { fitted, type Paint, type Panel, printPanel, shareRows } from './panel.ts';

export interface View {
  readonly status: Status;
  readonly activity: Activity;
  /** Requests and tunnels in a second, one figure for each second so far, the latest last. */
  readonly history: readonly number[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Why there is no newer answer than this; absent: it is fresh. */
  readonly trouble?: string | undefined;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Look extends Pick<Paint, 'style'> {
  /** Whether the terminal shows more than ASCII. */
  readonly utf8: boolean;
}

/** From here on two lists stand beside each other. */
const WIDE = 96;
const GAP = 3;

/** Lines without their ends, none wider and not more than the size allows. Without `rows` as many as there is to say. */
export function frame(view: View, { columns, rows }: Size, look: Look): string[] {
  const paint: Paint = { style: look.style, cutMark: look.utf8 ? '…' : '~' };
  const head = header(view, columns, look, paint);
  const left = rows - head.length - 1;
  const [hosts, clients, rules, refusals, failures, rejections] = panelsOf(view);
  const body =
    columns >= WIDE
      ? beside(
          stack([hosts, rules], half(columns), left, paint),
          stack([clients, refusals, failures, rejections], columns - half(columns) - GAP, left, paint),
          half(columns),
        )
      : stack([hosts, clients, refusals, failures, rejections, rules], columns, left, paint);
  return [...head, '', ...body].slice(0, rows);
}

const half = (columns: number): number => Math.floor((columns - GAP) / 2);

function header(view: View, columns: number, look: Look, paint: Paint): string[] {
  const { style } = look;
  const { status, activity, now, trouble } = view;
  const { version, pid, workers, addresses, connections, generation } = status;
  const days = Math.floor((Date.parse(status.ca.notAfter) - now) / 86_400_000);
  const rate = (kind: Kind): TopEntry | undefined => activity.rates.find(({ key }) => key === kind);
  const perSecond = (kind: Kind): string => `${inRate(rate(kind)?.rate ?? 0)}/s`;
  const bad = (kind: Kind, colour: 'red' | 'yellow'): Segment => {
    const text = `${perSecond(kind)} ${kind}`;
    return rate(kind) ? { text, format: colour } : { text };
  };
  const out = (rate('requests')?.bytesRate ?? 0) + (rate('tunnels')?.bytesRate ?? 0);
  const listening = addresses.map(({ address, port }) => `${address.includes(':') ? `[${address}]` : address}:${port}`);
  const clock = `${new Date(now).toISOString().slice(11, 19)}Z`;
  const state: Segment =
    trouble === undefined
      ? { text: status.state, format: status.state === 'running' ? 'green' : 'yellow' }
      : { text: plainly(trouble), format: 'red' };
  const { reload } = status;
  const told = reload && `reload ${reload.at.slice(11, 16)}Z ${reload.ok ? 'ok' : 'refused'}`;
  const lines: Segment[][] = [
    [
      { text: `Sallyport ${version}`, format: 'bold' },
      state,
      { text: `up ${inTime(now - Date.parse(status.started))}` },
      { text: clock },
      { text: listening.join(' ') },
      { text: `${workers} ${workers === 1 ? 'worker' : 'workers'}` },
      { text: `process ${pid}`, format: 'dim' },
    ],
    [
      { text: `${perSecond('requests')} requests`, format: 'bold' },
      { text: `${perSecond('tunnels')} tunnels`, format: 'bold' },
      { text: `${inBytes(out)}/s out` },
      { text: `${inBytes(rate('uploads')?.bytesRate ?? 0)}/s in` },
      { text: `${connections} connections` },
    ],
    [
      bad('refused', 'red'),
      bad('failed', 'red'),
      bad('rejected', 'red'),
      ...(rate('would be denied') ? [bad('would be denied', 'yellow')] : []),
      days < 30 ? { text: `CA ${days} days left`, format: 'red' } : { text: `CA ${days} days left` },
      ...(told === undefined ? [] : [{ text: told, ...(reload?.ok ? {} : { format: 'red' as const }) }]),
      ...(generation > 1 ? [{ text: `config ${generation}`, format: 'dim' as const }] : []),
    ],
  ];
  return [...lines.map((line) => printed(line, columns, paint)), ...(look.utf8 ? [history(view, columns, style)] : [])];
}

/** The last seconds, and what the tallest bar stands for where there is room to say it. */
function history({ history }: View, columns: number, style: Look['style']): string {
  const room = columns >= 60 ? columns - PEAK : columns;
  const shown = history.slice(-room);
  const bars = style('cyan', sparkline(shown, room));
  return columns >= 60 ? `${bars}${style('dim', `  peak ${inRate(Math.max(0, ...shown))}/s`)}` : bars;
}

const PEAK = 16;

interface Segment {
  readonly text: string;
  readonly format?: 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';
}

/** Those that have room, in their order, with two spaces between; the first is cut where it has none. */
function printed(segments: readonly Segment[], columns: number, { style, cutMark }: Paint): string {
  let line = '';
  let used = 0;
  for (const { text, format } of segments) {
    const gap = used === 0 ? 0 : 2;
    const room = columns - used - gap;
    if (text.length > room && used > 0) continue;
    const shown = text.length > room ? fitted(text, room, cutMark) : text;
    line += `${' '.repeat(gap)}${format ? style(format, shown) : shown}`;
    used += gap + shown.length;
  }
  return line;
}

const BARS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** The last seconds as bars, the tallest as high as a line. */
export function sparkline(history: readonly number[], columns: number): string {
  const shown = history.slice(-columns);
  const most = Math.max(...shown, 0);
  return shown
    .map((value) => BARS[most === 0 ? 0 : Math.max(value > 0 ? 1 : 0, Math.round((value / most) * 8))])
    .join('');
}

type Panels = readonly [Panel, Panel, Panel, Panel, Panel, Panel];

function panelsOf({ activity }: View): Panels {
  const { hosts, clients, rules, refusals, failures, rejections } = activity;
  const both = ['req/s', 'out/s'];
  const withBytes = ({ key, rate, bytesRate }: TopEntry) => ({
    text: plainly(key),
    figures: [inRate(rate), inBytes(bytesRate)],
  });
  const plain = ({ key, rate }: TopEntry) => ({ text: plainly(key), figures: [inRate(rate)] });
  return [
    { title: 'HOSTS', figures: both, rows: hosts.map(withBytes) },
    { title: 'CLIENTS', figures: both, rows: clients.map(withBytes) },
    { title: 'RULES', figures: ['/s'], rows: rules.map(plain) },
    { title: 'REFUSED', figures: ['/s'], rows: refusals.map(plain), colour: 'red' },
    { title: 'FAILED', figures: ['/s'], rows: failures.map(plain), colour: 'red' },
    {
      title: 'REJECTED OUR CERTIFICATE',
      figures: ['UTC'],
      rows: rejections.map(({ time, client, host, alert }) => ({
        text: plainly(`${client} for ${host} (${alert})`),
        figures: [new Date(time).toISOString().slice(11, 19)],
      })),
      colour: 'yellow',
    },
  ];
}

/** Panels below each other, with an empty line between: as many as have room to say something, the first ones first. */
function stack(all: readonly Panel[], width: number, lines: number, paint: Paint): string[] {
  const panels = fitting(all, lines);
  const rows = shareRows(panels, lines);
  return panels
    .flatMap((panel, index) => [...(index > 0 ? [''] : []), ...printPanel(panel, width, rows[index] ?? 0, paint)])
    .slice(0, Math.max(0, lines));
}

/** Rows that a panel is worth its title for. */
const WORTH = 2;

function fitting(all: readonly Panel[], lines: number): readonly Panel[] {
  const need = (panels: readonly Panel[]): number =>
    panels.reduce((sum, { rows }, index) => sum + (index === 0 ? 1 : 2) + Math.min(WORTH, rows.length), 0);
  if (need(all) <= lines) return all;
  const full = all.filter(({ rows }) => rows.length > 0);
  while (full.length > 1 && need(full) > lines) full.pop();
  return full;
}

/** Every line of the left one is as wide as `width`, or empty. */
function beside(left: readonly string[], right: readonly string[], width: number): string[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => {
    const [a = '', b = ''] = [left[index], right[index]];
    if (b === '') return a;
    return `${a === '' ? ' '.repeat(width) : a}${' '.repeat(GAP)}${b}`;
  });
}
