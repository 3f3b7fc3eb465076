// A file that administrators edit while the proxy runs: read at start, and again when it has changed. Called by the
// authenticator for users, tokens and groups.

import { createReadStream, unwatchFile, watchFile } from 'node:fs';
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

/** Calls back each time when the file may hold something else; returns how to stop. */
export function watchTextFile(path: string, onChange: () => void): () => void {
  const look = (now: { mtimeMs: number; ino: number; size: number }, before: typeof now): void => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino || now.size !== before.size) onChange();
  };
  watchFile(path, { interval: LOOK, persistent: false }, look);
  return () => unwatchFile(path, look);
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
