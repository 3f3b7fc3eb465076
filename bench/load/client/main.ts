// The client process of the load bench: does the jobs it is sent, one at a time, and answers each.

import { setTimeout as wait } from 'node:timers/promises';
import { closedLoop } from './closed-loop.ts';
import { type Client, createClient } from './connection.ts';
import type { Answer, Job, Pace, Plan, Tally } from './job.ts';
import { openLoop } from './open-loop.ts';
import { Record } from './record.ts';
import { createWorker, isUnbound, type Worker } from './worker.ts';

/** Connections opened at once while preparing. */
const OPENING = 16;
/** Milliseconds that a run may last beyond its time; what is still under way then counts as failed. */
const OVERTIME = 10_000;

let client: Client | undefined;
let workers: Worker[] = [];

async function prepare(plan: Plan): Promise<true> {
  const created = createClient(plan);
  const opened: Worker[] = [];
  client = created;
  workers = opened;
  // By itself, so that the session of this connection is there for all others, and its errors are told.
  const first = await createWorker(created);
  await first.operate();
  if (plan.resumed) await wait(50);
  opened.push(first);
  let begun = 1;
  const open = async (): Promise<void> => {
    while (begun < plan.connections) {
      begun += 1;
      opened.push(await createWorker(created));
    }
  };
  await Promise.all(Array.from({ length: OPENING }, open));
  return true;
}

async function run(pace: Pace): Promise<Tally> {
  if (!client) throw new Error('nothing is prepared');
  const prepared = client;
  const record = new Record(prepared);
  const { rate, beside } = pace;
  const more = isUnbound(prepared) ? (): Worker => workers[0] ?? never() : undefined;
  const stop = beside === undefined ? undefined : workers[0]?.pour?.(beside);
  const load =
    rate === undefined ? closedLoop(workers, pace, record) : openLoop(workers, { ...pace, rate }, record, more);
  await Promise.race([load, wait(pace.milliseconds + OVERTIME, undefined, { ref: false })]);
  return record.tally(stop?.() ?? 0);
}

function never(): never {
  throw new Error('no worker is prepared');
}

function finish(): true {
  for (const worker of workers) worker.end();
  workers = [];
  return true;
}

async function obey(job: Job): Promise<Tally | true> {
  if (job === 'finish') return finish();
  return 'prepare' in job ? prepare(job.prepare) : run(job.run);
}

process.once('disconnect', () => process.exit());
// Ctrl-C reaches the whole group of a terminal: who started this decides when it ends.
process.on('SIGINT', () => undefined);
process.on('message', (job: Job) => {
  const answer = (given: Answer): void => void process.send?.(given);
  obey(job).then(
    (done) => answer({ done }),
    (error: unknown) => answer({ failed: error instanceof Error ? error.message : String(error) }),
  );
});
