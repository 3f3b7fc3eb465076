// Opens one log for adding to it: a file, a named pipe, or our standard output. Called by log-file.ts.

import { constants, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';

export interface OpenedLog {
  readonly fd: number;
  /** On a disk: it takes any size in one piece, as long as it has room. */
  readonly isFile: boolean;
  /** Its last line was begun and never ended, as a machine leaves it that loses its power. */
  readonly torn: boolean;
}

/** Owner writes, the group (auditors) reads; the umask may take more away. */
const MODE = 0o640;
const STDOUT_FD = 1;
const { O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
/**
 * A pipe whose reader stands still says so, in place of keeping a thread: to end the process waits for all threads. One
 * without a reader cannot be opened for writing alone, where it would wait for one. Means nothing for a file.
 */
const FLAGS = O_APPEND | O_CREAT | O_NONBLOCK;
/** Milliseconds in which another process ends the line that it is writing. */
const MID_LINE = 50;

/** `path` is absolute, or `stdout`; `first`: this process has not written to it yet. Throws what the system says. */
export function openLog(path: string, first: boolean): OpenedLog {
  if (path === 'stdout') return { fd: openStdout(), isFile: false, torn: false };
  mkdirSync(dirname(path), { recursive: true });
  const { fd, readable } = openFile(path);
  const isFile = fstatSync(fd).isFile();
  // Later on, an unfinished line is one that another worker is writing.
  return { fd, isFile, torn: first && readable && isFile && isTorn(fd) };
}

function openFile(path: string): { readonly fd: number; readonly readable: boolean } {
  try {
    return { fd: openSync(path, O_RDWR | FLAGS, MODE), readable: true };
  } catch (error) {
    // What may be added to and not be read.
    if (isRefused(error)) return { fd: openSync(path, O_WRONLY | FLAGS, MODE), readable: false };
    throw error;
  }
}

/** A pipe is opened anew, since how it waits is a matter of all who share it. */
function openStdout(): number {
  try {
    if (fstatSync(STDOUT_FD).isFIFO()) return openSync(`/proc/self/fd/${STDOUT_FD}`, O_WRONLY | O_NONBLOCK);
  } catch {
    // Another user's, or a system without such names: then as it is.
  }
  return STDOUT_FD;
}

function isTorn(fd: number): boolean {
  const size = unfinishedSize(fd);
  if (size === undefined) return false;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MID_LINE);
  return unfinishedSize(fd) === size;
}

/** Of a file whose last line has no end. */
function unfinishedSize(fd: number): number | undefined {
  const { size } = fstatSync(fd);
  if (size === 0) return undefined;
  const last = Buffer.alloc(1);
  return readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a ? size : undefined;
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}
