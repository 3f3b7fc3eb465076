// How cost and memory grow with hosts that are asked once and never again, more of them than the leaf store holds.

import { cpuOfTree } from '../cpu-of-tree.ts';
import { memoryOfTree } from '../memory-of-tree.ts';
import { startSallyport } from '../peers/sallyport.ts';
import { planOf } from '../plan.ts';
import { linePlot, zeroBased } from '../report/plots.ts';
import { short, spreadText } from '../report/statistics.ts';
import type { Chapter } from './chapter.ts';
import { OWN, PLAIN, SECOND } from './colours.ts';
import { costInTurns, ratioText, warmAll } from './in-turns.ts';
import { BUMP, NEW_HOST, type Scene } from './scene.ts';

/** Fewer operations than this are over before the clock of the system, 10 ms, has ticked often enough. */
const FEWEST_FOR_COST = 50;

interface Point {
  readonly count: number;
  /** CPU milliseconds for each host since the point before. */
  readonly fresh: number | undefined;
  readonly known: number;
  readonly beside: number;
  readonly memory: number;
}

export async function hosts(scene: Scene): Promise<Chapter> {
  const { ground, progress, effort, client } = scene;
  const churned = await startSallyport(ground, ground.newFolder('churned'), { workers: 1 });
  const quiet = await startSallyport(ground, ground.newFolder('quiet'), { workers: 1 });
  await warmAll(scene, BUMP, [churned, quiet]);
  const plan = planOf(NEW_HOST, churned, ground, NEW_HOST.connections);
  const end = performance.now() + effort.hostsTime;
  const points: Point[] = [];
  const rows: string[][] = [];
  const notes: string[] = [];
  let asked = 0;
  for (const goal of effort.hosts) {
    // The client asks one by itself when it prepares.
    const before = cpuOfTree(churned.pid);
    await client.prepare(plan);
    const milliseconds = Math.max(0, end - performance.now());
    const tally = await client.run({ milliseconds, maxOperations: goal - asked - 1 });
    await client.finish();
    const done = tally.operations + 1;
    const fresh = done < FEWEST_FOR_COST ? undefined : (cpuOfTree(churned.pid) - before) / done;
    asked += done;
    const [known, beside] = await costInTurns(scene, BUMP, [churned, quiet]);
    if (!known || !beside) continue;
    const memory = memoryOfTree(churned.pid) / 1024;
    points.push({ count: asked, fresh, known: known.cpu.median, beside: beside.cpu.median, memory });
    rows.push([
      asked.toLocaleString('en'),
      fresh === undefined ? '–' : short(fresh),
      spreadText(known.cpu),
      spreadText(beside.cpu),
      ratioText(known, beside),
      short(memory),
    ]);
    if (tally.errors > 0) notes.push(`${asked} hosts: ${tally.errors} failed: ${tally.firstError}`);
    notes.push(...known.notes.map((note) => `${asked} hosts, then a known one: ${note}`));
    progress.step(
      'hosts',
      asked.toLocaleString('en'),
      `${fresh === undefined ? '' : `${short(fresh)} ms, `}${short(memory)} MB`,
    );
    if (asked < goal) {
      notes.push(`the time was up after ${asked} hosts`);
      break;
    }
  }
  await Promise.all([churned.stop(), quiet.stop()]);
  return {
    title: 'Distinct hosts',
    says: 'Hosts asked one after another, eight at a time, each name for the first time: DNS, dial, verify, mint. Each line counts the hosts since the line before; then a known host is asked, in turns with a proxy that has seen no other. The leaf store holds 4,096.',
    head: ['hosts so far', 'CPU ms, new host', 'CPU ms, known host', 'without churn', 'ratio', 'MB'],
    rows,
    figures: [
      {
        name: 'cost of a host',
        caption: 'CPU ms; red: new, blue: known; grey: known, by the proxy that has seen no other, in turns',
        plot: linePlot(
          [
            { label: 'without churn', colour: PLAIN, points: points.map(({ count, beside }) => [count, beside]) },
            { label: 'known', colour: SECOND, points: points.map(({ count, known }) => [count, known]) },
            {
              label: 'new',
              colour: OWN,
              points: points.flatMap(({ count, fresh }) => (fresh === undefined ? [] : [[count, fresh] as const])),
            },
          ],
          acrossOf(points),
          zeroBased(
            'CPU ms',
            points.flatMap(({ fresh, known, beside }) => [fresh ?? known, known, beside]),
          ),
        ),
      },
      {
        name: 'memory',
        caption: 'MB of the whole process tree when so many hosts have been asked',
        plot: linePlot(
          [{ label: 'memory', colour: OWN, points: points.map(({ count, memory }) => [count, memory]) }],
          acrossOf(points),
          zeroBased(
            'MB',
            points.map(({ memory }) => memory),
          ),
        ),
      },
    ],
    notes,
  };
}

function acrossOf(points: readonly Point[]) {
  return {
    title: 'distinct hosts so far',
    ticks: points.map(({ count }) => ({ at: count, label: count.toLocaleString('en') })),
  };
}
