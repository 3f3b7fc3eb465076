// A program in a terminal of its own, which can be resized, typed into, and looked at. Needs python3.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { onTestFinished } from 'vitest';
import { until } from './rig.ts';

export interface Left {
  readonly code: number;
  /** Whether the terminal reads lines again, and shows what is typed. */
  readonly canonical: boolean;
  readonly echo: boolean;
}

export interface Pty {
  /** All that was written to it. */
  readonly raw: () => string;
  /** The lines of the last picture that is whole. */
  readonly picture: () => string[];
  /** Until the last picture has it. */
  shows(pattern: RegExp): Promise<void>;
  order(
    order: { readonly size: readonly [number, number] } | { readonly keys: string } | { readonly signal: number },
  ): void;
  readonly ended: Promise<Left>;
}

const LIMIT = 25_000;
/** What a picture stands between. */
const [BEGIN, END] = ['\u001b[?2026h', '\u001b[?2026l'];

export function startInPty(
  command: readonly string[],
  [columns, rows]: readonly [number, number],
  env: Readonly<Record<string, string>> = {},
): Pty {
  const words = [join(import.meta.dirname, 'own-terminal.py'), String(columns), String(rows), ...command];
  const path = process.env['PATH'] ?? '';
  const child = spawn('python3', words, { env: { PATH: path, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', ...env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let raw = '';
  let last = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    last += text;
  });
  const ended = new Promise<Left>((resolve, reject) => {
    child.once('close', () => {
      try {
        resolve(JSON.parse(last));
      } catch {
        reject(new Error(`it ended with ${last}`));
      }
    });
  });
  // Whoever waits for a picture learns of it by that.
  ended.catch(() => undefined);
  const picture = (): string[] => {
    // The terminal makes a line's end of its own of each line feed.
    const whole = raw.split(BEGIN).findLast((text) => text.includes(END)) ?? '';
    return stripVTControlCharacters(whole.slice(0, whole.indexOf(END))).split(/\r*\n/);
  };
  return {
    raw: () => raw,
    picture,
    shows: (pattern) =>
      until(
        () => pattern.test(picture().join('\n')),
        String(pattern),
        () => picture().join('\n') || raw,
        LIMIT,
      ),
    order: (order) => void child.stdin.write(`${JSON.stringify(order)}\n`),
    ended,
  };
}
