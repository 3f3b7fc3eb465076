// V8's collector, for the rooms that hold memory outside its heap, of which it knows too little to come in time. It is no
// global of the process, and none is made here.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Collection {
  /** Young objects take about a millisecond; all of them, tens. */
  readonly type: 'minor' | 'major';
  /** `async`: when nothing else runs. */
  readonly execution?: 'async';
}

/** Does nothing where the runtime does not let it be called. */
export const collectGarbage = ((): ((collection: Collection) => void) => {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? (collection) => void found(collection) : () => undefined;
})();
