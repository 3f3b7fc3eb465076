// Sets V8 to a server that does few things very often: by itself it is set to pages, which do many things a few times.
// Called by src/main.ts before anything else is loaded. The measurements are in bench/README.md.

import { setFlagsFromString } from 'node:v8';

/**
 * A connection is made young. V8 makes a function literal that is assigned to a property old at once, as every writable
 * stream of Node's has one, and what it holds is then collected only with the whole heap: 7 KB of each spliced connection,
 * and rounds of 30 ms where 2 are enough. Optimized code does so only where V8 pretenures.
 *
 * A quiet minute is no reason to forget: after eight seconds with little to do V8 collects all it can, optimized code among
 * it, and the next 700 connections took 1.7 times the CPU. Ten minutes, in milliseconds; for so long after a rush a proxy
 * keeps what memory of V8's it took.
 *
 * Code is optimized after so many calls instead of 3,000 and 400, and so many after types were last new to it instead of
 * 500: what runs once for a connection takes long to get there, and each connection until then pays for slow code.
 */
const FLAGS = [
  '--no-allocation-site-pretenuring',
  '--memory-reducer-delay-ms=600000',
  '--invocation-count-for-turbofan=600',
  '--invocation-count-for-maglev=100',
  '--minimum-invocations-after-ic-update=100',
] as const;

/** A flag that this V8 does not know changes nothing; V8 says so on stderr. */
export function tuneEngine(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
