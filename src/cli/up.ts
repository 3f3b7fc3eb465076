// `sallyport up`: starts, and prints a card that says what happened and what to type next.

import { relative } from 'node:path';
import type { Config } from '../config/config.ts';
import { OWN_HOST } from '../http/own-pages.ts';
import type { RunningProxy } from '../proxy.ts';
import type { ExitCode } from './exit-code.ts';
import { keepRunning, type RunOptions } from './run.ts';
import { columns, type Terminal } from './terminal.ts';

export function up(terminal: Terminal, options: RunOptions): Promise<ExitCode> {
  return keepRunning(terminal, options, (proxy, config) => terminal.out(card(terminal, proxy, config)));
}

const MODES = {
  enforce: 'enforce: what no rule allows is refused',
  report: 'report: nothing is blocked; what would be is logged',
} as const;

export function card(terminal: Terminal, proxy: Pick<RunningProxy, 'addresses' | 'ca' | 'caCreated'>, config: Config): string {
  const { style } = terminal;
  const first = proxy.addresses[0];
  const at = first ? `${reachable(first.address)}:${first.port}` : '';
  const cert = relative(process.cwd(), config.ca.cert);
  const done = style('green', '✔');
  const rows = [
    [
      `  ${done} CA ${proxy.caCreated ? 'created' : 'ready'}`,
      `${cert}, valid until ${proxy.ca.notAfter.toISOString().slice(0, 10)}`,
    ],
    ['    fingerprint', proxy.ca.anchor.fingerprint256],
    [`  ${done} listening`, proxy.addresses.map(({ address, port }) => `${bracketed(address)}:${port}`).join(', ')],
    [`  ${done} policy`, `${MODES[config.policy.mode]} (${config.file})`],
    [`  ${done} access log`, config.log.access.map(({ path, format }) => `${shown(path)} (${format})`).join(', ')],
  ];
  return [
    `\n${style('bold', 'Sallyport is running.')}\n\n`,
    columns(rows, 3),
    '\n  Try it here:\n',
    `    ${style('cyan', `curl --cacert ${cert} -x http://${at} https://${OWN_HOST}/`)}\n`,
    '\n  On a machine that shall use it (with the CA installed there):\n',
    `    ${style('cyan', `export HTTPS_PROXY=http://THIS-MACHINE:${first?.port ?? 3128} HTTP_PROXY=http://THIS-MACHINE:${first?.port ?? 3128}`)}\n`,
    `\n  Help page and CA for clients: http://${at}/   Ctrl-C stops.\n\n`,
  ].join('');
}

/** An address to type: a wildcard is reached by loopback from here. */
function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return bracketed(address === '::' ? '::1' : address);
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function shown(path: string): string {
  return path === 'stdout' ? path : relative(process.cwd(), path);
}
