// `--profile`: Sallyport alone under one workload, with V8's CPU profiler, and the functions that its time went to.

import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientProcess } from './client-process.ts';
import { cpuOfTree } from './cpu-of-tree.ts';
import type { Ground } from './ground.ts';
import { startSallyport } from './peers/sallyport.ts';
import { planOf } from './plan.ts';
import { short } from './report/statistics.ts';
import { type CpuProfile, topFunctions } from './top-functions.ts';
import type { Workload } from './workloads.ts';

const WARM = 2_000;
const TIME = 6_000;
const MAX_OPERATIONS = 100_000;
const TOP = 25;
/** Microseconds between two looks of the profiler. */
const INTERVAL = 500;

/** Leaves the profile in `results`, for the tools that show such files. */
export async function profile(
  workload: Workload,
  ground: Ground,
  client: ClientProcess,
  results: string,
): Promise<void> {
  const folder = ground.newFolder('sallyport');
  const out = join(folder, 'profile');
  mkdirSync(out);
  const node = ['--cpu-prof', `--cpu-prof-dir=${out}`, `--cpu-prof-interval=${INTERVAL}`];
  const running = await startSallyport(ground, folder, { workers: 1, node });
  const plan = planOf(workload, running, ground, workload.unit === 'KB' ? 100 : workload.connections);
  await client.prepare(plan);
  await client.run({ milliseconds: WARM, maxOperations: MAX_OPERATIONS });
  const from = microseconds();
  const before = cpuOfTree(running.pid);
  const tally = await client.run({ milliseconds: TIME, maxOperations: MAX_OPERATIONS });
  const cpu = cpuOfTree(running.pid) - before;
  const to = microseconds();
  await client.finish();
  await running.stop();
  const [written] = readdirSync(out);
  if (written === undefined) throw new Error('the proxy left no profile: it did not end by itself');
  const kept = join(results, `${workload.name}.cpuprofile`);
  renameSync(join(out, written), kept);
  const read: CpuProfile = JSON.parse(readFileSync(kept, 'utf8'));
  const rows = topFunctions(read, from, to, TOP);
  const perOperation = cpu / tally.operations;
  process.stdout.write(
    [
      `\n${workload.name}: ${tally.operations} operations, ${short(perOperation)} CPU ms each, the profiler's own included`,
      ...(tally.errors > 0 ? [`${tally.errors} failed: ${tally.firstError}`] : []),
      ...rows.map(({ share, name, place, onBehalfOf }) => {
        const percent = `${(share * 100).toFixed(1).padStart(5)} %`;
        const time = `${(share * perOperation * 1000).toFixed(1).padStart(7)} µs`;
        return `${percent}  ${time}  ${name} ${place}${onBehalfOf === '' ? '' : `  ← ${onBehalfOf}`}`;
      }),
      `(profile: bench/results/${workload.name}.cpuprofile)\n`,
    ].join('\n'),
  );
}

/** On the clock that V8 stamps its samples with. */
function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
