// Lets processes have only a share of a core, as if the core were slower: by the CPU controller of Linux' control groups.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** Microseconds after which the share is given anew; short, so that no queue grows while there is none left. */
const PERIOD = 10_000;

interface Kind {
  readonly folder: string;
  /** File and text for a quota of so many microseconds. */
  quota(microseconds: number): readonly (readonly [file: string, text: string])[];
}

const KINDS: readonly Kind[] = [
  {
    folder: join(ROOT, 'cpu'),
    quota: (microseconds) => [
      ['cpu.cfs_period_us', String(PERIOD)],
      ['cpu.cfs_quota_us', String(microseconds)],
    ],
  },
  { folder: ROOT, quota: (microseconds) => [['cpu.max', `${microseconds} ${PERIOD}`]] },
];

/** Groups made by this process that still exist. */
const made = new Set<string>();
process.once('exit', () => {
  for (const group of made) remove(group);
});

/** Why it cannot be done on this machine. */
export function missingShares(): string | undefined {
  try {
    limitToShare(1, []).lift();
    return undefined;
  } catch {
    return 'the CPU controller of control groups cannot be used here (it needs root)';
  }
}

/** Each process as a whole gets this share of one core, from now on; `lift` once they have ended or may have all again. */
export function limitToShare(share: number, pids: readonly number[]): { lift(): void } {
  const kind = KINDS.find(({ folder }) => existsSync(join(folder, 'cgroup.procs')));
  if (!kind) throw new Error('there are no control groups');
  const groups: string[] = [];
  const lift = (): void => groups.forEach(remove);
  try {
    // Without any, one is made to see whether it can be.
    for (const pid of pids.length === 0 ? [undefined] : pids) {
      const group = join(kind.folder, `bench-${process.pid}-${made.size}`);
      mkdirSync(group);
      made.add(group);
      groups.push(group);
      for (const [file, text] of kind.quota(Math.round(share * PERIOD))) writeFileSync(join(group, file), text);
      if (pid !== undefined) writeFileSync(join(group, 'cgroup.procs'), String(pid));
    }
  } catch (error) {
    lift();
    throw error;
  }
  return { lift };
}

/** A group can only go when it is empty. */
function remove(group: string): void {
  try {
    const home = join(group, '..', 'cgroup.procs');
    for (const pid of readFileSync(join(group, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean)) {
      writeFileSync(home, pid);
    }
    rmdirSync(group);
    made.delete(group);
  } catch {
    // A process that ends at this moment is in the way: the exit of the bench tries once more.
  }
}
