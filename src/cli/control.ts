// `sallyport reload|rotate|drain|stop`: has the proxy that runs with a config do something, by its control socket, and says
// what came of it.

import { askAdmin } from '../admin/admin-client.ts';
import type { ReloadOutcome } from '../admin/controls.ts';
import { messageOf } from '../core/errors.ts';
import { findSocket } from '../squid/find-socket.ts';
import { MOVED } from './asked-proxy.ts';
import { configToldBy, isSameFile } from './config-in-use.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { plainly } from './plainly.ts';
import type { Terminal } from './terminal.ts';

export interface ControlOptions {
  readonly config: string;
  readonly json?: boolean;
}

/** Milliseconds for the answer: a reload may wait for one that is under way, and workers for their turn. */
const PATIENCE = 60_000;

export async function reload(terminal: Terminal, options: ControlOptions): Promise<ExitCode> {
  const answer = await ask(terminal, options, '/v1/reload');
  if (typeof answer === 'number') return answer;
  const outcome = answer.value;
  if (!isOutcome(outcome)) return strange(terminal, answer.body);
  if (!outcome.ok) {
    if (options.json) terminal.out(answer.body);
    else terminal.err(`Not used, the config of before still holds:\n${outcome.error.trimEnd()}\n`);
    return outcome.code === 'config-invalid' ? EXIT.configInvalid : EXIT.failed;
  }
  if (options.json) terminal.out(answer.body);
  else {
    const { changed, waiting } = outcome;
    terminal.out(
      `${options.config} is in use${changed.length > 0 ? `: ${changed.join(', ')} changed` : ', unchanged'}.\n`,
    );
    if (waiting.length > 0) terminal.err(`These wait for a restart: ${waiting.join(', ')}.\n`);
  }
  return EXIT.ok;
}

export function rotate(terminal: Terminal, options: ControlOptions): Promise<ExitCode> {
  return have(terminal, options, '/v1/rotate', () => 'Logs reopened.');
}

export function drain(terminal: Terminal, options: ControlOptions & { readonly grace?: number }): Promise<ExitCode> {
  const query = options.grace === undefined ? '' : `?grace=${options.grace}`;
  const left = (connections: number): string => `Stopping; ${connections} connections are left.`;
  return have(terminal, options, `/v1/drain${query}`, (value) => left(connectionsIn(value)));
}

export function stop(terminal: Terminal, options: ControlOptions): Promise<ExitCode> {
  const cut = (connections: number): string => `Stopped; ${connections} connections were cut.`;
  return have(terminal, options, '/v1/stop', (value) => cut(connectionsIn(value)));
}

interface Answer {
  readonly body: string;
  readonly value: unknown;
  readonly done: boolean;
}

async function have(
  terminal: Terminal,
  options: ControlOptions,
  path: string,
  tell: (value: unknown) => string,
): Promise<ExitCode> {
  const answer = await ask(terminal, options, path);
  if (typeof answer === 'number') return answer;
  if (!answer.done) return strange(terminal, errorIn(answer.value) ?? answer.body);
  terminal.out(options.json ? answer.body : `${tell(answer.value)}\n`);
  return EXIT.ok;
}

/** The answer of the proxy that runs with this config, or an exit code where there is none; then it is told why. */
async function ask(terminal: Terminal, { config }: ControlOptions, path: string): Promise<Answer | ExitCode> {
  const socket = await findSocket(config);
  if (socket === undefined) {
    terminal.err(`${config} has no control socket (admin.socket: off): send a signal instead.\n`);
    return EXIT.failed;
  }
  try {
    const told = await askAdmin(socket, 'GET', '/v1/status', PATIENCE);
    const running = told.status === 200 ? configToldBy(told.body) : undefined;
    if (running === undefined) {
      // As while it starts.
      const said = `does not say which config it runs with (${told.status})`;
      terminal.err(`What answers at ${socket} ${said}: nothing was changed.\n`);
      return EXIT.failed;
    }
    if (!(await isSameFile(running, config))) {
      const other = `the one at ${socket} runs with ${plainly(running)}`;
      terminal.err(`No proxy runs with ${config}: ${other}. Nothing was changed.\n`);
      return EXIT.notRunning;
    }
    const { status, body } = await askAdmin(socket, 'POST', path, PATIENCE);
    const value: unknown = JSON.parse(body);
    return { body, value, done: status === 200 };
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    const isGone = code === 'ENOENT' || code === 'ECONNREFUSED';
    const why = isGone ? `nobody answers at ${socket}` : `${socket}: ${messageOf(thrown)}`;
    terminal.err(isGone ? `No proxy runs with ${config}: ${why}. ${MOVED}\n` : `${why}.\n`);
    return isGone ? EXIT.notRunning : EXIT.failed;
  }
}

function strange(terminal: Terminal, body: string): ExitCode {
  terminal.err(`The proxy refuses: ${body.trim().slice(0, 500)}\n`);
  return EXIT.failed;
}

/** Both ends are this program; of another one nothing is believed. */
function isOutcome(value: unknown): value is ReloadOutcome {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return false;
  if (value.ok === true) return 'changed' in value && Array.isArray(value.changed) && 'waiting' in value;
  return value.ok === false && 'error' in value && typeof value.error === 'string' && 'code' in value;
}

function errorIn(value: unknown): string | undefined {
  const has = typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'string';
  return has ? String(value.error) : undefined;
}

function connectionsIn(value: unknown): number {
  return typeof value === 'object' && value !== null && 'connections' in value ? Number(value.connections) : 0;
}
