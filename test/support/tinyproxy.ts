// A real tinyproxy of our own, to be the parent of a proxy under test.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closedPort } from './socket-pair.ts';

const TINYPROXY = '/usr/bin/tinyproxy';

/** Tests that need it skip themselves where this is false. */
export const hasTinyproxy = existsSync(TINYPROXY);

export interface Tinyproxy {
  readonly port: number;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

/** `lines`: further lines of its config. */
export async function startTinyproxy(lines: readonly string[] = []): Promise<Tinyproxy> {
  const folder = await mkdtemp(join(tmpdir(), 'tinyproxy-'));
  const port = await closedPort();
  const conf = join(folder, 'tinyproxy.conf');
  const base = [
    `Port ${port}`,
    'Listen 127.0.0.1',
    'Allow 127.0.0.0/8',
    'Timeout 60',
    `LogFile "${join(folder, 'log')}"`,
  ];
  await writeFile(conf, `${[...base, ...lines].join('\n')}\n`);
  const child = spawn(TINYPROXY, ['-d', '-c', conf], { stdio: 'ignore' });
  const kill = (): void => void child.kill('SIGTERM');
  process.once('exit', kill);
  await untilTaken(port);
  return {
    port,
    stop: async () => {
      process.off('exit', kill);
      if (child.exitCode === null && child.signalCode === null) {
        kill();
        await once(child, 'exit');
      }
      await rm(folder, { recursive: true });
    },
  };
}

/** Until somebody takes connections on a port of loopback; fails after five seconds. */
export async function untilTaken(port: number): Promise<void> {
  const end = performance.now() + 5_000;
  for (;;) {
    const taken = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port }, () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
    if (taken) return;
    if (performance.now() > end) throw new Error(`nobody listens on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
