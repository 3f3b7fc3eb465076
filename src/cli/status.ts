// `sallyport status`: what the proxy that runs with a config says of itself.

import type { Status } from '../admin/controls.ts';
import { AskedProxy, MOVED } from './asked-proxy.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { inTime, plainly } from './plainly.ts';
import { type Samples, sumOf } from './read-samples.ts';
import { columns, type Terminal } from './terminal.ts';

export interface StatusOptions {
  readonly config: string;
  readonly json?: boolean;
}

/** Exit code `notRunning` when nobody answers. */
export async function status(terminal: Terminal, { config, json = false }: StatusOptions): Promise<ExitCode> {
  const found = await AskedProxy.find(config);
  const told = found.state === 'answered' ? await found.value.status() : found;
  if (found.state !== 'answered' || told.state !== 'answered') {
    const reason = told.state === 'answered' ? '' : told.reason;
    if (json) terminal.out(`${JSON.stringify({ running: told.state === 'gone' ? false : null, config, reason })}\n`);
    else terminal.err(told.state === 'gone' ? `No proxy runs with ${config}: ${reason}. ${MOVED}\n` : `${reason}.\n`);
    return told.state === 'gone' ? EXIT.notRunning : EXIT.failed;
  }
  const answered = await found.value.samples();
  const counted = answered.state === 'answered' ? countsIn(answered.value) : undefined;
  if (json) terminal.out(`${JSON.stringify({ running: true, ...told.value, ...counted })}\n`);
  else terminal.out(printed(terminal, told.value, counted));
  return EXIT.ok;
}

interface Counts {
  readonly tunnels: number | undefined;
  readonly requests: number | undefined;
  /** Transactions that ended, by outcome as the JSON log has it. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly log: { readonly lines: number | undefined; readonly lost: number; readonly failing: number };
}

function countsIn(samples: Samples): Counts {
  const outcomes = samples.get('sallyport_transactions_total') ?? [];
  return {
    tunnels: sumOf(samples, 'sallyport_tunnels'),
    requests: sumOf(samples, 'sallyport_requests_total'),
    outcomes: Object.fromEntries(
      outcomes.flatMap(({ labels, value }) => (value > 0 ? [[labels['outcome'] ?? '', value]] : [])),
    ),
    log: {
      lines: sumOf(samples, 'sallyport_log_lines_total'),
      lost: sumOf(samples, 'sallyport_log_lines_lost_total') ?? 0,
      failing: sumOf(samples, 'sallyport_log_failing') ?? 0,
    },
  };
}

function printed({ style }: Terminal, told: Status, counted: Counts | undefined, now = Date.now()): string {
  const { version, pid, started, config, generation, addresses, workers, connections, reload, ca } = told;
  const isRunning = told.state === 'running';
  const days = Math.floor((Date.parse(ca.notAfter) - now) / 86_400_000);
  const state = isRunning ? style('green', 'is running') : style('yellow', 'is draining: nobody is let in any more');
  const places = addresses.map(({ address, port }) => `${address.includes(':') ? `[${address}]` : address}:${port}`);
  const open = counted?.tunnels === undefined ? '' : `, ${counted.tunnels} tunnels`;
  const rows = [
    ['  up', `${inTime(now - Date.parse(started))}, since ${minute(started)}`],
    ['  process', `${pid}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`],
    ['  config', `${plainly(config)}${generation > 1 ? `, in its version ${generation}` : ''}`],
    ['  listening', places.join(', ')],
    ['  open', `${connections} ${connections === 1 ? 'connection' : 'connections'} of clients${open}`],
    ...(counted ? [['  requests', requestsOf(counted)]] : []),
    ['  reload', reloadOf({ style }, reload)],
    ['  CA', days < 30 ? style('red', `${days} days left`) : `${days} days left, until ${ca.notAfter.slice(0, 10)}`],
    ['  SHA-256', ca.sha256],
    ...(counted ? [['  log', logOf({ style }, counted)]] : []),
  ];
  return `${style('bold', `Sallyport ${version}`)} ${state}\n${columns(rows, 3)}`;
}

function requestsOf({ requests = 0, outcomes }: Counts): string {
  const parts = Object.entries(outcomes)
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${count} ${plainly(outcome).replaceAll('_', ' ')}`);
  return parts.length === 0 ? 'none so far' : `${requests}; by outcome ${parts.join(', ')}`;
}

function reloadOf({ style }: Pick<Terminal, 'style'>, reload: Status['reload']): string {
  if (!reload) return 'none so far';
  const when = `${minute(reload.at)} by ${plainly(reload.by)}`;
  if (!reload.ok)
    return `${style('red', 'refused')} ${when}, the config before still holds: ${plainly(reload.error.trim())}`;
  const waiting = reload.waiting.length > 0 ? `; a restart is needed for ${reload.waiting.join(', ')}` : '';
  return `used ${when}${waiting}`;
}

function logOf({ style }: Pick<Terminal, 'style'>, { log }: Counts): string {
  const lost = log.lost > 0 ? style('red', `${log.lost} lines lost`) : 'no line lost';
  return log.failing > 0 ? `${style('red', `${log.failing} cannot be written now`)}, ${lost}` : `written, ${lost}`;
}

/** In UTC, to the minute. */
function minute(time: string): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
