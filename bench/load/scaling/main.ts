// `scaling`: how the cost of Sallyport grows with tunnels, rules, hosts and workers. Called by bench/run.ts.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ClientProcess } from '../client-process.ts';
import { onGround } from '../ground.ts';
import { sallyport } from '../peers/sallyport.ts';
import { Progress } from '../progress.ts';
import { describeMachine, measureYardstick } from '../report/machine.ts';
import type { Chapter } from './chapter.ts';
import { hosts } from './hosts.ts';
import { scalingHtml, scalingMarkdown } from './report.ts';
import { rules } from './rules.ts';
import { FULL, QUICK, type ScalingEffort, type Scene } from './scene.ts';
import { tunnels } from './tunnels.ts';
import { stepsOfWorkers, workers } from './workers.ts';

const RESULTS = join(import.meta.dirname, '../../results');

const PARTS: Readonly<Record<string, (scene: Scene) => Promise<Chapter>>> = { tunnels, rules, hosts, workers };

/** The words are names of parts; none: all of them. */
export async function runScaling(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  });
  const unknown = positionals.find((word) => !(word in PARTS));
  if (unknown !== undefined)
    throw new Error(`no part is called ${unknown}; there are ${Object.keys(PARTS).join(', ')}`);
  const parts = Object.entries(PARTS).filter(([name]) => positionals.length === 0 || positionals.includes(name));
  const effort = values.quick ? QUICK : FULL;
  const name = values.quick || positionals.length > 0 ? 'scaling-part' : 'scaling';
  await onGround(async (ground) => {
    const machine = describeMachine();
    const client = new ClientProcess(ground.processes);
    const progress = new Progress(parts.reduce((sum, [part]) => sum + stepsOf(part, effort), 0));
    const chapters: Chapter[] = [];
    mkdirSync(RESULTS, { recursive: true });
    for (const [, measure] of parts) {
      chapters.push(await measure({ ground, client, progress, effort }));
      // After each part, so that a run that is ended early leaves what it has.
      const circumstances = [
        ...machine,
        ['yardstick after', measureYardstick()] as const,
        ['sallyport', sallyport.version()] as const,
      ];
      writeFileSync(join(RESULTS, `${name}.md`), scalingMarkdown(circumstances, chapters));
      writeFileSync(join(RESULTS, `${name}.html`), scalingHtml(circumstances, chapters));
    }
    progress.end();
    process.stdout.write(`Written to bench/results/${name}.md and .html\n`);
  });
}

function stepsOf(part: string, { tunnels: counts, hosts: numbers, repeats }: ScalingEffort): number {
  const steps: Readonly<Record<string, number>> = {
    tunnels: counts.length,
    rules: 2,
    hosts: numbers.length,
    workers: stepsOfWorkers(repeats),
  };
  return steps[part] ?? 0;
}
