// Programs that ask the system for addresses get a /etc/resolv.conf of their own, in a mount namespace.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ground } from '../ground.ts';

/** root may make a mount namespace by itself; others within a user namespace, where the system lets them. */
const UNSHARE = process.getuid?.() === 0 ? ['-m'] : ['-rm'];

/** Why it cannot be done on this machine. */
export function missingOwnNames({ nameServer }: Ground): string | undefined {
  if (nameServer.port !== 53) return 'it asks the name servers of the system, on port 53, which the bench may not bind';
  const { status } = spawnSync('unshare', [...UNSHARE, 'mount', '--bind', '/etc/hostname', '/etc/resolv.conf']);
  return status === 0 ? undefined : 'it asks the name servers of the system, and the bench may not mount others';
}

/** The command that runs `command` so. It keeps its pid, since each program replaces the one before. */
export function withOwnNames({ nameServer }: Ground, folder: string, command: readonly string[]): string[] {
  const file = join(folder, 'resolv.conf');
  writeFileSync(file, `nameserver ${nameServer.address}\n`);
  return [...UNSHARE, 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', file, ...command];
}
