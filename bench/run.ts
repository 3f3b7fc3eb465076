// `npm run bench`: every micro bench, one process after another so that none warms another's caches. Words filter by path.
// `npm run bench -- load`, and any option: the load bench instead.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runLoadBench } from './load/main.ts';

const words = process.argv.slice(2);

if (words[0] === 'load' || words.some((word) => word.startsWith('--'))) {
  try {
    await runLoadBench(words);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
} else {
  runMicroBenches();
}

function runMicroBenches(): void {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.bench.ts'))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
  for (const file of files) {
    process.stdout.write(`\n=== ${file}\n`);
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file)], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
}
