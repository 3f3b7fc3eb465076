// Tells, when asked by its parent, what this process has allocated on V8's heap so far, in bytes: loaded into the proxy
// before its own code by main.ts beside this file.

import { getHeapStatistics } from 'node:v8';

process.on('message', (message) => {
  if (message === 'allocated') process.send?.({ allocated: Reflect.get(getHeapStatistics(), 'total_allocated_bytes') });
});
// The channel to the parent shall not keep a proxy alive that has been told to stop.
process.channel?.unref();
