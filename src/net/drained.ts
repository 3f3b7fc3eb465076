// Waits for the connections of a proxy that stops to end by themselves. Called by proxy.ts.

import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds between two looks whether all connections have ended. */
const LOOK = 20;

/** Until nothing is left, or until `end` by the monotonic clock, which may be moved meanwhile. */
export async function drained(isEmpty: () => boolean, end: () => number, hasten: () => void): Promise<void> {
  for (hasten(); !isEmpty() && performance.now() < end(); hasten()) await wait(LOOK);
}
