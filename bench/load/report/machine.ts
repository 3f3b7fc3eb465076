// The machine a run was made on, in words.

import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import type { Circumstance } from './results.ts';

const SIGNATURES = 4000;

export function describeMachine(): Circumstance[] {
  const cores = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return [
    ['measured', new Date().toISOString().slice(0, 16).replace('T', ' ')],
    ['machine', `${cores[0]?.model.trim() ?? 'unknown CPU'}, ${cores.length} cores, ${gigabytes} GB${virtual()}`],
    ['kernel', `${type()} ${release()}`],
    ['load before', loadavg()[0]?.toFixed(2) ?? ''],
    ['yardstick before', measureYardstick()],
  ];
}

/** What the same work costs here and now: on a machine that is shared, a CPU second does not always do as much. */
export function measureYardstick(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const data = Buffer.alloc(100);
  const work = (): void => {
    for (let count = 0; count < SIGNATURES; count += 1) sign('sha256', data, privateKey);
  };
  work();
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return `${((user + system) / SIGNATURES).toFixed(1)} CPU µs for a P-256 signature`;
}

function virtual(): string {
  return /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'latin1')) ? ', virtual' : '';
}
