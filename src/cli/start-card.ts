// The card that `up` prints: what is there now, and what to type next. Every line of it can be copied.

import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import type { Endpoint } from '../core/session.ts';
import { OWN_HOST } from '../http/own-pages.ts';
import type { RunningProxy } from '../proxy.ts';
import { shellWord, shownPath } from './shown-path.ts';
import { columns, type Terminal } from './terminal.ts';

const MODES = {
  enforce: 'enforce: what no rule allows is denied',
  report: 'report: denies nothing, logs what it would deny',
} as const;

/** `lan` is the address that other machines reach this one by, where there is one. */
export function startCard(
  terminal: Pick<Terminal, 'style'>,
  proxy: Pick<RunningProxy, 'addresses' | 'ca' | 'caCreated'>,
  config: Config,
  lan = lanAddress(),
): string {
  const { style } = terminal;
  const { addresses, ca, caCreated } = proxy;
  const cert = shownPath(config.ca.cert);
  const isTransparent = (at: number): boolean => config.listen[at]?.transparent !== undefined;
  // One that clients know nothing of is nothing to point them at.
  const open = addresses.filter((_, at) => !isTransparent(at));
  const first = open[0] ?? addresses[0];
  const here = first ? reachable(first, 'here', lan) : '';
  const way = open.length > 0 ? `-x http://${here}` : `--connect-to ::${here}`;
  const done = style('green', '✔');
  const command = (text: string): string => `    ${style('cyan', text)}\n`;
  const rows = [
    [
      `  ${done} CA ${caCreated ? 'created' : 'ready'}`,
      `${cert}, valid until ${ca.notAfter.toISOString().slice(0, 10)}`,
    ],
    ['    fingerprint', ca.anchor.fingerprint256],
    [
      `  ${done} listening`,
      addresses.map((own, at) => `${place(own)}${isTransparent(at) ? ' (transparent)' : ''}`).join(', '),
    ],
    [`  ${done} policy`, modeOf(config.policy)],
    [`  ${done} config`, shownPath(config.file)],
    [
      `  ${done} access log`,
      config.log.access
        .map(({ path, format }) => `${logName(path)} (${typeof format === 'string' ? format : format.name})`)
        .join(', '),
    ],
  ];
  return [
    `\n${style('bold', 'Sallyport is running.')}\n\n`,
    columns(rows, 3),
    '\n  Try it here:\n',
    command(`curl --cacert ${shellWord(cert)} ${way} https://${OWN_HOST}/`),
    ...(open.length > 0 ? elsewhere(open, lan, command) : []),
    `\n  Help page, and the CA for clients: http://${open.length > 0 ? here : OWN_HOST}/   Ctrl-C stops.\n\n`,
  ].join('');
}

function elsewhere(addresses: readonly Endpoint[], lan: string, command: (text: string) => string): string[] {
  const open = addresses.find(({ address }) => !isLoopback(address));
  if (!open) return ['\n  Only this machine can use it: "listen" names no other address.\n'];
  const url = `http://${reachable(open, 'elsewhere', lan)}`;
  return [
    '\n  On a machine that shall use it, with the CA installed there:\n',
    command(`export HTTPS_PROXY=${url} HTTP_PROXY=${url}`),
  ];
}

function modeOf({ mode, default: fallback }: Config['policy']): string {
  return mode === 'enforce' && fallback === 'allow' ? 'enforce: what a rule denies is denied' : MODES[mode];
}

/** A wildcard is reached by loopback from here, by our address from elsewhere. */
function reachable({ address, port }: Endpoint, from: 'here' | 'elsewhere', lan: string): string {
  if (address !== '0.0.0.0' && address !== '::') return place({ address, port });
  const loopback = address === '::' ? '[::1]' : '127.0.0.1';
  return `${from === 'here' ? loopback : bracketed(lan)}:${port}`;
}

/** The first address of this machine that is not its own affair. */
function lanAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? 'THIS-MACHINE';
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');
const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);
const place = ({ address, port }: Endpoint): string => `${bracketed(address)}:${port}`;
const logName = (path: string): string => (path === 'stdout' ? path : shownPath(path));
