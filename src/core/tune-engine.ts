// Sets V8 to a server that does few things very often: by itself it is set to pages, which do many things a few times.
// Called by src/main.ts before anything else is loaded. The measurements are in bench/README.md.

import { setFlagsFromString } from 'node:v8';

/**
 * What is made for a connection is made young. By itself V8 takes connections that were open at its first rounds for a sign
 * that what is made at such a place lives long, and makes the next ones old: none of them, nor what they hold, is then
 * collected before the whole heap is (7 KB for each spliced connection, and rounds of 30 ms where 2 are enough).
 *
 * Code is optimized after so many calls instead of 3,000 and 400, and so many after types were last new to it instead of
 * 500: what runs once for a connection takes long to get there, and each connection until then pays for slow code.
 */
const FLAGS = [
  '--no-allocation-site-pretenuring',
  '--invocation-count-for-turbofan=600',
  '--invocation-count-for-maglev=100',
  '--minimum-invocations-after-ic-update=100',
] as const;

/** A flag that this V8 does not know changes nothing; V8 says so on stderr. */
export function tuneEngine(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
