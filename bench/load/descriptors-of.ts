// How many files a process may have open.

import { readFileSync } from 'node:fs';

/** The hard limit, to which Node.js raises itself at its start. `pid`: or `self`. */
export function descriptorsOf(pid: number | 'self'): number {
  const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}
