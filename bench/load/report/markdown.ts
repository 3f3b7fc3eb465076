// A run as Markdown: the table of figures, then what stands behind it.

import { connectionsOf, isMoreBetter, type Unit, type Workload } from '../workloads.ts';
import type { RunResult, Sample, WorkloadResult } from './results.ts';
import { latenciesOf, percentile, short, spreadOf, spreadText } from './statistics.ts';
import { table } from './table.ts';

export const UNITS: Readonly<Record<Unit, string>> = {
  ms: 'CPU ms',
  'MB/s': 'MB per CPU s',
  'requests/s': 'requests per CPU s',
  KB: 'KB',
  times: 'times',
};
const SHARES = [0.5, 0.9, 0.99, 0.999] as const;

export function markdownReport(run: RunResult): string {
  const peers = peersOf(run);
  const sections = [
    `# ${run.title}`,
    run.circumstances.map(([label, value]) => `- ${label}: ${value}`).join('\n'),
    'CPU milliseconds of the whole process tree of the proxy per operation, or what else the unit says; median ' +
      '(min..max) of the repeats, which went round the proxies in turns. Less is better but for what is counted per CPU ' +
      'second. Streams: of HTTP/2 on each connection, at once.',
    table(
      ['workload', 'unit', 'streams', 'goal', ...peers, 'sallyport : squid'],
      run.results.map((result) => [
        `\`${result.workload.name}\``,
        UNITS[result.workload.unit],
        streamsOf(result.workload),
        goalOf(result.workload),
        ...peers.map((peer) => figureOf(result, peer, (sample) => sample.figure)),
        ratioOf(result),
      ]),
    ),
    '## Latency',
    'Milliseconds at a fixed rate that is the same for all, counted from when the operation was due: p50 / p90 / p99 / p99.9.',
    table(
      ['workload', 'rate', ...peers],
      run.results
        .filter(({ workload }) => workload.rate !== undefined)
        .map((result) => [
          `\`${result.workload.name}\``,
          `${result.workload.rate}/s`,
          ...peers.map((peer) => latencyOf(result, peer)),
        ]),
    ),
    '## Throughput',
    'Operations per second (MB per second for bytes) as fast as they go; client and origin have the same cores.',
    table(
      ['workload', 'connections', 'streams', ...peers],
      run.results
        .filter(({ workload }) => workload.unit !== 'KB')
        .map((result) => [
          `\`${result.workload.name}\``,
          String(connectionsOf(result.workload)),
          streamsOf(result.workload),
          ...peers.map((peer) => figureOf(result, peer, throughputOf(result.workload))),
        ]),
    ),
    '## Memory',
    'MB of the whole process tree of the proxy when the load has ended; the proxies run on from one line to the next.',
    table(
      ['workload', ...peers],
      run.results.map((result) => [
        `\`${result.workload.name}\``,
        ...peers.map((peer) => figureOf(result, peer, (sample) => sample.memory / 1024)),
      ]),
    ),
    '## Notes',
    [...run.results.map(({ workload }) => `\`${workload.name}\`: ${workload.says}`), ...notesOf(run)]
      .map((note) => `- ${note}`)
      .join('\n'),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** Every proxy that took part, in the order of the columns. */
export function peersOf({ results }: RunResult): string[] {
  return [...new Set(results.flatMap(({ cells }) => cells.map(({ peer }) => peer)))];
}

export function throughputOf({ unit }: Workload): (sample: Sample) => number {
  return unit === 'MB/s' ? (sample) => sample.megabytesPerSecond : (sample) => sample.throughput;
}

/** What the proxies are, and what happened to them in single workloads. */
export function notesOf({ results, notes }: RunResult): string[] {
  const ofCells = results.flatMap(({ workload, cells }) =>
    cells.flatMap(({ peer, failure, samples }) => {
      const said = new Set(samples.flatMap((sample) => sample.notes));
      if (failure !== undefined) said.add(`failed: ${failure.replaceAll(/\s+/g, ' ').slice(0, 300)}`);
      return [...said].map((note) => `\`${workload.name}\`, ${peer}: ${note}`);
    }),
  );
  return [...notes, ...ofCells];
}

export function goalOf(workload: Workload): string {
  return `${isMoreBetter(workload) ? '≥' : '≤'} ${workload.goal}`;
}

function streamsOf({ streams }: Workload): string {
  return streams === undefined ? '–' : String(streams);
}

function figureOf({ cells }: WorkloadResult, peer: string, read: (sample: Sample) => number): string {
  const spread = spreadOf(
    cells.find((cell) => cell.peer === peer),
    read,
  );
  return spread ? spreadText(spread) : '–';
}

/** The figure that travels from one machine to another. */
function ratioOf({ cells }: WorkloadResult): string {
  const [own, squid] = ['sallyport', 'squid'].map((name) =>
    spreadOf(
      cells.find(({ peer }) => peer === name),
      ({ figure }) => figure,
    ),
  );
  return own && squid ? (own.median / squid.median).toFixed(2) : '–';
}

function latencyOf({ cells }: WorkloadResult, peer: string): string {
  const sorted = latenciesOf(cells.find((cell) => cell.peer === peer));
  return sorted.length === 0 ? '–' : SHARES.map((share) => short(percentile(sorted, share))).join(' / ');
}
