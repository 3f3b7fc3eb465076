// Frees the TLS contexts that leaf-store has let go of. What they hold lies outside V8's heap, so that it sees no reason
// to look for dead ones: in a crawl through 30,000 hosts it let 900 MB of them pile up (measured). Called by leaf-store.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Contexts let go of between two sweeps: some 30 MB, and work enough that the sweep is lost in it. */
export const SWEEP_EVERY = 1_000;

let gone = 0;

/** Notes that a context has been let go of; sweeps when there are enough since the last time. */
export function sweepAfterContext(): void {
  gone += 1;
  if (gone < SWEEP_EVERY) return;
  gone = 0;
  sweep({ type: 'major', execution: 'async' });
}

/** V8's collection of all objects, when nothing else runs; it is no global of the process, and none is made here. */
const sweep = ((): ((options: { type: 'major'; execution: 'async' }) => void) => {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? (options) => void found(options) : () => undefined;
})();
