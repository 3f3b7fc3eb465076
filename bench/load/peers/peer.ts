// What the bench knows of a proxy: what it can carry, how to start it, where to knock.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Ground } from '../ground.ts';
import type { Workload } from '../workloads.ts';

export interface RunningPeer {
  readonly pid: number;
  /** PEM file of the CA that clients of a bump must trust. */
  readonly ca: string;
  /** It has no CONNECT: clients open TLS to its port itself. */
  readonly reverse: boolean;
  portFor(workload: Workload): number;
  stop(): Promise<void>;
}

export interface Peer {
  readonly name: string;
  carries(workload: Workload): boolean;
  /** Said below the table. */
  readonly note?: string;
  /** Why it cannot take part on this machine. */
  missing(ground: Ground): string | undefined;
  version(): string;
  start(ground: Ground, folder: string): Promise<RunningPeer>;
}

export function missingProgram(path: string, debianPackage: string): string | undefined {
  return existsSync(path) ? undefined : `not installed (Debian: ${debianPackage})`;
}

/** The first match of `pattern` in what the program says. */
export function saidVersion(path: string, args: readonly string[], pattern: RegExp): string {
  const { stdout, stderr } = spawnSync(path, args, { encoding: 'utf8' });
  return pattern.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
}
