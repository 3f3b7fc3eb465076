// The load bench: Sallyport and its peers under the same load, each part in a process of its own. Called by bench/run.ts.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClientProcess } from './client-process.ts';
import { type Ground, onGround } from './ground.ts';
import { type Options, readOptions } from './options.ts';
import { profile } from './profile.ts';
import { Progress } from './progress.ts';
import { htmlReport } from './report/html.ts';
import { describeMachine, measureYardstick } from './report/machine.ts';
import { markdownReport } from './report/markdown.ts';
import type { RunResult } from './report/results.ts';
import { runSuite, stepsOf } from './suite.ts';

const RESULTS = join(import.meta.dirname, '../results');

export async function runLoadBench(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  await onGround(async (ground) => {
    const client = new ClientProcess(ground.processes);
    mkdirSync(RESULTS, { recursive: true });
    if (options.profile) for (const workload of options.workloads) await profile(workload, ground, client, RESULTS);
    else await compare(options, ground, client);
  });
}

async function compare(asked: Options, ground: Ground, client: ClientProcess): Promise<void> {
  const missing = asked.peers.flatMap((peer) => {
    const why = peer.missing(ground);
    return why === undefined ? [] : [{ peer, why }];
  });
  const options = { ...asked, peers: asked.peers.filter((peer) => !missing.some((each) => each.peer === peer)) };
  const machine = describeMachine();
  const progress = new Progress(stepsOf(options));
  for (const { peer, why } of missing) progress.say(`${peer.name} is left out: ${why}`);
  const { results, notes } = await runSuite(options, ground, client, progress);
  progress.end();
  const run: RunResult = {
    title: options.label === 'quick' ? 'Load bench, quick' : 'Load bench',
    circumstances: [
      ...machine,
      ['yardstick after', measureYardstick()],
      ...options.peers.map((peer) => [peer.name, peer.version()] as const),
    ],
    results,
    notes: [
      ...options.peers.flatMap(({ name, note }) => (note === undefined ? [] : [`${name}: ${note}`])),
      ...missing.map(({ peer, why }) => `${peer.name} is left out: ${why}`),
      ...notes,
    ],
  };
  const markdown = markdownReport(run);
  writeFileSync(join(RESULTS, `${options.label}.md`), markdown);
  writeFileSync(join(RESULTS, `${options.label}.html`), htmlReport(run));
  process.stdout.write(`${markdown}\nWritten to bench/results/${options.label}.md and .html\n`);
}
