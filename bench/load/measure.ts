// The measurements of one workload against one proxy that is running.

import { setTimeout as wait } from 'node:timers/promises';
import type { Plan, Tally } from './client/job.ts';
import type { ClientProcess } from './client-process.ts';
import { cpuOfTree } from './cpu-of-tree.ts';
import { memoryOfTree } from './memory-of-tree.ts';
import type { Effort } from './options.ts';
import type { Sample, SweepPoint } from './report/results.ts';
import type { Unit } from './workloads.ts';

/** Operations that one run makes at most, whatever the speed. */
export const MAX_OPERATIONS = 60_000;
/** Milliseconds in which a proxy closes, logs and collects what a run left. */
export const SETTLE = 200;
const IDLE_SETTLE = 1500;
/** Connections opened and closed before idle ones are counted, so that what the first ones load is not counted in. */
const IDLE_WARM = 50;
/** A rate is only asked of a proxy that can do this many times as much. */
const ROOM = 1.1;

/** Runs the workload for a while, so that compilers and caches have seen it. */
export async function warm(
  client: ClientProcess,
  plan: Plan,
  effort: Pick<Effort, 'warm' | 'warmOperations'>,
): Promise<void> {
  // Of downloads a few are enough.
  const maxOperations = plan.operation === 'download' ? 20 : effort.warmOperations;
  await client.prepare(plan);
  await client.run({ milliseconds: effort.warm, maxOperations });
  await client.finish();
}

/** CPU, throughput and memory as fast as it goes, then latency at the fixed rate, if there is one. */
export async function measureLoad(
  client: ClientProcess,
  pid: number,
  plan: Plan,
  {
    unit,
    rate,
    effort,
  }: { readonly unit: Unit; readonly rate: number | undefined; readonly effort: Pick<Effort, 'closed' | 'open'> },
): Promise<Sample> {
  await client.prepare(plan);
  const before = cpuOfTree(pid);
  const tally = await client.run({ milliseconds: effort.closed, maxOperations: MAX_OPERATIONS });
  await wait(SETTLE);
  const cpu = cpuOfTree(pid) - before;
  const memory = memoryOfTree(pid);
  const throughput = tally.operations / (tally.milliseconds / 1000);
  const notes = notesOn(tally, plan);
  let latencies: Tally['latencies'] = new Float64Array();
  if (rate !== undefined) {
    if (throughput > rate * ROOM) {
      const open = await client.run({ milliseconds: effort.open, maxOperations: MAX_OPERATIONS, rate });
      latencies = open.latencies;
      notes.push(...notesOn(open, plan));
    } else notes.push(`no latency: it does not carry ${rate}/s`);
  }
  await client.finish();
  const figure = figureOf(unit, tally, cpu);
  return { figure, throughput, megabytesPerSecond: tally.bytes / 1e3 / tally.milliseconds, memory, latencies, notes };
}

/** `cpu`: milliseconds. */
function figureOf(unit: Unit, { bytes, operations }: Tally, cpu: number): number {
  if (unit === 'MB/s') return bytes / 1e6 / (cpu / 1000);
  return unit === 'requests/s' ? operations / (cpu / 1000) : cpu / operations;
}

/** KB for each connection that is held open after one GET. */
export async function measureIdle(client: ClientProcess, pid: number, plan: Plan): Promise<Sample> {
  await client.prepare({ ...plan, connections: IDLE_WARM });
  await client.finish();
  await wait(IDLE_SETTLE);
  const before = memoryOfTree(pid);
  await client.prepare(plan);
  await wait(IDLE_SETTLE);
  const memory = memoryOfTree(pid);
  await client.finish();
  const figure = (memory - before) / plan.connections;
  return { figure, throughput: 0, megabytesPerSecond: 0, memory, latencies: new Float64Array(), notes: [] };
}

export async function measureSweep(
  client: ClientProcess,
  planFor: (connections: number) => Plan,
  effort: Effort,
): Promise<SweepPoint[]> {
  const points: SweepPoint[] = [];
  for (const connections of effort.sweep) {
    await client.prepare(planFor(connections));
    const tally = await client.run({ milliseconds: effort.sweepTime, maxOperations: MAX_OPERATIONS });
    await client.finish();
    points.push({ connections, throughput: tally.operations / (tally.milliseconds / 1000) });
  }
  return points;
}

/** What is peculiar about it. */
export function notesOn(tally: Tally, plan: Plan): string[] {
  const notes: string[] = [];
  if (tally.errors > 0) notes.push(`${tally.errors} of ${tally.errors + tally.operations} failed: ${tally.firstError}`);
  if (plan.resumed && tally.resumed < tally.handshakes) {
    notes.push(tally.resumed === 0 ? 'never resumed' : `${tally.resumed} of ${tally.handshakes} resumed`);
  }
  if (plan.operation === 'request' && tally.handshakes > 0) notes.push('closes after replies');
  return notes;
}
