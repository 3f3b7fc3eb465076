// The proxy that the guard watches: one process, started as its users start it, all checks and the log on.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface WatchedProxy {
  readonly port: number;
  /** PEM of its CA. */
  readonly ca: string;
  /** Since its start: bytes allocated on the heap, and calls of the system that read or write. */
  counters(): Promise<Counters>;
  stop(): Promise<void>;
}

export interface Counters {
  readonly allocated: number;
  readonly calls: number;
}

/** A collector that works by tasks wakes the event loop for each, by a write and a read that are none of ours. */
const QUIET = ['--single-threaded-gc', '--no-incremental-marking-task'];
const ROOT = join(import.meta.dirname, '../..');

/** `trust`: a file with the root of the origins, which are on loopback. */
export async function startWatchedProxy(folder: string, trust: string): Promise<WatchedProxy> {
  const file = join(folder, 'proxy.yaml');
  writeFileSync(
    file,
    `version: 1
listen: [{ address: 127.0.0.1, port: 0 }]
workers: 1
ca: { cert: ca.pem, key: ca-key.pem }
upstream: { trust: [${trust}], allowAddresses: [127.0.0.2/32] }
resolver: { hosts: { bump.guard.test: 127.0.0.2, splice.guard.test: 127.0.0.2 } }
policy:
  mode: enforce
  connectPorts: [1-65535]
  rules:
    - { name: bump, hosts: [bump.guard.test], action: allow, tls: bump }
    - { name: splice, hosts: [splice.guard.test], action: allow, tls: splice }
log: { access: { path: access.log } }
limits: { mintsPerClient: 1000000 }
`,
  );
  const child = fork(join(ROOT, 'src/main.ts'), ['run', '--config', file], {
    execArgv: [...QUIET, '--import', join(import.meta.dirname, 'meter.ts')],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const port = await portOf(child);
  return {
    port,
    ca: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    counters: async () => {
      child.send('allocated');
      const [said]: unknown[] = await once(child, 'message');
      const allocated = typeof said === 'object' && said && 'allocated' in said ? Number(said.allocated) : Number.NaN;
      return { allocated, calls: callsOf(child) };
    },
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** From the line that tells where it listens. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const port = /"port":(\d+).*"listening"/.exec(said)?.[1];
      if (port) resolve(Number(port));
    });
    child.once('exit', () => reject(new Error(`the proxy ended:\n${said}`)));
  });
}

/** proc_pid_io(5): syscr and syscw. */
function callsOf({ pid }: ChildProcess): number {
  const io = readFileSync(`/proc/${pid}/io`, 'latin1');
  const count = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1]);
  return count('syscr') + count('syscw');
}
