// The metrics in Prometheus' text format (version 0.0.4). Pure; called by overview.ts.

import { BOUNDS, countOf, type Distribution, NO_DURATIONS } from '../core/histogram.ts';
import type { Measures } from '../metrics/measures.ts';
import { DURATIONS, SERIES, type Series } from '../metrics/series.ts';
import type { Facts } from './facts.ts';

/** As the format wants to be announced. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** `now`: milliseconds since the epoch. */
export function metricsText(measures: Measures, facts: Facts, now: number): string {
  const lines: string[] = [];
  for (const [key, series] of Object.entries<Series>(SERIES)) {
    const counts = Object.entries(measures.series[key] ?? {});
    head(lines, series.name, series.type, series.help);
    // A series without labels is always there, so that rates have a beginning.
    if (counts.length === 0 && series.labels.length === 0) lines.push(`${series.name} 0`);
    for (const [values, count] of counts) lines.push(`${series.name}${labelled(series, values)} ${numeral(count)}`);
  }
  for (const [key, series] of Object.entries(DURATIONS)) {
    histogram(lines, series, measures.durations[key] ?? NO_DURATIONS);
  }
  for (const [name, help, value, labels = ''] of gauges(facts, now)) {
    head(lines, name, 'gauge', help);
    lines.push(`${name}${labels} ${numeral(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

type Gauge = readonly [name: string, help: string, value: number, labels?: string];

function gauges({ version, started, workers, ca, ready, draining, reload }: Facts, now: number): Gauge[] {
  const { node } = process.versions;
  const at = reload ? Date.parse(reload.at) : started;
  return [
    ['sallyport_build_info', 'The program; always 1.', 1, `{version="${escaped(version)}",node="${escaped(node)}"}`],
    ['sallyport_start_timestamp_seconds', 'When the proxy was started.', started / 1_000],
    ['sallyport_workers', 'Processes that are to carry traffic.', workers.wanted],
    ['sallyport_workers_listening', 'Processes that carry traffic.', workers.listening],
    ['sallyport_ready', 'Whether /readyz says yes.', ready ? 1 : 0],
    ['sallyport_draining', 'Whether nobody is let in any more.', draining ? 1 : 0],
    ['sallyport_ca_expiry_timestamp_seconds', 'When the CA ceases to be valid.', ca.notAfter.getTime() / 1_000],
    ['sallyport_ca_remaining_seconds', 'How long the CA is still valid.', (ca.notAfter.getTime() - now) / 1_000],
    // There from the start on, so that whoever is to be woken by it need not tell none from no.
    ['sallyport_reload_successful', 'Whether the last reload was not refused.', reload && !reload.ok ? 0 : 1],
    [
      'sallyport_reload_timestamp_seconds',
      'When the config was last to be used anew; the start, at first.',
      at / 1_000,
    ],
  ];
}

function histogram(lines: string[], { name, help }: { name: string; help: string }, distribution: Distribution): void {
  head(lines, name, 'histogram', help);
  let below = 0;
  for (const [at, bound] of BOUNDS.entries()) {
    below += distribution.counts[at] ?? 0;
    lines.push(`${name}_bucket{le="${bound / 1_000}"} ${below}`);
  }
  const all = countOf(distribution);
  lines.push(`${name}_bucket{le="+Inf"} ${all}`, `${name}_sum ${numeral(distribution.sum / 1_000)}`);
  lines.push(`${name}_count ${all}`);
}

function head(lines: string[], name: string, type: string, help: string): void {
  lines.push(`# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}`, `# TYPE ${name} ${type}`);
}

/** `values` has a space between two values; the last may have some of its own. */
function labelled({ labels }: Series, values: string): string {
  if (labels.length === 0) return '';
  const parts = values.split(' ');
  const texts = [...parts.slice(0, labels.length - 1), parts.slice(labels.length - 1).join(' ')];
  return `{${labels.map((label, at) => `${label}="${escaped(texts[at] ?? '')}"`).join(',')}}`;
}

/** A name of a rule may hold anything. */
function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

/** JavaScript's own spelling of a number is one that the format takes. */
function numeral(value: number): string {
  return Number.isFinite(value) ? String(value) : '0';
}
