// A run as one HTML page that needs nothing beside it.

import { goalOf, notesOf, peersOf, throughputOf } from './markdown.ts';
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

const UNITS = {
  ms: 'CPU ms per operation',
  'MB/s': 'MB per CPU second, more is better',
  KB: 'KB per connection',
} as const;

/** Shares of operations shown in a latency plot; the axis is that of the rest, so that the tail has room. */
const SHARES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999] as const;

const STYLE = `:root { color-scheme: light dark; --ink: #212529; --soft: #868e96; --line: #dee2e6; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9ecef; --soft: #909296; --line: #373a40; --paper: #1a1b1e; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1340px; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; } h3 { margin: 0; font: 600 15px ui-monospace, monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; } dt { color: var(--soft); } dd { margin: 0; }
.grid-of-plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 560px), 1fr)); gap: 2rem; }
figure { margin: 0; } figcaption { color: var(--soft); font-size: 13px; }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; } svg text { fill: var(--ink); }
.value, .title, .goal-label { fill: var(--soft); } .grid { stroke: var(--line); fill: none; }
.value { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; } .spread { stroke: var(--ink); fill: none; } .goal { stroke: var(--ink); stroke-dasharray: 4 3; fill: none; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; position: sticky; top: 0; background: var(--paper); padding: .5rem 0; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
`;

export function htmlReport(run: RunResult): string {
  const swept = run.results.filter(({ cells }) => cells.some(({ sweep }) => sweep.length > 0));
  const timed = run.results.filter(({ cells }) => cells.some((cell) => latenciesOf(cell).length > 0));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(run.title)}</title><style>${STYLE}</style></head><body>
<h1>${escaped(run.title)}</h1>
<dl>${run.circumstances.map(([label, value]) => `<dt>${escaped(label)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>
<div class="legend">${peersOf(run)
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
    .join('')}</ul>
</body></html>
`;
}

function costFigure({ workload, cells }: WorkloadResult): string {
  const bars = cells.flatMap((cell) => {
    const spread = spreadOf(cell, ({ figure }) => figure);
    return spread ? [{ label: cell.peer, colour: colourOf(cell.peer), spread }] : [];
  });
  const goal = { at: workload.goal, label: `goal ${goalOf(workload)}` };
  return figure(workload.name, `${workload.says}. ${UNITS[workload.unit]}.`, barPlot(bars, goal));
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
  return figure(workload.name, `${unit}, ${workload.connections} at once`, barPlot(bars));
}

function hasThroughput({ workload, cells }: WorkloadResult): boolean {
  return workload.unit !== 'KB' && cells.some(({ samples }: Cell) => samples.length > 0);
}

function figure(name: string, caption: string, plot: string): string {
  return `<figure><h3>${escaped(name)}</h3><figcaption>${escaped(caption)}</figcaption>${plot}</figure>`;
}

function colourOf(peer: string): string {
  return COLOURS[peer] ?? '#495057';
}
