// Walks through the workloads and measures every proxy that can carry one, in turns. The proxies run on from one workload
// to the next, as in service, and are warm; but memory of idle connections is measured on fresh ones.

import type { ClientProcess } from './client-process.ts';
import type { Ground } from './ground.ts';
import { measureIdle, measureLoad, measureSweep, warm } from './measure.ts';
import { measureBeside } from './measure-beside.ts';
import type { Options } from './options.ts';
import type { Peer, RunningPeer } from './peers/peer.ts';
import { planOf } from './plan.ts';
import type { Progress } from './progress.ts';
import { UNITS } from './report/markdown.ts';
import type { Cell, WorkloadResult } from './report/results.ts';
import { short } from './report/statistics.ts';
import type { Workload } from './workloads.ts';

/** A proxy within one workload. */
interface Entrant {
  readonly peer: Peer;
  readonly cell: Cell;
  running: RunningPeer | undefined;
}

/** The proxies that run. */
type House = Map<Peer, RunningPeer>;

export async function runSuite(
  options: Options,
  ground: Ground,
  client: ClientProcess,
  progress: Progress,
): Promise<{ results: WorkloadResult[]; notes: string[] }> {
  const results: WorkloadResult[] = [];
  const notes: string[] = [];
  const house: House = new Map();
  const scene: Scene = { options, ground, client, progress };
  const end = performance.now() + options.effort.limit;
  for (const workload of options.workloads) {
    if (performance.now() > end) {
      notes.push(`${workload.name}: left out, the time was up`);
      continue;
    }
    const entrants = options.peers.filter((peer) => peer.carries(workload)).map(enter);
    if (workload.unit === 'KB') await runIdle(workload, entrants, scene);
    else await runLoad(workload, entrants, scene, house);
    results.push({ workload, cells: entrants.map(({ cell }) => cell) });
  }
  return { results, notes };
}

/** How many measurements `runSuite` will make. */
export function stepsOf({ workloads, peers, effort }: Options): number {
  return workloads.reduce((sum, workload) => {
    const able = peers.filter((peer) => peer.carries(workload)).length;
    return sum + able * (effort.repeats + (workload.sweep && effort.sweep.length > 0 ? 1 : 0));
  }, 0);
}

interface Scene {
  readonly options: Options;
  readonly ground: Ground;
  readonly client: ClientProcess;
  readonly progress: Progress;
}

function enter(peer: Peer): Entrant {
  return { peer, cell: { peer: peer.name, samples: [], sweep: [], failure: undefined }, running: undefined };
}

async function runLoad(workload: Workload, entrants: readonly Entrant[], scene: Scene, house: House): Promise<void> {
  const { client, ground, options, progress } = scene;
  const { effort } = options;
  const planFor = (running: RunningPeer, connections = workload.connections) =>
    planOf(workload, running, ground, connections);
  await startAll(entrants, ground, house);
  for (const entrant of entrants) {
    await attempt(entrant, client, (running) => warm(client, planFor(running), effort));
  }
  for (let repeat = 0; repeat < effort.repeats; repeat += 1) {
    for (const entrant of entrants) {
      await attempt(entrant, client, async (running) => {
        const { unit, rate } = workload;
        const plan = planFor(running);
        entrant.cell.samples.push(
          unit === 'times' && rate !== undefined
            ? await measureBeside(client, running.pid, plan, { rate, effort })
            : await measureLoad(client, running.pid, plan, { unit, rate, effort }),
        );
      });
      progress.step(workload.name, entrant.peer.name, told(workload, entrant.cell));
    }
  }
  if (workload.sweep && effort.sweep.length > 0) {
    for (const entrant of entrants) {
      await attempt(entrant, client, async (running) => {
        entrant.cell.sweep = await measureSweep(client, (connections) => planFor(running, connections), effort);
      });
      progress.step(workload.name, entrant.peer.name, 'throughput against connections');
    }
  }
  // One that has failed is started anew for the next workload.
  for (const { peer, cell, running } of entrants) {
    if (cell.failure === undefined) continue;
    house.delete(peer);
    await running?.stop();
  }
}

/** Memory once taken is seldom given back, so that each repeat needs processes of its own. */
async function runIdle(workload: Workload, entrants: readonly Entrant[], scene: Scene): Promise<void> {
  const { client, ground, options, progress } = scene;
  const connections = Math.min(workload.connections, options.effort.idleConnections);
  for (let repeat = 0; repeat < options.effort.repeats; repeat += 1) {
    for (const entrant of entrants) {
      await startAll([entrant], ground, new Map());
      await attempt(entrant, client, async (running) => {
        const plan = planOf(workload, running, ground, connections);
        entrant.cell.samples.push(await measureIdle(client, running.pid, plan));
      });
      await entrant.running?.stop();
      progress.step(workload.name, entrant.peer.name, told(workload, entrant.cell));
    }
  }
}

/** Those that run in the house already go on. */
async function startAll(entrants: readonly Entrant[], ground: Ground, house: House): Promise<void> {
  await Promise.all(
    entrants.map(async (entrant) => {
      const { peer, cell } = entrant;
      if (cell.failure !== undefined) return;
      try {
        const running = house.get(peer) ?? (await peer.start(ground, ground.newFolder(peer.name)));
        house.set(peer, running);
        entrant.running = running;
      } catch (error) {
        cell.failure = sentenceOf(error);
      }
    }),
  );
}

/** What fails takes this proxy out of the workload, and nobody else. */
async function attempt(
  { cell, running }: Entrant,
  client: ClientProcess,
  work: (running: RunningPeer) => Promise<void>,
): Promise<void> {
  if (!running || cell.failure !== undefined) return;
  try {
    await work(running);
  } catch (error) {
    cell.failure = sentenceOf(error);
    await client.finish();
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function told({ unit }: Workload, { samples, failure }: Cell): string {
  const last = samples.at(-1);
  return failure ?? (last ? [`${short(last.figure)} ${UNITS[unit]}`, ...last.notes].join(' · ') : '');
}
