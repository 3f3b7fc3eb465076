// `npm run bench:check`: holds the hot paths to what they cost when it was last agreed on. Counts what a busy machine does
// not move, bytes allocated and calls of the system for each operation, and fails when either has grown by more than 15 %.
// `--update` writes what is measured as the new agreement.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '../load/certificates.ts';
import { openOrigins } from './origins.ts';
import { PATHS, type Path, type Setting } from './paths.ts';
import { startWatchedProxy } from './proxy.ts';

interface Cost {
  /** For one operation. */
  readonly bytes: number;
  readonly calls: number;
}

type Costs = Readonly<Record<string, Cost>>;

const AGREED = join(import.meta.dirname, 'agreed.json');
const TOLERANCE = 1.15;
/** The smallest of so many: what else the runtime allocates meanwhile only adds. */
const ROUNDS = 3;

const agreed: Costs = JSON.parse(readFileSync(AGREED, 'utf8'));
const update = process.argv.includes('--update');
const folder = mkdtempSync(join(tmpdir(), 'guard-'));
try {
  const costs = await measureAll();
  if (update) writeFileSync(AGREED, `${JSON.stringify(costs, undefined, 2)}\n`);
  else process.exitCode = compare(agreed, costs) > 0 ? compare(agreed, least(costs, await measureAll())) : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measureAll(): Promise<Costs> {
  const certificates = makeCertificates(folder, 'guard.test');
  const root = readFileSync(certificates.root, 'utf8');
  const origins = await openOrigins({
    key: readFileSync(certificates.chainKey, 'utf8'),
    cert: readFileSync(certificates.chain, 'utf8'),
  });
  const proxy = await startWatchedProxy(folder, certificates.root);
  try {
    const costs: Record<string, Cost> = {};
    for (const path of PATHS) costs[path.name] = await measure(path, { proxy, root, ...origins });
    return costs;
  } finally {
    await proxy.stop();
    origins.close();
  }
}

async function measure(path: Path, setting: Setting): Promise<Cost> {
  const operation = await path.open(setting);
  for (let at = 0; at < path.warmUp; at++) await operation.run();
  let best: Cost = { bytes: Number.POSITIVE_INFINITY, calls: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    const before = await setting.proxy.counters();
    for (let at = 0; at < path.count; at++) await operation.run();
    const after = await setting.proxy.counters();
    const bytes = Math.round((after.allocated - before.allocated) / path.count);
    const calls = Math.round((100 * (after.calls - before.calls)) / path.count) / 100;
    if (!Number.isFinite(bytes) || !Number.isFinite(calls)) throw new Error('this runtime or system does not count');
    best = smallerOf(best, { bytes, calls });
  }
  operation.close();
  return best;
}

/** What has grown is measured once more, in another process: what disturbs a count can only add to it. */
function least(first: Costs, second: Costs): Costs {
  const smaller = ([name, cost]: [string, Cost]): [string, Cost] => [name, smallerOf(cost, second[name] ?? cost)];
  return Object.fromEntries(Object.entries(first).map(smaller));
}

function smallerOf(one: Cost, other: Cost): Cost {
  return { bytes: Math.min(one.bytes, other.bytes), calls: Math.min(one.calls, other.calls) };
}

/** Prints both and gives the exit code. */
function compare(agreed: Costs, costs: Costs): number {
  let failed = 0;
  for (const [name, { bytes, calls }] of Object.entries(costs)) {
    const before = agreed[name];
    const grown = !before || bytes > before.bytes * TOLERANCE || calls > before.calls * TOLERANCE;
    if (grown) failed += 1;
    const was = before ? `agreed ${before.bytes} and ${before.calls}` : 'nothing agreed';
    process.stdout.write(`${grown ? 'GROWN' : 'ok   '}  ${name}: ${bytes} bytes, ${calls} calls (${was})\n`);
  }
  if (failed > 0) {
    process.stdout.write(
      'What has grown on purpose is agreed on by `npm run bench:check -- --update`; say why in the commit.\n',
    );
  }
  return failed > 0 ? 1 : 0;
}
