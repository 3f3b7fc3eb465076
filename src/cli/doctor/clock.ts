// Is the clock right? A wrong one makes good certificates bad, on either side of the proxy. Called by doctor.ts.

import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../../config/config.ts';
import type { Finding } from './finding.ts';

/** Milliseconds that a file server's clock may be ahead of ours. */
const SLACK = 5 * 60_000;
/** No clock is right that shows a time before this program was written. */
const WRITTEN = Date.UTC(2026, 0, 1);

/** What systems write again and again, so that the time of it is never long ago. */
const WITNESSES = ['/var/lib/systemd/timesync/clock', '/var/lib/chrony/drift', '/var/lib/ntpsec/ntp.drift'];
/** It is there as long as systemd-timesyncd has the time from a server. */
const SYNCHRONIZED = '/run/systemd/timesync/synchronized';
/** What keeps a clock, as the kernel cuts its name. */
const KEEPERS = ['chronyd', 'ntpd', 'openntpd', 'systemd-timesyn', 'phc2sys', 'ptp4l', 'VBoxService', 'vmtoolsd'];

/** What is looked at; all but tests leave it as it is. */
export interface ClockWorld {
  readonly now: number;
  readonly root: string;
}

export async function checkClock(
  config: Config | undefined,
  { now, root }: ClockWorld = { now: Date.now(), root: '/' },
): Promise<Finding> {
  const check = 'clock';
  const time = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const latest = await newest([...filesOf(config), ...WITNESSES.map((path) => join(root, path))]);
  const mend = 'set it, and have chrony or systemd-timesyncd keep it';
  if (latest && latest.time > now + SLACK) {
    const written = new Date(latest.time).toISOString().slice(0, 10);
    return { check, state: 'failed', reason: `it shows ${time}, but ${latest.path} was written on ${written}`, mend };
  }
  if (now < WRITTEN) return { check, state: 'failed', reason: `it shows ${time}`, mend };
  const keeper = await keeperIn(root);
  if (keeper !== undefined) return { check, state: 'ok', reason: `${time}, ${keeper}` };
  // In a container the clock is that of the machine around it, and who keeps that cannot be seen.
  if ((await commandOf(root, '1')) !== 'systemd')
    return { check, state: 'ok', reason: `${time}; who keeps it is not to be seen from here` };
  return {
    check,
    state: 'warning',
    reason: `${time}, but nothing seems to keep it (no chrony, no ntpd; systemd-timesyncd is off or has no server)`,
    mend: 'turn one of them on: a wrong clock makes good certificates bad',
  };
}

function filesOf(config: Config | undefined): string[] {
  if (!config) return [];
  const { file, ca, log, rejections } = config;
  const logs = log.access.map(({ path }) => path).filter((path) => path !== 'stdout');
  return [file, ca.cert, ca.key, ...logs, rejections.state, rejections.audit];
}

async function newest(paths: readonly string[]): Promise<{ path: string; time: number } | undefined> {
  let latest: { path: string; time: number } | undefined;
  for (const path of paths) {
    // Whoever copies a file keeps its time, but not that of the folder it comes into.
    for (const place of [path, dirname(path)]) {
      const time = await stat(place).then(
        ({ mtimeMs }) => mtimeMs,
        () => undefined,
      );
      if (time !== undefined && (!latest || time > latest.time)) latest = { path: place, time };
    }
  }
  return latest;
}

/** Who keeps the clock, in words; undefined: nobody that we know. */
async function keeperIn(root: string): Promise<string | undefined> {
  try {
    const { mtime } = await stat(join(root, SYNCHRONIZED));
    return `synchronized by systemd-timesyncd (since ${mtime.toISOString().slice(0, 16).replace('T', ' ')})`;
  } catch {
    // It is not, or it is somebody else who does it.
  }
  const processes = await readdir(join(root, 'proc')).catch(() => []);
  for (const pid of processes.filter((name) => /^\d+$/.test(name))) {
    const command = await commandOf(root, pid);
    if (command === undefined || !KEEPERS.includes(command)) continue;
    // This one runs also while it has no server, and then the file above is missing.
    if (command !== 'systemd-timesyn') return `kept by ${command}`;
  }
  return undefined;
}

async function commandOf(root: string, pid: string): Promise<string | undefined> {
  return readFile(join(root, 'proc', pid, 'comm'), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}
