// Requests that are begun by the clock, whatever has become of those before (an open loop): a proxy that is slow is not asked
// more slowly for it.

import { setTimeout as wait } from 'node:timers/promises';

/** At once; a machine that stands still for a second must not make one client take more than its share of the proxy. */
const MOST = 150;

/**
 * Begins `rate` of them a second until it is over; resolves with the moments of their begins when the last has ended. What one
 * comes late by, the next has not to wait for, unless too many are under way. `ask` never rejects.
 */
export async function paced(
  rate: number,
  isOver: () => boolean,
  ask: (at: number) => Promise<void>,
): Promise<number[]> {
  const first = performance.now();
  const begun: number[] = [];
  const running = new Set<Promise<void>>();
  while (!isOver()) {
    // Those that are due by now, then the others have their turn.
    const due = ((performance.now() - first) * rate) / 1_000;
    while (begun.length <= due && running.size < MOST) {
      begun.push(performance.now());
      const one = ask(begun.length - 1).finally(() => running.delete(one));
      running.add(one);
    }
    if (running.size >= MOST) await Promise.race(running);
    await wait(Math.max(0, first + (begun.length * 1_000) / rate - performance.now()));
  }
  await Promise.all(running);
  return begun;
}

/** How many of these moments in a second there were, between two others. */
export function rateOf(moments: readonly number[], from: number, to: number): number {
  return (moments.filter((moment) => moment >= from && moment < to).length * 1_000) / (to - from);
}
