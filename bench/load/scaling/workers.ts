// Full handshakes per second with one worker and with two, on a machine that has no core to spare for the client.
//
// Two workers that may have both cores leave none to client and origin, so that the client would be measured. Two ways
// around: a worker, alone on a core of its own, says what one can do; and workers that may have only a part of a core each,
// one or two of them, leave the rest to client and origin. What workers share and wait for, if anything, would show in the
// second just as with whole cores.

import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { cpuOfTree } from '../cpu-of-tree.ts';
import type { RunningPeer } from '../peers/peer.ts';
import { startSallyport } from '../peers/sallyport.ts';
import { planOf } from '../plan.ts';
import { processTree } from '../process-tree.ts';
import { barPlot } from '../report/plots.ts';
import { type Spread, short, spreadOfValues, spreadText } from '../report/statistics.ts';
import { limitToShare, missingShares } from '../share-of-core.ts';
import type { Chapter } from './chapter.ts';
import { OWN, SECOND } from './colours.ts';
import { warmAll } from './in-turns.ts';
import { BUMP, type Scene } from './scene.ts';

/** Of a core for each worker where the workers are to be the limit; the rest is enough for client and origin. */
const SHARE = 0.2;
/** Repeats beyond those of the other parts, since here a ratio is all there is to read. */
const MORE_REPEATS = 2;
/** As many at once that no worker waits for the client. */
const CONNECTIONS = 24;
const MAX_OPERATIONS = 60_000;

interface Setting {
  readonly name: string;
  readonly workers: 1 | 2;
  /** Cores of the workers, and of client and origin; none: wherever there is room. */
  readonly cores?: readonly [proxy: string, others: string];
  /** Of a core, for each worker. */
  readonly share?: number;
}

const ALL = `0-${availableParallelism() - 1}`;
const APART: Setting = { name: '1 worker, a core of its own', workers: 1, cores: ['0', '1'] };
const TOGETHER: Setting = { name: '2 workers, both cores, client and origin there, too', workers: 2 };
const ONE_SHARE: Setting = { name: `1 worker, ${SHARE} of a core`, workers: 1, share: SHARE };
const TWO_SHARES: Setting = { name: `2 workers, ${SHARE} of a core each`, workers: 2, share: SHARE };

/** One repeat of one setting. */
interface Sample {
  readonly perSecond: number;
  /** Milliseconds for each handshake. */
  readonly cpu: number;
  /** Cores that were used, by the proxy and by client and origin. */
  readonly proxyCores: number;
  readonly otherCores: number;
  /** Of the work of all workers. */
  readonly busier: number;
  readonly notes: readonly string[];
}

/** How many steps of progress `workers` makes. */
export function stepsOfWorkers(repeats: number): number {
  return repeats + MORE_REPEATS;
}

export async function workers(scene: Scene): Promise<Chapter> {
  const { ground, progress, effort } = scene;
  const why = missingShares();
  const settings = [APART, TOGETHER, ...(why === undefined ? [ONE_SHARE, TWO_SHARES] : [])];
  const proxies = new Map<number, RunningPeer>();
  for (const count of [1, 2] as const) {
    proxies.set(count, await startSallyport(ground, ground.newFolder(`workers-${count}`), { workers: count }));
  }
  await warmAll(scene, BUMP, [...proxies.values()]);
  const samples = settings.map((): Sample[] => []);
  for (let repeat = 0; repeat < stepsOfWorkers(effort.repeats); repeat += 1) {
    for (const [index, setting] of settings.entries()) {
      const proxy = proxies.get(setting.workers);
      if (proxy) samples[index]?.push(await measure(scene, setting, proxy));
    }
    progress.step(
      'workers',
      `repeat ${repeat + 1}`,
      samples.map((own) => short(own.at(-1)?.perSecond ?? 0)).join(', '),
    );
  }
  await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
  const results = settings.map((setting, index) => ({ setting, samples: samples[index] ?? [] }));
  const of = (setting: Setting, read: (sample: Sample) => number): Spread | undefined => {
    const own = results.find((result) => result.setting === setting)?.samples ?? [];
    return own.length === 0 ? undefined : spreadOfValues(own.map(read));
  };
  const cell = (setting: Setting, read: (sample: Sample) => number): string => {
    const spread = of(setting, read);
    return spread ? spreadText(spread) : '–';
  };
  // Of each repeat by itself, since its two halves were measured one right after the other.
  const times = (read: (sample: Sample) => number): string => {
    const [one, two] = [ONE_SHARE, TWO_SHARES].map((setting) => results.find((result) => result.setting === setting));
    const ratios = (two?.samples ?? []).flatMap((sample, index) => {
      const beside = one?.samples[index];
      return beside ? [read(sample) / read(beside)] : [];
    });
    return ratios.length === 0 ? '–' : spreadText(spreadOfValues(ratios));
  };
  return {
    title: 'Workers',
    says: `CONNECT with bump, full handshake, one GET, as fast as it goes, ${CONNECTIONS} at once. How the client was kept from being the limit: a worker that is to be measured alone has a core of its own (taskset), client and origin the other; and two workers are compared with one while each has only ${SHARE} of a core (control groups), so that client and origin have more than enough. Cores are CPU seconds per second: what has less than it may have was not the limit.`,
    head: ['setting', 'per second', 'CPU ms each', 'cores, proxy', 'cores, client and origin', 'busier worker'],
    rows: settings.map((setting) => [
      setting.name,
      cell(setting, ({ perSecond }) => perSecond),
      cell(setting, ({ cpu }) => cpu),
      cell(setting, ({ proxyCores }) => proxyCores),
      cell(setting, ({ otherCores }) => otherCores),
      setting.workers === 1 ? '–' : `${cell(setting, ({ busier }) => busier * 100)} %`,
    ]),
    figures: [
      {
        name: 'handshakes per second',
        caption: 'As fast as it goes; which of them the client limits says the table',
        plot: barPlot(
          results.flatMap(({ setting, samples: own }) =>
            own.length === 0
              ? []
              : [
                  {
                    label:
                      setting.share === undefined
                        ? setting.cores
                          ? '1, own core'
                          : '2, shared'
                        : `${setting.workers} × ${SHARE}`,
                    colour: setting.workers === 1 ? SECOND : OWN,
                    spread: spreadOfValues(own.map(({ perSecond }) => perSecond)),
                  },
                ],
          ),
        ),
      },
    ],
    notes: [
      ...(why === undefined
        ? [
            `two workers with ${SHARE} of a core each do ${times(({ perSecond }) => perSecond)} times what one does, at ${times(({ cpu }) => cpu)} times the CPU for each`,
          ]
        : [`workers with a part of a core are left out: ${why}`]),
      ...results.flatMap(({ setting, samples: own }) =>
        [...new Set(own.flatMap(({ notes }) => notes))].map((note) => `${setting.name}: ${note}`),
      ),
    ],
  };
}

async function measure({ client, ground, effort }: Scene, setting: Setting, proxy: RunningPeer): Promise<Sample> {
  const others = [client.pid, ground.origin.pid];
  const [own, theirs] = setting.cores ?? [ALL, ALL];
  const tree = processTree(proxy.pid);
  pin(tree, own);
  pin(others, theirs);
  // The first of several is the supervisor.
  const carriers = tree.length === 1 ? tree : tree.slice(1);
  const limit = setting.share === undefined ? undefined : limitToShare(setting.share, carriers);
  try {
    await client.prepare(planOf(BUMP, proxy, ground, CONNECTIONS));
    const before = { proxy: cpuOfTree(proxy.pid), others: sum(others.map(cpuOfTree)), each: carriers.map(cpuOfTree) };
    const start = performance.now();
    const tally = await client.run({ milliseconds: effort.closed * 2, maxOperations: MAX_OPERATIONS });
    const time = performance.now() - start;
    const used = cpuOfTree(proxy.pid) - before.proxy;
    const each = carriers.map((pid, index) => cpuOfTree(pid) - (before.each[index] ?? 0));
    const otherCores = (sum(others.map(cpuOfTree)) - before.others) / time;
    await client.finish();
    return {
      perSecond: tally.operations / (time / 1000),
      cpu: used / tally.operations,
      proxyCores: used / time,
      otherCores,
      busier: Math.max(...each) / sum(each),
      notes: tally.errors > 0 ? [`${tally.errors} failed: ${tally.firstError}`] : [],
    };
  } finally {
    limit?.lift();
    pin(others, ALL);
  }
}

/** All threads of the processes; those they make later follow. */
function pin(pids: readonly number[], cores: string): void {
  for (const pid of pids)
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)], { stdio: 'pipe' });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
