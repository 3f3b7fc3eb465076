// `sallyport top`: what a proxy that runs is busy with, drawn anew each second; once and in plain text where nobody looks.

import { setTimeout as wait } from 'node:timers/promises';
import { type Answered, AskedProxy, MOVED } from './asked-proxy.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';
import { frame, type Look, type View } from './top/frame.ts';
import { Screen } from './top/screen.ts';

export interface TopOptions {
  readonly config: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Milliseconds between two frames; what there is to see is gathered in it. */
const EVERY = 1_000;
/** Frames that are remembered: as many as the widest terminal has columns. */
const HISTORY = 500;
/** A text that is no picture has no edge. */
const PLAIN = { columns: 100, rows: Number.POSITIVE_INFINITY };

/** Exit code `notRunning` when nobody answers, or no more. */
export async function top(terminal: Terminal, options: TopOptions): Promise<ExitCode> {
  const { config, once = false, json = false } = options;
  const found = await AskedProxy.find(config);
  if (found.state !== 'answered') return tellGone(terminal, config, found);
  const proxy = found.value;
  const first = await look(proxy, []);
  if (first.state !== 'answered') return tellGone(terminal, config, first);
  const isLive = !once && !json && isDrawable(terminal, process.env);
  if (isLive) return live(terminal, config, proxy, first.value, new Screen());
  await wait(EVERY);
  const view = await look(proxy, []);
  if (view.state !== 'answered') return tellGone(terminal, config, view);
  const { status, activity } = view.value;
  const columns = terminal.width ?? PLAIN.columns;
  const lines = frame(view.value, { ...PLAIN, columns }, { style: terminal.style, utf8: false });
  terminal.out(json ? `${JSON.stringify({ status, activity })}\n` : `${lines.join('\n')}\n`);
  return EXIT.ok;
}

async function live(
  terminal: Terminal,
  config: string,
  proxy: AskedProxy,
  first: View,
  screen: Screen,
): Promise<ExitCode> {
  const picture: Look = { style: terminal.style, utf8: isUtf8(process.env) };
  let view = first;
  let gone: Exclude<Answered<View>, { state: 'answered' }> | undefined;
  const draw = (): void => screen.draw(frame(view, screen.size, picture));
  const over = new AbortController();
  void screen.over.then(() => over.abort());
  screen.open(draw);
  try {
    draw();
    while (!over.signal.aborted && !gone) {
      await wait(EVERY, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) break;
      const next = await Promise.race([look(proxy, view.history), screen.over]);
      if (!next) break;
      if (next.state === 'answered') view = next.value;
      else if (next.state === 'gone') gone = next;
      else view = { ...view, now: Date.now(), trouble: next.reason };
      draw();
    }
  } finally {
    screen.close();
  }
  return gone ? tellGone(terminal, config, gone) : EXIT.ok;
}

async function look(proxy: AskedProxy, before: readonly number[]): Promise<Answered<View>> {
  const [status, activity] = await Promise.all([proxy.status(), proxy.activity()]);
  if (status.state !== 'answered') return status;
  if (activity.state !== 'answered') return activity;
  const { rates } = activity.value;
  const sum = rates.reduce((all, { key, rate }) => all + (key === 'requests' || key === 'tunnels' ? rate : 0), 0);
  const history = [...before, sum].slice(-HISTORY);
  return { state: 'answered', value: { status: status.value, activity: activity.value, history, now: Date.now() } };
}

function tellGone(
  terminal: Terminal,
  config: string,
  { state, reason }: Exclude<Answered<unknown>, { state: 'answered' }>,
): ExitCode {
  terminal.err(state === 'gone' ? `No proxy runs with ${config}: ${reason}. ${MOVED}\n` : `${reason}.\n`);
  return state === 'gone' ? EXIT.notRunning : EXIT.failed;
}

/** A terminal, and not one that can only write line below line. */
export function isDrawable({ watched }: Pick<Terminal, 'watched'>, { TERM }: NodeJS.ProcessEnv): boolean {
  return watched.out && TERM !== 'dumb';
}

/** As the C library finds out which characters a terminal has. */
export function isUtf8(environment: Readonly<Record<string, string | undefined>>): boolean {
  const { LC_ALL, LC_CTYPE, LANG } = environment;
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}
