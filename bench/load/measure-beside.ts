// How long small replies take beside a bulk one on the same connection, against how long they take without. Called by suite.ts.

import { setTimeout as wait } from 'node:timers/promises';
import type { Plan, Tally } from './client/job.ts';
import type { ClientProcess } from './client-process.ts';
import { MAX_OPERATIONS, notesOn, SETTLE } from './measure.ts';
import { memoryOfTree } from './memory-of-tree.ts';
import type { Effort } from './options.ts';
import { BULK } from './plan.ts';
import type { Sample } from './report/results.ts';
import { percentile, short, spreadOfValues, spreadText } from './report/statistics.ts';

/** How often quiet and bulk take turns, so that what happens to the machine happens to both. */
const TURNS = 15;

/** Milliseconds of each half of a turn at least: of fewer operations, p99 would be the worst. */
const LEAST = 1_000;

interface Turn {
  readonly quiet: Tally;
  readonly beside: Tally;
}

/**
 * Latency at the fixed rate, in turns while nothing else happens and while a bulk comes. The figure is how many times p99
 * has grown within a turn, the median of the turns: of all together, p99 is one bad second of the machine, which falls to
 * either side. Latencies are those beside the bulk.
 */
export async function measureBeside(
  client: ClientProcess,
  pid: number,
  plan: Plan,
  { rate, effort }: { readonly rate: number; readonly effort: Pick<Effort, 'open'> },
): Promise<Sample> {
  await client.prepare(plan);
  const pace = { milliseconds: Math.max(effort.open / 2, LEAST), maxOperations: MAX_OPERATIONS, rate, sleeps: true };
  const turns: Turn[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    turns.push({ quiet: await client.run(pace), beside: await client.run({ ...pace, beside: BULK }) });
    await wait(SETTLE);
  }
  const memory = memoryOfTree(pid);
  await client.finish();
  const sum = (of: (tally: Tally) => number): number => turns.reduce((total, { beside }) => total + of(beside), 0);
  const milliseconds = sum((tally) => tally.milliseconds);
  const megabytesPerSecond = sum((tally) => tally.bytesBeside) / 1e3 / milliseconds;
  if (megabytesPerSecond === 0) throw new Error('nothing came beside');
  const grown = spreadOfValues(turns.map(({ quiet, beside }) => p99Of(beside) / p99Of(quiet)));
  const [p99, quietP99] = (['beside', 'quiet'] as const).map((side) =>
    spreadText(spreadOfValues(turns.map((turn) => p99Of(turn[side])))),
  );
  return {
    figure: grown.median,
    throughput: sum((tally) => tally.operations) / (milliseconds / 1000),
    megabytesPerSecond,
    memory,
    latencies: Float64Array.from(turns.flatMap(({ beside }) => [...beside.latencies])).sort(),
    notes: [
      ...turns.flatMap(({ quiet, beside }) => [...notesOn(quiet, plan), ...notesOn(beside, plan)]),
      `${spreadText(grown)} times; p99 ${p99} ms beside ${short(megabytesPerSecond)} MB/s, ${quietP99} ms without`,
    ],
  };
}

function p99Of({ latencies }: Tally): number {
  if (latencies.length === 0) throw new Error('no operation has ended');
  return percentile(latencies.toSorted(), 0.99);
}
