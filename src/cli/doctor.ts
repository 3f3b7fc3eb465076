// `sallyport doctor [HOST]`: looks at all that a proxy by this config depends on, and at the way to one host, and says of
// each whether it is well and how to mend it. Works whether the proxy runs or not, and changes nothing.

import { parseAuthority } from '../core/authority.ts';
import { DEFAULT_PORT, formatTarget, parseAbsoluteTarget, type RequestTarget } from '../core/target.ts';
import { examination } from './doctor/examination.ts';
import type { Finding, State } from './doctor/finding.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { plainly } from './plainly.ts';
import type { Terminal } from './terminal.ts';

export interface DoctorOptions {
  readonly config: string;
  readonly client: string;
  readonly user?: string;
  readonly json?: boolean;
}

/** Exit code `failed` when anything is; warnings are none. */
export async function doctor(terminal: Terminal, host: string | undefined, options: DoctorOptions): Promise<ExitCode> {
  const target = host === undefined ? undefined : targetOf(host);
  if (typeof target === 'string') {
    terminal.err(`error: ${host}: ${target}\n`);
    return EXIT.usage;
  }
  const { config, client, user, json = false } = options;
  const checks: Finding[] = [];
  for await (const findings of examination({ config, target, client, user })) {
    checks.push(...findings);
    if (!json) for (const finding of findings) terminal.out(line(terminal, finding));
  }
  const isWell = !checks.some(({ state }) => state === 'failed');
  if (json) terminal.out(`${JSON.stringify({ ok: isWell, config, url: target && formatTarget(target), checks })}\n`);
  else terminal.out(`\n${conclusion(terminal, checks)}\n`);
  return isWell ? EXIT.ok : EXIT.failed;
}

/** A host, `host:port`, or a URL; or what is wrong with it. */
function targetOf(text: string): RequestTarget | string {
  if (text.includes('://')) {
    const target = parseAbsoluteTarget(text);
    return target.ok ? target.value : target.reason;
  }
  // As people write IPv6 addresses.
  const bracketed = /^[0-9a-f]*:[0-9a-f.]*:[0-9a-f:.]*$/i.test(text) ? `[${text}]` : text;
  const authority = parseAuthority(bracketed, DEFAULT_PORT.https);
  return authority.ok ? { scheme: 'https', authority: authority.value, path: '/', query: '' } : authority.reason;
}

const COLOURS = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const satisfies Record<
  State,
  string
>;
const STATE = 9;
const CHECK = 20;

/** One line; at a terminal, folded to its width below where the text begins. */
function line({ style, width }: Terminal, { check, state, reason, mend }: Finding): string {
  const text = mend === undefined ? reason : `${reason}. ${mend.charAt(0).toUpperCase()}${mend.slice(1)}`;
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(30, width - STATE - CHECK - 1);
  const folded = fold(plainly(text), room).join(`\n${' '.repeat(STATE + CHECK)}`);
  return `${style(COLOURS[state], state.padEnd(STATE))}${check.padEnd(CHECK)}${folded}\n`;
}

/** Breaks between words; one that is longer than a line has a line of its own. */
function fold(text: string, room: number): string[] {
  const lines: string[] = [];
  let now = '';
  for (const word of text.split(' ')) {
    if (now !== '' && now.length + 1 + word.length > room) {
      lines.push(now);
      now = word;
    } else now = now === '' ? word : `${now} ${word}`;
  }
  return [...lines, now];
}

function conclusion({ style }: Terminal, checks: readonly Finding[]): string {
  const count = (state: State): number => checks.filter((one) => one.state === state).length;
  const [failures, warnings] = [count('failed'), count('warning')];
  const rest = warnings === 0 ? '' : `, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  if (failures === 0) return `${style('green', 'All is well')}${rest}.`;
  return `${style('red', `${failures} ${failures === 1 ? 'check' : 'checks'} failed`)}${rest}.`;
}
