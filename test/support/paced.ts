// Requests that are begun by the clock, whatever has become of those before (an open loop): a proxy that is slow is not asked
// more slowly for it.

import { setTimeout as wait } from 'node:timers/promises';

/**
 * Begins `rate` of them a second until it is over; resolves with the moments of their begins. What one comes late by, the
 * next has not to wait for.
 */
export async function paced(rate: number, isOver: () => boolean, begin: (at: number) => void): Promise<number[]> {
  const first = performance.now();
  const begun: number[] = [];
  while (!isOver()) {
    // Those that are due by now, then the others have their turn.
    const due = ((performance.now() - first) * rate) / 1_000;
    while (begun.length <= due) {
      begun.push(performance.now());
      begin(begun.length - 1);
    }
    await wait(Math.max(0, first + (begun.length * 1_000) / rate - performance.now()));
  }
  return begun;
}

/** How many of these moments in a second there were, between two others. */
export function rateOf(moments: readonly number[], from: number, to: number): number {
  return (moments.filter((moment) => moment >= from && moment < to).length * 1_000) / (to - from);
}
