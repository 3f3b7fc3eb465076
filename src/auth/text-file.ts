// A file that administrators edit while the proxy runs: read at start, and again when it has changed. Called by the
// authenticator for users, tokens and groups.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { messageOf, ProxyError } from '../core/errors.ts';

/** A hundred thousand users. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Milliseconds between two looks at its time of change. */
const LOOK = 1_000;

/** What is wrong with a line, counted from 1; 0 is the whole file. Never quotes what may be a secret. */
export interface LineProblem {
  readonly line: number;
  readonly message: string;
}

/** What a file says, or all that is wrong with it. */
export type ReadLines<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly LineProblem[] };

export interface NumberedLine {
  readonly line: number;
  readonly text: string;
}

/** Problems told at once; the file may be wrong in every line. */
const MAX_TOLD = 10;

export async function readTextFile<T>(
  path: string,
  parse: (lines: readonly NumberedLine[]) => ReadLines<T>,
): Promise<T> {
  const read = parse(linesOf(await readText(path)));
  if (read.ok) return read.value;
  const told = read.problems.slice(0, MAX_TOLD).map(({ line, message }) => `${path}:${line}: ${message}`);
  const left = read.problems.length - told.length;
  throw new ProxyError('auth-unusable', [...told, ...(left > 0 ? [`and ${left} more`] : [])].join('\n'));
}

/** What is another when the file is; taken before it is read, so that no change slips in between. */
export async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return 'not there';
  }
}

/** Calls back with each file that is not as it was at its stamp, one after another; returns how to stop. */
export function watchTextFiles(
  paths: readonly string[],
  stamps: readonly string[],
  onChange: (path: string) => Promise<void>,
): () => void {
  const known = [...stamps];
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    for (const [at, path] of paths.entries()) {
      const stamp = await stampOf(path);
      if (stamp === known[at]) continue;
      known[at] = stamp;
      await onChange(path);
    }
    looking = false;
  };
  const timer = setInterval(() => void look(), LOOK);
  timer.unref();
  return () => clearInterval(timer);
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await buffer(createReadStream(path, { end: MAX_BYTES }));
  } catch (thrown) {
    throw new ProxyError('auth-unusable', `${path}: the file cannot be read (${messageOf(thrown)})`, { cause: thrown });
  }
  if (bytes.length > MAX_BYTES) throw new ProxyError('auth-unusable', `${path}: the file is larger than 16 MiB`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw new ProxyError('auth-unusable', `${path}: the file is not UTF-8 text`, { cause: thrown });
  }
}

/** Without comments and empty lines. */
function linesOf(text: string): NumberedLine[] {
  return text
    .split(/\r?\n/)
    .map((line, index) => ({ line: index + 1, text: line.trim() }))
    .filter(({ text: line }) => line !== '' && !line.startsWith('#'));
}
