// `npm run bench`: the load bench; `-- scaling` and `-- soak`: its two long runs; `-- micro`: every micro bench, one
// process after another so that none warms another's caches; any other word: the micro benches whose path holds it.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runLoadBench } from './load/main.ts';
import { runScaling } from './load/scaling/main.ts';
import { runSoak } from './load/soak/main.ts';

const words = process.argv.slice(2);

const run = runOf(words);

if (run) {
  try {
    await run(words);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
} else {
  runMicroBenches();
}

function runOf([first, ...others]: readonly string[]): ((words: readonly string[]) => Promise<void>) | undefined {
  if (first === 'scaling') return () => runScaling(others);
  if (first === 'soak') return () => runSoak(others);
  const isLoad = first === undefined || first === 'load' || words.some((word) => word.startsWith('--'));
  return isLoad ? runLoadBench : undefined;
}

function runMicroBenches(): void {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.bench.ts'))
    .filter((file) => words.some((word) => word === 'micro' || file.includes(word)))
    .sort();
  for (const file of files) {
    process.stdout.write(`\n=== ${file}\n`);
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file)], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
}
