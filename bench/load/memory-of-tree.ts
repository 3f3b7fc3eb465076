// Memory that a proxy has resident, all of its processes together.

import { readFileSync } from 'node:fs';
import { processTree } from './process-tree.ts';

/** KB. A page that several processes share counts once in all (Pss), so that helpers do not count their program anew. */
export function memoryOfTree(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + memoryOf(each), 0);
}

function memoryOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
