// A file system of a megabyte in a mount namespace of its own, for what happens when a disk is full.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const UNSHARE = ['unshare', '-rm'] as const;
const MOUNT = 'mount -t tmpfs -o size=1m none "$1" && shift && exec "$@"';

/** Tests that need one skip themselves where this is false: it takes user namespaces, or root. */
export const hasMounts = ((): boolean => {
  const [program, ...flags] = UNSHARE;
  const folder = mkdtempSync(join(tmpdir(), 'mount-'));
  return spawnSync(program, [...flags, 'sh', '-c', MOUNT, 'sh', folder, 'true'], { stdio: 'ignore' }).status === 0;
})();

export interface SmallDiskWords {
  /** The mounted folder, as the program sees it; from outside it is below /proc/PID/root. */
  readonly folder: string;
  readonly program: string;
  readonly words: readonly string[];
}

/** What to start so that `words`, given the folder in which it finds the disk, runs there, in a process of the same number. */
export function smallDiskWords(words: (folder: string) => readonly string[]): SmallDiskWords {
  const folder = mkdtempSync(join(tmpdir(), 'small-disk-'));
  const [program, ...flags] = UNSHARE;
  return { folder, program, words: [...flags, 'sh', '-c', MOUNT, 'sh', folder, ...words(folder)] };
}

export function startOnSmallDisk(words: (folder: string) => readonly string[]): ChildProcess {
  const { program, words: all } = smallDiskWords(words);
  return spawn(program, all, { stdio: ['ignore', 'pipe', 'pipe'] });
}
