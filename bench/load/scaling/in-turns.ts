// Measures several proxies round and round, so that what happens to the machine happens to all of them.

import { measureLoad, warm } from '../measure.ts';
import type { RunningPeer } from '../peers/peer.ts';
import { planOf } from '../plan.ts';
import type { Sample } from '../report/results.ts';
import { type Spread, spreadOfValues } from '../report/statistics.ts';
import type { Workload } from '../workloads.ts';
import type { Scene } from './scene.ts';

export interface Cost {
  /** CPU milliseconds of the whole process tree for one operation. */
  readonly cpu: Spread;
  readonly notes: readonly string[];
}

/** One answer for each proxy, in their order. */
export async function costInTurns(
  { client, ground, effort }: Scene,
  workload: Workload,
  proxies: readonly RunningPeer[],
): Promise<Cost[]> {
  const samples = proxies.map((): Sample[] => []);
  for (let repeat = 0; repeat < effort.repeats; repeat += 1) {
    const order = [...proxies.entries()];
    // To and fro, so that none always follows the same one.
    if (repeat % 2 === 1) order.reverse();
    for (const [index, proxy] of order) {
      const plan = planOf(workload, proxy, ground, workload.connections);
      const how = { unit: 'ms', rate: undefined, effort: { closed: effort.closed, open: 0 } } as const;
      samples[index]?.push(await measureLoad(client, proxy.pid, plan, how));
    }
  }
  return samples.map((own) => ({
    cpu: spreadOfValues(own.map(({ figure }) => figure)),
    notes: [...new Set(own.flatMap(({ notes }) => notes))],
  }));
}

export async function warmAll({ client, ground, effort }: Scene, workload: Workload, proxies: readonly RunningPeer[]) {
  for (const proxy of proxies) await warm(client, planOf(workload, proxy, ground, workload.connections), effort);
}

/** How many times as much the first costs as the second. */
export function ratioText(own: Cost | undefined, other: Cost | undefined): string {
  return own && other ? (own.cpu.median / other.cpu.median).toFixed(2) : '–';
}
