// Every process that the bench starts, so that each of them is ended, whatever way the bench ends.

import { type ChildProcess, fork, type Serializable, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds that a process has to end after SIGTERM. */
const GRACE = 5_000;
/** Milliseconds that it has to begin. */
const START = 60_000;

export class Processes {
  readonly #running = new Set<ChildProcess>();

  constructor() {
    process.once('exit', () => {
      for (const child of this.#running) child.kill('SIGKILL');
    });
  }

  /** What the process says goes to the file `log`. `talks`: it is a Node.js that takes messages. */
  start(command: string, args: readonly string[], log: string, talks = false): ChildProcess {
    const file = openSync(log, 'a');
    const child = spawn(command, args, { stdio: ['ignore', file, file, ...(talks ? (['ipc'] as const) : [])] });
    closeSync(file);
    return this.#keep(child);
  }

  /** A file of ours in a process of its own, which ends itself when this one is gone. */
  fork(file: string, args: readonly string[] = []): ChildProcess {
    return this.#keep(fork(file, args, { serialization: 'advanced' }));
  }

  async stop(child: ChildProcess): Promise<void> {
    if (!this.#running.has(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE);
    await ended;
    clearTimeout(timer);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => this.stop(child)));
  }

  #keep(child: ChildProcess): ChildProcess {
    this.#running.add(child);
    const gone = (): void => void this.#running.delete(child);
    child.once('exit', gone).once('error', gone);
    return child;
  }
}

/** Resolves with the pid once the port accepts; rejects with what is in `log` when the process ends before. */
export async function untilListening(child: ChildProcess, port: number, log: string): Promise<number> {
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${readFileSync(log, 'utf8').slice(-2000)}`)));
  });
  failed.catch(() => undefined);
  const end = performance.now() + START;
  while (!(await Promise.race([accepts(port), failed]))) {
    if (performance.now() > end)
      throw new Error(`nothing listens on ${port}:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    await Promise.race([wait(30), failed]);
  }
  if (child.pid === undefined) throw new Error('no process');
  return child.pid;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

/** The next message of a child; rejects when it ends instead. */
export async function nextMessage(child: ChildProcess): Promise<Serializable> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`process ${child.pid} ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (message: Serializable) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}
