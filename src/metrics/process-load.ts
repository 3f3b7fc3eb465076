// What a process takes of the machine: time, memory, descriptors. Called by flow/measure in whatever carries traffic, and
// by supervisor/ of itself.

import { readdirSync, statSync } from 'node:fs';
import type { Counts } from './measures.ts';

export type LoadKey = 'cpu' | 'resident' | 'heap' | 'descriptors' | 'mostDescriptors';

/** `mostDescriptors`: what the system grants it. */
export function processLoad(mostDescriptors: number): Readonly<Record<LoadKey, Counts>> {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    cpu: { user: user / 1e6, system: system / 1e6 },
    resident: { '': rss },
    heap: { '': heapUsed },
    descriptors: { '': openDescriptors() },
    mostDescriptors: { '': mostDescriptors },
  };
}

/** `folder` has an entry for each; 0 where the system does not tell. */
export function openDescriptors(folder = '/proc/self/fd'): number {
  try {
    // Linux says it as the size of the folder from 6.2 on; before, they have to be counted, the one that counts left out.
    return statSync(folder).size || readdirSync(folder).length - 1;
  } catch {
    return 0;
  }
}
