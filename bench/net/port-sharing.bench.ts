// Three ways for two workers to share a port: CPU of all their processes per accepted connection, and how evenly the
// connections fall, in bursts and one after another. `reusePort`: a socket each, the kernel chooses by hash. `handle`: one
// socket, whoever accepts first. `round-robin`: the primary accepts and hands over. The last two are the cluster module's.

import { type ChildProcess, fork } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { cpuOfTree } from '../load/cpu-of-tree.ts';
import { freePort } from '../load/free-port.ts';

const WAYS = ['reusePort', 'handle', 'round-robin'] as const;
const WORKERS = 2;
const REPEATS = 5;
/** Connections of one measurement, how many of them are open at once, and the name of that. */
const LOADS = [
  { name: '64 at once', connections: 8_000, atOnce: 64 },
  { name: 'one after another', connections: 4_000, atOnce: 1 },
];

const [role, way = '', port = ''] = process.argv.slice(2);
if (role === 'worker') serve();
else if (role === 'primary') startWorkers();
else await measureAll();

/** Accepts, answers with its number, and ends: the least that a worker does with a connection. */
function serve(): void {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.end(`${process.pid}`);
  });
  const reusePort = way === 'reusePort';
  process.once('disconnect', () => process.exit());
  server.listen({ host: '127.0.0.1', port: Number(port), backlog: 4096, reusePort }, () => process.send?.('listening'));
}

function startWorkers(): void {
  const args = ['worker', way, port];
  cluster.schedulingPolicy = way === 'handle' ? cluster.SCHED_NONE : cluster.SCHED_RR;
  cluster.setupPrimary({ args });
  let listening = 0;
  const started = (): void => {
    listening += 1;
    if (listening === WORKERS) process.send?.('listening');
  };
  for (let at = 0; at < WORKERS; at += 1) {
    const worker = way === 'reusePort' ? fork(import.meta.filename, args) : cluster.fork();
    worker.on('message', (message: unknown) => {
      if (message === 'listening') started();
    });
  }
  process.on('SIGTERM', () => process.exit());
}

async function measureAll(): Promise<void> {
  const found = new Map<string, { cpu: number[]; share: number[]; rate: number[] }>();
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    for (const each of WAYS) {
      const at = await freePort();
      const primary = fork(import.meta.filename, ['primary', each, String(at)]);
      await once(primary, 'message');
      for (const load of LOADS) {
        const key = `${each}, ${load.name}`;
        const kept = found.get(key) ?? { cpu: [], share: [], rate: [] };
        found.set(key, kept);
        const one = await measure(primary, at, load);
        kept.cpu.push(one.cpu);
        kept.share.push(one.share);
        kept.rate.push(one.rate);
      }
      primary.kill('SIGTERM');
      await once(primary, 'exit');
    }
  }
  for (const [name, { cpu, share, rate }] of found) {
    const shares = share.map((one) => `${Math.round(one * 100)} %`).join(' ');
    process.stdout.write(
      `${name}: ${median(cpu).toFixed(0)} µs CPU each (${Math.min(...cpu).toFixed(0)} to ${Math.max(...cpu).toFixed(0)}), ` +
        `${median(rate).toFixed(0)} a second; the busier worker has ${shares}\n`,
    );
  }
}

async function measure(
  primary: ChildProcess,
  at: number,
  { connections, atOnce }: (typeof LOADS)[number],
): Promise<{ cpu: number; share: number; rate: number }> {
  const pid = primary.pid ?? 0;
  const counts = new Map<string, number>();
  let left = connections;
  const before = cpuOfTree(pid);
  const begin = performance.now();
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const who = await askOnce(at);
      counts.set(who, (counts.get(who) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const seconds = (performance.now() - begin) / 1000;
  const cpu = ((cpuOfTree(pid) - before) * 1000) / connections;
  return { cpu, share: Math.max(...counts.values()) / connections, rate: connections / seconds };
}

function askOnce(at: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(at, '127.0.0.1');
    socket.setEncoding('latin1').on('data', (text: string) => {
      said += text;
    });
    socket.once('error', reject).once('close', () => resolve(said));
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
