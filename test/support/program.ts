// The command line as a process of its own, for tests of what only a process has: signals, exit codes, standard streams.

import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createCa } from '../../src/pki/create-ca.ts';
import { NODE } from './run.ts';

export const ROOT = join(import.meta.dirname, '../..');
export const MAIN = join(ROOT, 'src/main.ts');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Program {
  readonly pid: number;
  /** Resolves with the first match in what it wrote; rejects when it ends without. */
  out(pattern: RegExp): Promise<RegExpExecArray>;
  err(pattern: RegExp): Promise<RegExpExecArray>;
  /** All it has written so far. */
  readonly outText: () => string;
  readonly errText: () => string;
  /** Once its streams are closed as well. */
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

export interface ProgramOptions {
  readonly command?: string;
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Most of a start is to compile our own sources: with what an earlier start has compiled it takes half the time. Set for the
 * processes that a test itself starts as well, in vitest.config.ts.
 */
const COMPILED = process.env['NODE_COMPILE_CACHE'] ?? '';

/** Starts it with a clean environment; what still runs when the test has ended is killed. */
export function startProgram(words: readonly string[], options: ProgramOptions = {}): Program {
  const { command = NODE, folder = ROOT, env = {} } = options;
  const path = `${dirname(NODE)}:${process.env['PATH'] ?? ''}`;
  const child = spawn(command, [...words], {
    cwd: folder,
    // A home of its own, since npm writes there.
    env: {
      PATH: path,
      HOME: mkdtempSync(join(tmpdir(), 'home-')),
      LC_ALL: 'C',
      ...(COMPILED && { NODE_COMPILE_CACHE: COMPILED }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that nothing it has started outlives the test.
    detached: true,
  });
  const out = new Listening();
  const err = new Listening();
  child.stdout.setEncoding('utf8').on('data', (text: string) => out.hear(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => err.hear(text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal });
      const said = `${out.text}${err.text}`;
      for (const ear of [out, err]) ear.giveUp(new Error(`it ended with ${code ?? signal} after:\n${said}`));
    });
  });
  onTestFinished(() => killGroup(child.pid));
  return {
    pid: child.pid ?? 0,
    out: (pattern) => out.until(pattern),
    err: (pattern) => err.until(pattern),
    outText: () => out.text,
    errText: () => err.text,
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended, and all of its children with it.
  }
}

/** A stream's text so far, and who waits for more of it. */
class Listening {
  text = '';
  #waiting: { pattern: RegExp; resolve: (match: RegExpExecArray) => void; reject: (error: Error) => void }[] = [];
  #over: Error | undefined;

  hear(text: string): void {
    this.text += text;
    this.#waiting = this.#waiting.filter(({ pattern, resolve }) => {
      const match = pattern.exec(this.text);
      if (match) resolve(match);
      return !match;
    });
  }

  until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const match = pattern.exec(this.text);
      if (match) resolve(match);
      else if (this.#over) reject(this.#over);
      else this.#waiting.push({ pattern, resolve, reject });
    });
  }

  giveUp(error: Error): void {
    this.#over = error;
    for (const { reject } of this.#waiting) reject(error);
  }
}

/**
 * A folder with a config in it, `proxy.yaml`; `text` is added to one that listens on a port the system chooses and trusts
 * one root, since to read those of the system takes longer than most tests.
 */
export function configFolder(text = ''): { readonly folder: string; readonly config: string } {
  const folder = mkdtempSync(join(tmpdir(), 'program-'));
  const config = join(folder, 'proxy.yaml');
  const listen = text.includes('listen:') ? [] : ['listen: [{ address: 127.0.0.1, port: 0 }]'];
  writeFileSync(join(folder, 'root.pem'), createCa().certificate);
  const upstream = text.includes('upstream:') ? [] : ['upstream: { trust: [root.pem] }'];
  writeFileSync(config, ['version: 1', ...listen, text, ...upstream, ''].join('\n'));
  return { folder, config };
}
