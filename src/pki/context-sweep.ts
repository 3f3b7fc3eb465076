// Frees the TLS contexts that leaf-store has let go of and that no other leaf is given to. What they hold lies outside V8's
// heap, so that it sees no reason to look for dead ones: in a crawl through 30,000 hosts it let 900 MB of them pile up
// (measured). Called by leaf-store.

import { collectGarbage } from '../core/collect-garbage.ts';

/** Contexts let go of between two sweeps: some 30 MB, and work enough that the sweep is lost in it. */
export const SWEEP_EVERY = 1_000;

let gone = 0;

/** Notes that a context has been let go of; sweeps when there are enough since the last time. */
export function sweepAfterContext(): void {
  gone += 1;
  if (gone < SWEEP_EVERY) return;
  gone = 0;
  collectGarbage({ type: 'major', execution: 'async' });
}
