// As fast as it goes: every worker begins its next operation when the one before has ended.

import type { Pace } from './job.ts';
import type { Record } from './record.ts';
import type { Worker } from './worker.ts';

export async function closedLoop(workers: readonly Worker[], pace: Pace, record: Record): Promise<void> {
  const end = performance.now() + pace.milliseconds;
  let begun = 0;
  const work = async (worker: Worker): Promise<void> => {
    while (begun < pace.maxOperations && !record.hopeless) {
      const now = performance.now();
      if (now >= end) return;
      begun += 1;
      await record.take(worker.operate(), now);
    }
  };
  await Promise.all(workers.map(work));
}
