// V8 takes the settings, and they make it optimize sooner.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NODE, run } from '../support/run.ts';

const MODULE = join(import.meta.dirname, '../../src/core/tune-engine.ts');

/** A tuned engine optimizes after 150 calls, another one after 550. */
const CALLS = 350;
/** For the thread that compiles, which may have to wait for its turn: so often 20 ms, with a call each. */
const WAITS = 100;

/** Whether a small function is optimized after so many calls, in a process of its own. */
async function isOptimizedSoon(tuned: boolean): Promise<string> {
  const script = `
    const { tuneEngine } = await import(${JSON.stringify(MODULE)});
    if (${tuned}) tuneEngine();
    const small = new Function('text', 'count', 'return text.length > 3 ? text + count : count + 1;');
    // Bits of V8's OptimizationStatus: the fourth says that the function has optimized code.
    const isOptimized = new Function('f', 'return (%GetOptimizationStatus(f) & 8) !== 0');
    for (let call = 1; call <= ${CALLS}; call++) {
      small('x'.repeat(call % 50), call);
      if (call % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    for (let waited = 0; waited < ${WAITS} && !isOptimized(small); waited++) {
      small('x', waited);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    console.log(isOptimized(small));
  `;
  const { out, err } = await run(NODE, ['--allow-natives-syntax', '--input-type=module', '-e', script]);
  expect(err).toBe('');
  return out.toString().trim();
}

test('what has run a few hundred times is optimized by then, and is not by itself', async () => {
  expect([await isOptimizedSoon(true), await isOptimizedSoon(false)]).toEqual(['true', 'false']);
});
