// At a fixed rate: an operation begins when it is due, and its latency counts from then, also when it had to wait for a
// free connection. So a proxy that stands still for a second is charged for all who came in that second, which a closed
// loop would never have sent (coordinated omission). One that sleeps counts from when it wakes.

import type { Pace } from './job.ts';
import type { Record } from './record.ts';
import type { Worker } from './worker.ts';

/** Operations under way at most, so that a proxy that cannot follow does not drown the client. */
const MAX_UNDER_WAY = 2000;
/**
 * Milliseconds before an operation is due from which on the loop turns instead of sleeping, unless it is to sleep: timers
 * are late by as much.
 */
const TURN = 2;

/** `workers` are free at the start; `more`, where there may be more of them, makes one. */
export async function openLoop(
  workers: readonly Worker[],
  pace: Pace & { readonly rate: number },
  record: Record,
  more: (() => Worker) | undefined,
): Promise<void> {
  const count = Math.min(pace.maxOperations, Math.floor((pace.milliseconds * pace.rate) / 1000));
  const free = [...workers];
  const waiting: number[] = [];
  const start = performance.now();
  let begun = 0;
  let ended = 0;
  return new Promise((resolve) => {
    const begin = (worker: Worker, due: number): void => {
      void record.take(worker.operate(), due).then(() => {
        ended += 1;
        const next = waiting.shift();
        if (next !== undefined && !record.hopeless) return begin(worker, next);
        free.push(worker);
        if (ended === begun && (begun === count || record.hopeless)) resolve();
      });
    };
    const tick = (): void => {
      const now = performance.now();
      while (begun < count && !record.hopeless) {
        const due = start + (begun * 1000) / pace.rate;
        if (due > now) break;
        begun += 1;
        const worker = free.pop() ?? (begun - ended < MAX_UNDER_WAY ? more?.() : undefined);
        if (worker) begin(worker, pace.sleeps ? now : due);
        else waiting.push(pace.sleeps ? now : due);
      }
      if (begun === count || record.hopeless) return;
      const left = start + (begun * 1000) / pace.rate - performance.now();
      if (pace.sleeps || left > TURN) setTimeout(tick, pace.sleeps ? left : left - TURN);
      else setImmediate(tick);
    };
    tick();
  });
}
