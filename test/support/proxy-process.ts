// A proxy started by its command line, in a process of its own, so that its memory can be read from outside.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './rig.ts';
import { NODE } from './run.ts';

export interface ProxyProcess {
  readonly pid: number;
  readonly port: number;
  /** How many processes serve clients. */
  readonly workers: number;
  /** PEM of the CA that clients must trust. */
  readonly ca: string;
  /** Complete lines of the native access log so far. */
  lines(): string[];
  /** Asks it to stop and resolves when it has. */
  stop(): Promise<void>;
}

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** Milliseconds until it listens: several processes may have to start, on a machine that runs other tests as well. */
const START_LIMIT = 20_000;

/** What it says when its port is open, and when there is a spare worker. */
const LISTENS = /"port":(\d+).*"listening"/;
const HAS_SPARE = /"a spare stands by"/;

/**
 * `config`: YAML without `version`, `listen`, `workers`, `ca` and `log`; `descriptors`: how many each process may have
 * open. One process, or as many workers as PROXY_WORKERS says.
 */
export async function startProxyProcess(config: string, descriptors?: number): Promise<ProxyProcess> {
  const workers = Number(process.env['PROXY_WORKERS'] ?? 1);
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  const file = join(folder, 'proxy.yaml');
  writeFileSync(
    file,
    [
      'version: 1',
      'listen: [{ address: 127.0.0.1, port: 0 }]',
      `workers: ${workers}`,
      'ca: { cert: ca.pem, key: ca-key.pem }',
      'log: { access: { path: access.log, format: squid }, service: { level: debug } }',
      config,
    ].join('\n'),
  );
  const words = [NODE, MAIN, 'run', '--config', file];
  // The limit holds for the process that takes the place of the shell.
  const limited = ['/bin/sh', '-c', `ulimit -n ${descriptors} && exec "$0" "$@"`, ...words];
  const [program = NODE, ...rest] = descriptors === undefined ? words : limited;
  const child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  // What its processes hold is compared later with what they hold from the beginning: all of them are to be there.
  const isComplete = (): boolean => LISTENS.test(said) && (workers === 1 || HAS_SPARE.test(said));
  await until(
    () => isComplete() || child.exitCode !== null,
    'the proxy',
    () => said,
    START_LIMIT,
  );
  if (child.pid === undefined || child.exitCode !== null) throw new Error(`the proxy ended:\n${said}`);
  return {
    pid: child.pid,
    port: Number(LISTENS.exec(said)?.[1]),
    workers,
    ca: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    lines: () => readFileSync(join(folder, 'access.log'), 'utf8').split('\n').slice(0, -1),
    stop: async () => {
      process.off('exit', kill);
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** MB of resident memory at most, since the start or the last `forgetPeak`, all processes of the proxy together. */
export function peakOf(pid: number): number {
  return ownPeak(pid) + childrenOf(pid).reduce((sum, child) => sum + peakOf(child), 0);
}

/** The same of that one of its processes which had most. */
export function peakOfOne(pid: number): number {
  return Math.max(ownPeak(pid), ...childrenOf(pid).map(peakOfOne));
}

function ownPeak(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.ceil(Number(kilobytes) / 1024);
}

/** The peak counts from here (proc_pid_clear_refs(5)). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  for (const child of childrenOf(pid)) forgetPeak(child);
}

/** Descriptors open now, all processes of the proxy together. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length + childrenOf(pid).reduce((sum, child) => sum + descriptorsOf(child), 0);
}

/** The same of that one of its processes which has most. */
export function descriptorsOfOne(pid: number): number {
  return Math.max(readdirSync(`/proc/${pid}/fd`).length, ...childrenOf(pid).map(descriptorsOfOne));
}

/** Milliseconds of processor time so far, all processes of the proxy together. */
export function cpuOf(pid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11);
  const own = (Number(user) + Number(system)) * 10;
  return own + childrenOf(pid).reduce((sum, child) => sum + cpuOf(child), 0);
}

/** The processes that this one has started and that have not ended. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => childrenOfThread(pid, task));
}

function childrenOfThread(pid: number, task: string): number[] {
  const read = (): string => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8');
  return (unlessGone(read) ?? '').trim().split(' ').filter(Boolean).map(Number);
}

/** Which of these processes has the far end of a connection from one port of 127.0.0.1 to another; undefined: none of them. */
export function holderOf(from: number, to: number, pids: readonly number[]): number | undefined {
  const end = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  const row = rows.find((one) => one.includes(` ${end(to)} ${end(from)} `));
  const inode = row?.trim().split(/\s+/)[9];
  // One that was not accepted yet has none.
  if (inode === undefined || inode === '0') return undefined;
  return pids.find((pid) => openFilesOf(pid).includes(`socket:[${inode}]`));
}

function openFilesOf(pid: number): string[] {
  const names = unlessGone(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return names.flatMap((name) => unlessGone(() => readlinkSync(`/proc/${pid}/fd/${name}`)) ?? []);
}

/** Of what has ended since it was listed, nothing. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  }
}
