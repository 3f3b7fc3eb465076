// Tells, when asked by its parent, that this process has let go of what it no longer needs: loaded into the proxy before its
// own code by main.ts beside this file. What is resident then is held.
//
// Without it memory rises for a long time and nothing leaks. What malloc has taken from the system stays with it, and a page
// of it counts once something has been written to it: so the resident part of a share that has stopped growing creeps up
// to all of it, by 31 to 42 MB in ten minutes, with the same bytes in use.

import { dlopen } from 'node:ffi';
import { setImmediate as turn } from 'node:timers/promises';
import { collectGarbage } from '../../../src/core/collect-garbage.ts';

const { functions } = dlopen(null, { malloc_trim: { arguments: ['u64'], return: 'i32' } });

process.on('message', (message) => {
  if (message === 'settle') void settle();
});
// The channel to the parent shall not keep a proxy alive that has been told to stop.
process.channel?.unref();

async function settle(): Promise<void> {
  // What a first round finds dead frees in the turn after it what a second one then finds.
  for (let round = 0; round < 2; round += 1) {
    collectGarbage({ type: 'major' });
    await turn();
  }
  functions.malloc_trim(0n);
  process.send?.('settled');
}
