// Runs a real program to its end without holding up this process, in which the proxy and the origins of a test live.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const PATH = ['/usr/bin', '/bin', ...(process.env['PATH'] ?? '').split(':')];

/** Where a program is: the system's first, so that wrappers of a developer's shell are not in the way. */
export function findTool(name: string): string | undefined {
  return PATH.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The Node that the project runs on. */
export const NODE = [join(import.meta.dirname, '../../node_modules/.bin/node')].find(existsSync) ?? process.execPath;

export interface RunOptions {
  /** All there is beside PATH and the locale: the proxy variables of whoever runs the tests must not count. */
  readonly env?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** Written to its standard input, which is then left open; without it there is none. */
  readonly input?: string;
  /** Milliseconds after which it is ended; 30 s without it. */
  readonly limit?: number;
}

export interface Ran {
  /** Exit code; null when a signal ended it, as at its limit. */
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** Milliseconds after which a program is ended, where nobody says otherwise. */
const RUN_LIMIT = 30_000;

export function run(command: string, words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { env = {}, folder, input, limit = RUN_LIMIT } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...words], {
      ...(folder === undefined ? {} : { cwd: folder }),
      env: { PATH: PATH.join(':'), LC_ALL: 'C', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: limit,
    });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    // A program that fails early does not read it.
    child.stdin.on('error', () => undefined);
    if (input === undefined) child.stdin.end();
    else child.stdin.write(input);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out: Buffer.concat(out), err }));
  });
}
