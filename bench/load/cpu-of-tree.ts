// CPU time that a proxy has used, all of its processes together.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { processTree } from './process-tree.ts';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Milliseconds, user and system, of the process, its descendants, and those of them that have ended and were waited for. */
export function cpuOfTree(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + cpuOf(each), 0);
}

function cpuOf(pid: number): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return 0;
  }
  // proc_pid_stat(5): the name of the program, which may hold anything, ends at the last parenthesis; behind it the
  // fields begin with the third. 14 to 17 are utime, stime, cutime and cstime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return (ticks * 1000) / TICKS_PER_SECOND;
}
