// How cost grows with spliced tunnels that are open and say nothing.

import { setTimeout as wait } from 'node:timers/promises';
import { ClientProcess } from '../client-process.ts';
import { descriptorsOf } from '../descriptors-of.ts';
import { memoryOfTree } from '../memory-of-tree.ts';
import { startSallyport } from '../peers/sallyport.ts';
import { planOf } from '../plan.ts';
import { linePlot, zeroBased } from '../report/plots.ts';
import { short, spreadText } from '../report/statistics.ts';
import type { Chapter } from './chapter.ts';
import { OWN, PLAIN } from './colours.ts';
import { costInTurns, ratioText, warmAll } from './in-turns.ts';
import { BUMP, type Scene, SPLICE } from './scene.ts';

/** Milliseconds in which what the handshakes left is collected. */
const SETTLE = 2500;
/** Fewer take less memory than a measurement in between leaves behind. */
const FEWEST_FOR_MEMORY = 500;
/** Descriptors that a process needs for each tunnel, and those beside them: see the division that the proxy makes. */
const PER_TUNNEL = 2;
const BESIDE = 3000;

export async function tunnels(scene: Scene): Promise<Chapter> {
  const { ground, progress, effort } = scene;
  const most = Math.max(...effort.tunnels);
  const workers = descriptorsOf('self') < most * PER_TUNNEL + BESIDE ? 2 : 1;
  const loaded = await startSallyport(ground, ground.newFolder('tunnels'), { workers });
  const empty = await startSallyport(ground, ground.newFolder('no-tunnels'), { workers });
  await warmAll(scene, SPLICE, [loaded]);
  await warmAll(scene, BUMP, [loaded, empty]);
  const holders: { readonly client: ClientProcess; readonly count: number }[] = [];
  const points: { readonly count: number; readonly own: number; readonly beside: number }[] = [];
  const rows: string[][] = [];
  const notes: string[] = [];
  let held = 0;
  for (const count of effort.tunnels) {
    const more = count - held;
    const client = new ClientProcess(ground.processes);
    const before = memoryOfTree(loaded.pid);
    const plan = planOf(SPLICE, loaded, ground, more);
    await client.prepare({ ...plan, operation: 'request', resumed: true });
    await wait(SETTLE);
    const each = (memoryOfTree(loaded.pid) - before) / more;
    holders.push({ client, count: more });
    held = count;
    const [own, beside] = await costInTurns(scene, BUMP, [loaded, empty]);
    if (!own || !beside) continue;
    points.push({ count, own: own.cpu.median, beside: beside.cpu.median });
    rows.push([
      count.toLocaleString('en'),
      spreadText(own.cpu),
      spreadText(beside.cpu),
      ratioText(own, beside),
      more < FEWEST_FOR_MEMORY ? '–' : short(each),
    ]);
    notes.push(...own.notes.map((note) => `${count} tunnels: ${note}`));
    progress.step(
      'tunnels',
      count.toLocaleString('en'),
      `${short(own.cpu.median)} ms, empty ${short(beside.cpu.median)}`,
    );
  }
  notes.push(await stillOpen(holders));
  for (const { client } of holders) await client.finish();
  await Promise.all([loaded.stop(), empty.stop()]);
  return {
    title: 'Open tunnels',
    says: `Spliced tunnels, each with one GET behind it and then silent, from 200 addresses; beside them a CONNECT with bump, full handshake and one GET. The other proxy has no tunnels and is measured in turns. Both have workers: ${workers}. Memory is what the proxy grew by for each of the tunnels that this line added.`,
    head: ['tunnels', 'CPU ms, bump', 'without tunnels', 'ratio', 'KB for each tunnel'],
    rows,
    figures: [
      {
        name: 'a bump beside open tunnels',
        caption: 'CPU ms for CONNECT, full handshake and one GET; grey: the proxy without tunnels, in turns',
        plot: linePlot(
          [
            { label: 'without tunnels', colour: PLAIN, points: points.map(({ count, beside }) => [count, beside]) },
            { label: 'with tunnels', colour: OWN, points: points.map(({ count, own }) => [count, own]) },
          ],
          {
            title: 'open tunnels',
            ticks: points.map(({ count }) => ({ at: count, label: count.toLocaleString('en') })),
          },
          zeroBased(
            'CPU ms',
            points.flatMap(({ own, beside }) => [own, beside]),
          ),
        ),
      },
    ],
    notes,
  };
}

/** One more GET through each tunnel, none of which may have to be opened anew. */
async function stillOpen(
  holders: readonly { readonly client: ClientProcess; readonly count: number }[],
): Promise<string> {
  let answered = 0;
  let reopened = 0;
  let failed = 0;
  for (const { client, count } of holders) {
    const tally = await client.run({ milliseconds: 20_000, maxOperations: count });
    answered += tally.operations;
    reopened += tally.handshakes;
    failed += tally.errors;
  }
  return `at the end ${answered.toLocaleString('en')} tunnels answered one more GET; ${reopened} had been closed, ${failed} failed`;
}
