// A run as one HTML page that needs nothing beside it.

import { connectionsOf, type Unit, type Workload } from '../workloads.ts';
import { goalOf, notesOf, peersOf, throughputOf } from './markdown.ts';
import { figure, page } from './page.ts';
import { barPlot, decadeTicks, escaped, type Line, linePlot } from './plots.ts';
import type { Cell, RunResult, WorkloadResult } from './results.ts';
import { latenciesOf, percentile, spreadOf } from './statistics.ts';

const COLOURS: Readonly<Record<string, string>> = {
  sallyport: '#d9480f',
  'sallyport-auto': '#f59f00',
  squid: '#1c7ed6',
  haproxy: '#2f9e44',
  mitmproxy: '#9c36b5',
  tinyproxy: '#868e96',
};

const UNITS: Readonly<Record<Unit, string>> = {
  ms: 'CPU ms per operation',
  'MB/s': 'MB per CPU second, more is better',
  'requests/s': 'Requests per CPU second, more is better',
  KB: 'KB per connection',
  times: 'p99 beside a bulk stream, times that without',
};

/** Shares of operations shown in a latency plot; the axis is that of the rest, so that the tail has room. */
const SHARES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999] as const;

export function htmlReport(run: RunResult): string {
  const swept = run.results.filter(({ cells }) => cells.some(({ sweep }) => sweep.length > 0));
  const timed = run.results.filter(({ cells }) => cells.some((cell) => latenciesOf(cell).length > 0));
  return page(
    run.title,
    run.circumstances,
    `<div class="legend">${peersOf(run)
      .map((peer) => `<span><i style="background:${colourOf(peer)}"></i>${escaped(peer)}</span>`)
      .join('')}</div>
<h2>Cost</h2>
<p>Of the proxy's whole process tree. A bar is the median of the repeats, the thin line on it reaches from the least to the most, the dashed line is the goal.</p>
<div class="grid-of-plots">${run.results.map(costFigure).join('\n')}</div>
<h2>Latency</h2>
<p>At a fixed rate, the same for all, counted from when the operation was due.</p>
<div class="grid-of-plots">${timed.map(latencyFigure).join('\n')}</div>
<h2>Throughput</h2>
<p>As fast as it goes; client and origin have the same cores as the proxy.</p>
<div class="grid-of-plots">${(swept.length > 0 ? swept.map(sweepFigure) : run.results.filter(hasThroughput).map(throughputFigure)).join('\n')}</div>
<h2>Notes</h2>
<ul>${notesOf(run)
      .map((note) => `<li>${escaped(note.replaceAll('`', ''))}</li>`)
      .join('')}</ul>`,
  );
}

function costFigure({ workload, cells }: WorkloadResult): string {
  const bars = cells.flatMap((cell) => {
    const spread = spreadOf(cell, ({ figure }) => figure);
    return spread ? [{ label: cell.peer, colour: colourOf(cell.peer), spread }] : [];
  });
  const goal = { at: workload.goal, label: `goal ${goalOf(workload)}` };
  const streams = workload.streams === undefined ? '' : `, ${placesOf(workload)}`;
  return figure(workload.name, `${workload.says}. ${UNITS[workload.unit]}${streams}.`, barPlot(bars, goal));
}

function latencyFigure({ workload, cells }: WorkloadResult): string {
  const lines = cells.flatMap((cell): Line[] => {
    const sorted = latenciesOf(cell);
    if (sorted.length === 0) return [];
    const points = SHARES.filter((share) => sorted.length * (1 - share) >= 1).map(
      (share) => [1 / (1 - share), percentile(sorted, share)] as const,
    );
    return [{ label: cell.peer, colour: colourOf(cell.peer), points }];
  });
  const ticks = [0, 0.5, 0.9, 0.99, 0.999].map((share) => ({ at: 1 / (1 - share), label: `p${share * 100}` }));
  const up = { title: 'milliseconds', ticks: decadeTicks(lines.flatMap(({ points }) => points.map(([, ms]) => ms))) };
  return figure(
    workload.name,
    `${workload.rate} per second`,
    linePlot(lines, { title: 'share of operations', ticks }, up),
  );
}

function sweepFigure({ workload, cells }: WorkloadResult): string {
  const lines = cells
    .filter(({ sweep }) => sweep.length > 0)
    .map(({ peer, sweep }) => ({
      label: peer,
      colour: colourOf(peer),
      points: sweep.map(({ connections, throughput }) => [connections, throughput] as const),
    }));
  const across = [...new Set(lines.flatMap(({ points }) => points.map(([connections]) => connections)))].sort(
    (a, b) => a - b,
  );
  return figure(
    workload.name,
    workload.says,
    linePlot(
      lines,
      { title: 'connections at once', ticks: across.map((at) => ({ at, label: String(at) })) },
      { title: 'operations per second', ticks: decadeTicks(lines.flatMap(({ points }) => points.map(([, n]) => n))) },
    ),
  );
}

function throughputFigure({ workload, cells }: WorkloadResult): string {
  const bars = cells.flatMap((cell) => {
    const spread = spreadOf(cell, throughputOf(workload));
    return spread ? [{ label: cell.peer, colour: colourOf(cell.peer), spread }] : [];
  });
  const unit = workload.unit === 'MB/s' ? 'MB per second' : 'operations per second';
  return figure(workload.name, `${unit}, ${placesOf(workload)} at once`, barPlot(bars));
}

/** How many there are at once. */
function placesOf(workload: Workload): string {
  const { connections, streams } = workload;
  return streams === undefined ? String(connections) : `connections × streams: ${connectionsOf(workload)} × ${streams}`;
}

function hasThroughput({ workload, cells }: WorkloadResult): boolean {
  return workload.unit !== 'KB' && cells.some(({ samples }: Cell) => samples.length > 0);
}

function colourOf(peer: string): string {
  return COLOURS[peer] ?? '#495057';
}
