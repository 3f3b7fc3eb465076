// Waits for the connections of a proxy that stops to end by themselves. Called by proxy.ts.

import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds between two looks whether all connections have ended. */
const LOOK = 20;

/** Until no socket is left, or until `end` by the monotonic clock, which may be moved meanwhile. */
export async function drained(sockets: ReadonlySet<Socket>, end: () => number, hasten: () => void): Promise<void> {
  for (hasten(); sockets.size > 0 && performance.now() < end(); hasten()) await wait(LOOK);
}
