// The reports `counters`, `5min`, `60min` and `utilization`: what was counted since the start, and how fast of late. Pure;
// called by manager-report.ts.

import { quantile } from '../../core/histogram.ts';
import { durationsOf, type Measures } from '../../metrics/measures.ts';
import { type Figures, figuresOf, httpTime, ratio, stamp } from './figures.ts';
import type { Sources } from './sources.ts';

export function counters({ now, facts }: Sources): string {
  return totals(now.measures, now.time, facts.uptime);
}

function totals(measures: Measures, time: number, uptime: number): string {
  const figures = figuresOf(measures);
  return lines([
    `sample_time = ${moment(time)}`,
    ...traffic(figures).map(([name, count]) => `${name} = ${count}`),
    ...zeros(ICP, ''),
    'icp.times_used = 0',
    ...zeros(DIGESTS, ''),
    'unlink.requests = 0',
    'page_faults = 0',
    `select_loops = ${figures.loops}`,
    `cpu_time = ${figures.cpu.toFixed(6)}`,
    `wall_time = ${(uptime / 1_000).toFixed(6)}`,
    ...zeros(SWAP, ''),
    `aborted_requests = ${figures.aborted}`,
  ]);
}

/** Averages over the last `minutes`, or as long as there is something to tell of. */
export function averages(minutes: number) {
  return ({ now, history }: Sources): string => {
    const { from, seconds, measures } = history.span(minutes, now);
    const figures = figuresOf(measures);
    const rate = (count: number): string => `${ratio(count, seconds).toFixed(6)}/sec`;
    const median = `${(quantile(durationsOf(measures, 'request'), 0.5) / 1_000).toFixed(6)} seconds`;
    const dns = `${(quantile(durationsOf(measures, 'dns'), 0.5) / 1_000).toFixed(6)} seconds`;
    const all = traffic(figures);
    const [client, server] = [all.slice(0, CLIENT_RATES), all.slice(CLIENT_RATES + 1)];
    return lines([
      `sample_start_time = ${moment(from.time)}`,
      `sample_end_time = ${moment(now.time)}`,
      ...client.map(([name, count]) => `${name} = ${rate(count)}`),
      `client_http.all_median_svc_time = ${median}`,
      `client_http.miss_median_svc_time = ${median}`,
      ...['nm', 'nh', 'hit'].map((kind) => `client_http.${kind}_median_svc_time = 0.000000 seconds`),
      ...server.map(([name, count]) => `${name} = ${rate(count)}`),
      ...zeros(ICP_RATES, '/sec'),
      'icp.query_median_svc_time = 0.000000 seconds',
      'icp.reply_median_svc_time = 0.000000 seconds',
      `dns.median_svc_time = ${dns}`,
      'unlink.requests = 0.000000/sec',
      'page_faults = 0.000000/sec',
      `select_loops = ${rate(figures.loops)}`,
      'select_fds = 0.000000/sec',
      'average_select_fd_period = 0.000000/fd',
      'median_select_fds = 0.000000',
      ...zeros(SWAP, '/sec'),
      `aborted_requests = ${rate(figures.aborted)}`,
      ...zeros(CALLS, '/sec'),
      `cpu_time = ${figures.cpu.toFixed(6)} seconds`,
      `wall_time = ${seconds.toFixed(6)} seconds`,
      `cpu_usage = ${(100 * ratio(figures.cpu, seconds)).toFixed(6)}%`,
    ]);
  };
}

/** What is remembered is an hour; Squid has room for more. */
export function utilization(sources: Sources): string {
  const spans: readonly (readonly [string, number | undefined])[] = [
    ['Last 5 minutes', 5],
    ['Last 15 minutes', 15],
    ['Last hour', 60],
    ['Last 8 hours', undefined],
    ['Last day', undefined],
    ['Last 3 days', undefined],
  ];
  const parts = spans.map(([title, minutes]) => {
    const enough = minutes !== undefined && sources.facts.uptime >= minutes * 60_000;
    return `${title}:\n${enough ? averages(minutes)(sources) : '(no values recorded yet)\n'}\n`;
  });
  return `Cache Utilisation:\n\n${parts.join('')}Totals since cache startup:\n${counters(sources)}`;
}

function traffic(figures: Figures): (readonly [string, number])[] {
  const { requests, errors, kbIn, kbOut, serverRequests, serverErrors, serverKbIn, serverKbOut } = figures;
  const server = (name: string, counts: readonly number[]): (readonly [string, number])[] =>
    ['requests', 'errors', 'kbytes_in', 'kbytes_out'].map((part, at) => [`server.${name}.${part}`, counts[at] ?? 0]);
  const counts = [serverRequests, serverErrors, serverKbIn, serverKbOut];
  return [
    ['client_http.requests', requests],
    ['client_http.hits', 0],
    ['client_http.errors', errors],
    ['client_http.kbytes_in', kbIn],
    ['client_http.kbytes_out', kbOut],
    ['client_http.hit_kbytes_out', 0],
    ...server('all', counts),
    ...server('http', counts),
    ...server('ftp', []),
    ...server('other', []),
  ];
}

/** Of the client's side, those that Squid also tells as a rate; there is one more. */
const CLIENT_RATES = 5;

/** What we never do, in the order in which Squid tells it. */
const ICP_PACKETS = ['pkts_sent', 'pkts_recv', 'queries_sent', 'replies_sent', 'queries_recv', 'replies_recv'];
const ICP_BYTES = ['kbytes_sent', 'kbytes_recv', 'q_kbytes_sent', 'r_kbytes_sent', 'q_kbytes_recv', 'r_kbytes_recv'];
const ICP = [...ICP_PACKETS, 'query_timeouts', 'replies_queued', ...ICP_BYTES].map((name) => `icp.${name}`);
const ICP_RATES = [...ICP_PACKETS, 'replies_queued', 'query_timeouts', ...ICP_BYTES].map((name) => `icp.${name}`);
const DIGESTS = ['times_used', 'msgs_sent', 'msgs_recv', 'memory', 'local_memory', 'kbytes_sent', 'kbytes_recv'].map(
  (name) => `cd.${name}`,
);
const SWAP = ['swap.outs', 'swap.ins', 'swap.files_cleaned'];
/** Calls of the system, which nobody counts for us. */
const CALLS = [
  ...['opens', 'closes', 'reads', 'writes', 'seeks', 'unlinks'].map((name) => `syscalls.disk.${name}`),
  ...['accepts', 'sockets', 'connects', 'binds', 'closes', 'reads', 'writes', 'recvfroms', 'sendtos'].map(
    (name) => `syscalls.sock.${name}`,
  ),
];

function zeros(names: readonly string[], unit: '' | '/sec'): string[] {
  return names.map((name) => `${name} = ${unit === '' ? '0' : `0.000000${unit}`}`);
}

function moment(time: number): string {
  return `${stamp(time)} (${httpTime(time)})`;
}

const lines = (all: readonly string[]): string => `${all.join('\n')}\n`;
