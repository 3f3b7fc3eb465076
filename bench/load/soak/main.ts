// `soak --minutes 10`: mixed load with host churn, and whether memory grows under it. Called by bench/run.ts. Fails when it
// grows by more than 5 MB in ten minutes; what is resident but free is not counted (settle.ts).

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Tally } from '../client/job.ts';
import { ClientProcess } from '../client-process.ts';
import { type Ground, onGround } from '../ground.ts';
import { memoryOfTree } from '../memory-of-tree.ts';
import type { RunningPeer } from '../peers/peer.ts';
import { type RunningSallyport, sallyport, startSallyport } from '../peers/sallyport.ts';
import { planOf } from '../plan.ts';
import { nextMessage } from '../processes.ts';
import { Progress } from '../progress.ts';
import { slopeOf } from '../report/least-squares.ts';
import { describeMachine, measureYardstick } from '../report/machine.ts';
import { short } from '../report/statistics.ts';
import { workloadOf } from '../workloads.ts';
import { type Look, type SoakResult, soakHtml, soakMarkdown } from './report.ts';
import { STREAMS, type Stream } from './streams.ts';

const RESULTS = join(import.meta.dirname, '../../results');
/** Milliseconds between two looks at the memory. The proxy stops for a moment at each. */
const INTERVAL = 15_000;
/** MB in ten minutes. */
const STEEPEST = 5;
const LONGEST = 24 * 60;

/**
 * What must be full before memory may be called steady: hosts, more than the resolver keeps (10,000) and than the leaf store
 * does (4,096), and the mix: what the hosts came through in is let go of by look after look, 40 MB in the first three
 * minutes.
 */
const HOSTS_BEFORE = 11_000;
const HOSTS_TIME = 360_000;
const MIX_BEFORE = 240_000;

export async function runSoak(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { minutes: { type: 'string', default: '10' } } });
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.5 && minutes <= LONGEST)) throw new Error(`--minutes is a number from 0.5 to ${LONGEST}`);
  await onGround(async (ground) => {
    const machine = describeMachine();
    const node = ['--disable-warning=ExperimentalWarning', '--import', join(import.meta.dirname, 'settle.ts')];
    const running = await startSallyport(ground, ground.newFolder('soak'), { workers: 1, node, talks: true });
    const samples = Math.floor((minutes * 60_000) / INTERVAL);
    const before = new Progress(0);
    const clients = STREAMS.map((stream) => ({ stream, client: new ClientProcess(ground.processes) }));
    await fillStores(ground, running, before);
    const mixing = new Progress(MIX_BEFORE / INTERVAL);
    mixing.say('soak · the mix, before memory counts');
    await Promise.all(
      clients.map(({ stream, client }) =>
        client.prepare(planOf(workloadOf(stream.workload), running, ground, stream.connections)),
      ),
    );
    await Promise.all([
      ...clients.map(({ stream, client }) => client.run(paceOf(stream, MIX_BEFORE))),
      lookAtMemory(running, MIX_BEFORE / INTERVAL, mixing),
    ]);
    const load = Promise.all(
      clients.map(async ({ stream, client }) => ({
        stream,
        tally: await client.run(paceOf(stream, samples * INTERVAL)),
      })),
    );
    const progress = new Progress(samples);
    const looks = await lookAtMemory(running, samples, progress);
    const streams = await load;
    for (const { client } of clients) await client.finish();
    progress.end();
    const slope = slopeOf(looks.map(({ minute, held }) => [minute, held])) * 10;
    const result: SoakResult = {
      circumstances: [...machine, ['yardstick after', measureYardstick()], ['sallyport', sallyport.version()]],
      minutes,
      looks,
      slope,
      steepest: STEEPEST,
      streams: streams.map(({ stream, tally }) => ({ ...stream, ...told(tally) })),
    };
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(join(RESULTS, 'soak.md'), soakMarkdown(result));
    writeFileSync(join(RESULTS, 'soak.html'), soakHtml(result));
    process.stdout.write(`${soakMarkdown(result)}\nWritten to bench/results/soak.md and .html\n`);
    if (slope > STEEPEST) {
      process.stderr.write(`memory grows by ${short(slope)} MB in ten minutes, above ${STEEPEST}\n`);
      process.exitCode = 1;
    }
    const failed = streams.find(({ tally }) => tally.operations === 0 || tally.errors > 0);
    if (failed) {
      process.stderr.write(`${failed.stream.name}: ${failed.tally.errors} failed: ${failed.tally.firstError}\n`);
      process.exitCode = 1;
    }
  });
}

async function fillStores(ground: Ground, running: RunningPeer, progress: Progress): Promise<void> {
  const workload = workloadOf('bump-full-new-get1');
  const client = new ClientProcess(ground.processes);
  progress.say(`soak · ${HOSTS_BEFORE.toLocaleString('en')} new hosts, so that the stores are full`);
  await client.prepare(planOf(workload, running, ground, workload.connections));
  const { operations } = await client.run({ milliseconds: HOSTS_TIME, maxOperations: HOSTS_BEFORE });
  await client.finish();
  if (operations < HOSTS_BEFORE) throw new Error(`only ${operations} hosts were asked within ${HOSTS_TIME / 1000} s`);
}

function paceOf({ rate }: Stream, milliseconds: number) {
  return { milliseconds, rate, maxOperations: Math.ceil((milliseconds * rate) / 1000) };
}

async function lookAtMemory(running: RunningSallyport, count: number, progress: Progress): Promise<Look[]> {
  const start = performance.now();
  const looks: Look[] = [];
  for (let look = 1; look <= count; look += 1) {
    await wait(Math.max(0, start + look * INTERVAL - performance.now()));
    const minute = (performance.now() - start) / 60_000;
    const resident = memoryOfTree(running.pid) / 1024;
    if (resident === 0) throw new Error('the proxy has ended');
    const settled = nextMessage(running.child);
    running.child.send('settle');
    await settled;
    const held = memoryOfTree(running.pid) / 1024;
    looks.push({ minute, resident, held });
    progress.step('soak', 'sallyport', `${short(held)} MB`);
  }
  return looks;
}

function told({ operations, errors, firstError }: Tally) {
  return { operations, errors, firstError };
}
