// `sallyport exceptions list|revoke`: which clients reject our certificate, what passes unread for it, and an end to that.
// Works on the state file, whether the proxy runs or not; a running one looks at it each second.

import { userInfo } from 'node:os';
import { parseAuthority, parseHost } from '../core/authority.ts';
import { messageOf } from '../core/errors.ts';
import { type Entry, formatTarget, isExempted, type Pair } from '../exceptions/entry.ts';
import { type Change, NEEDED } from '../exceptions/ledger.ts';
import { LedgerFile } from '../exceptions/ledger-file.ts';
import { signOf, spliceRule } from '../exceptions/wording.ts';
import { loadConfig } from '../squid/load.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { shownPath } from './shown-path.ts';
import { columns, type Terminal } from './terminal.ts';

export interface ExceptionsListOptions {
  readonly config: string;
  readonly json?: boolean;
}

export async function exceptionsList(terminal: Terminal, options: ExceptionsListOptions): Promise<ExitCode> {
  const { rejections } = await loadConfig(options.config);
  const { ledger, damage } = await new LedgerFile(rejections).read();
  if (damage !== undefined) terminal.err(`${terminal.style('yellow', 'warning')}: ${damage}\n`);
  const now = Date.now();
  const entries = [...ledger.entries].reverse();
  const exempted = entries.filter((entry) => isExempted(entry) && now < entry.expires);
  const rejected = entries.filter((entry) => !exempted.includes(entry));
  const { onReject } = rejections;
  if (options.json) {
    const facts = { onReject, exceptions: exempted.map(factsOf), rejected: rejected.map(factsOf) };
    terminal.out(`${JSON.stringify(facts)}\n`);
    return EXIT.ok;
  }
  const rest = onReject === 'splice' ? '' : ` (tls.onReject is ${onReject}: none is in force)`;
  terminal.out(
    exempted.length === 0
      ? `No exceptions${rest}.\n`
      : `${terminal.style('bold', 'Passed unread by exception')}${rest}\n${table(terminal, exempted, now)}`,
  );
  if (rejected.length > 0) {
    terminal.out(
      `\n${terminal.style('bold', 'Our certificate rejected, no exception')}\n${table(terminal, rejected, now)}`,
    );
  }
  if (entries.length > 0) terminal.out(ADVICE);
  return EXIT.ok;
}

const ADVICE = `
Best is a program that trusts our authority. Where it cannot, put its rule into the config, above the one that decides.
`;

export interface ExceptionsRevokeOptions {
  readonly config: string;
  readonly client?: string;
  readonly all?: boolean;
}

export async function exceptionsRevoke(
  terminal: Terminal,
  host: string | undefined,
  options: ExceptionsRevokeOptions,
): Promise<ExitCode> {
  const { client, all = false } = options;
  if (all === (host !== undefined || client !== undefined)) {
    terminal.err('Say which: a host, --client ADDRESS, both, or --all. "exceptions list" shows what there is.\n');
    return EXIT.usage;
  }
  const isHost = host === undefined ? () => true : hostTest(host);
  if (!isHost) {
    terminal.err(`"${host}" is no host. Write it as the list shows it: ok.example.com or ok.example.com:443.\n`);
    return EXIT.usage;
  }
  const { rejections } = await loadConfig(options.config);
  const fits = (pair: Pair): boolean => (client === undefined || pair.client === client) && isHost(pair);
  let changes: readonly Change[] = [];
  try {
    const file = new LedgerFile(rejections);
    // Where there is nothing to end, nothing is made either.
    const none = !(await file.read()).ledger.entries.some((entry) => isExempted(entry) && fits(entry));
    if (none) return noneFits(terminal);
    await file.update((ledger) => {
      const now = Date.now();
      const expired = ledger.sweep(now);
      changes = ledger.revoke(fits, now, `command line, ${userInfo().username}`);
      return [...expired, ...changes];
    });
  } catch (error) {
    const mend = 'run it as the user of the proxy, or as root';
    terminal.err(`${shownPath(rejections.state)} cannot be changed (${messageOf(error)}): ${mend}.\n`);
    return EXIT.failed;
  }
  if (changes.length === 0) return noneFits(terminal);
  for (const { entry } of changes) {
    terminal.out(
      `Revoked: ${entry.client} to ${formatTarget(entry)}, in the audit log ${shownPath(rejections.audit)}.\n`,
    );
  }
  terminal.out('New connections are decrypted within a second; those that are open go on.\n');
  return EXIT.ok;
}

function noneFits(terminal: Terminal): ExitCode {
  terminal.err('No exception fits: "exceptions list" shows what there is.\n');
  return EXIT.failed;
}

/** Whether a pair has this host and, where it is given, this port; undefined when the text is no host. */
function hostTest(text: string): ((pair: Pair) => boolean) | undefined {
  const host = parseHost(text);
  if (host.ok) return (pair) => pair.host === host.value.text;
  const authority = parseAuthority(text);
  if (!authority.ok) return undefined;
  return (pair) => pair.host === authority.value.host && pair.port === authority.value.port;
}

function table(terminal: Terminal, entries: readonly Entry[], now: number): string {
  return entries
    .map((entry) => {
      const rows = [
        ['    why', signOf(entry)],
        ['    seen', seenOf(entry)],
        ...stateOf(entry, now).map((row) => [...row]),
        ['    rule', terminal.style('cyan', spliceRule(entry))],
      ];
      return `\n  ${terminal.style('bold', entry.client)} to ${terminal.style('bold', formatTarget(entry))}\n${columns(rows)}`;
    })
    .join('');
}

function seenOf({ count, recent, rule }: Entry): string {
  const times = `${count} ${count === 1 ? 'rejection' : 'rejections'}`;
  const last = recent.at(-1);
  return `${times}${last ? `, the last at ${minute(last.time)}` : ''}; let through by rule "${rule}"`;
}

function stateOf(entry: Entry, now: number): readonly (readonly string[])[] {
  const { accepted, revokedUntil = 0, recent } = entry;
  if (isExempted(entry)) return [['    unread', `since ${minute(entry.made)}, until ${minute(entry.expires)}`]];
  if (now < revokedUntil) return [['    revoked', `none is made before ${minute(revokedUntil)}`]];
  if (accepted !== undefined) {
    return [
      [
        '    but',
        `it took our certificate at ${minute(accepted)}, so some program there trusts it: no exception is made`,
      ],
    ];
  }
  const missing = NEEDED - recent.length;
  if (missing <= 0) return [];
  return [
    [
      '    needs',
      `${missing} more within ten minutes, where tls.onReject is splice and the rule allows the host by name`,
    ],
  ];
}

/** In UTC, as the JSON log has it, to the minute. */
function minute(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

function factsOf(entry: Entry) {
  const { client, rule, count, recent, accepted, made, expires, revokedUntil } = entry;
  const at = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString());
  return {
    client,
    host: formatTarget(entry),
    decidedBy: rule,
    rejections: count,
    recent: recent.map(({ time, ...how }) => ({ time: at(time), ...how })),
    sign: signOf(entry),
    accepted: at(accepted),
    made: at(made),
    expires: at(expires),
    revokedUntil: at(revokedUntil),
    rule: spliceRule(entry),
  };
}
