// Can the logs and the state be written, and is there room for them? Called by doctor.ts. Writes nothing.

import { constants, type Stats } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config/config.ts';
import { messageOf } from '../../core/errors.ts';
import { inBytes } from '../plainly.ts';
import { shownPath } from '../shown-path.ts';
import type { Finding } from './finding.ts';

/** Bytes: a busy proxy writes some 200 MB in an hour. */
const SCARCE = 1_000_000_000;
/** A day's rest before it is full is no rest. */
const NONE = 50_000_000;
const FEW_FILES = 100;

interface Place {
  readonly check: string;
  readonly path: string;
}

export async function checkLogRoom({
  log,
  rejections,
}: Pick<Config, 'log' | 'rejections'>): Promise<readonly Finding[]> {
  const files = log.access.filter(({ path }) => path !== 'stdout');
  const places: Place[] = files.map(({ path }) => ({ check: 'log', path }));
  if (rejections.onReject !== 'off') {
    places.push({ check: 'audit', path: rejections.audit }, { check: 'state', path: rejections.state });
  }
  const findings = await Promise.all(places.map(checkPlace));
  if (files.length < log.access.length) findings.unshift({ check: 'log', state: 'ok', reason: 'to standard output' });
  return findings;
}

async function checkPlace({ check, path }: Place): Promise<Finding> {
  const shown = shownPath(path);
  const there = await nearestThere(path);
  const isFile = there.path === path;
  if (isFile && !there.stats.isFile() && !there.stats.isFIFO() && !there.stats.isCharacterDevice()) {
    return { check, state: 'failed', reason: `${shown} is no file`, mend: 'name a file in the config' };
  }
  try {
    await access(there.path, isFile ? constants.W_OK : constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = isFile
      ? `${shown} cannot be written (${messageOf(error)})`
      : `${shown} cannot be made: ${shownPath(there.path)} is not writable`;
    return { check, state: 'failed', reason, mend: 'make it writable for the user of the proxy, or name another path' };
  }
  const { bavail, bsize, blocks, files, ffree } = await statfs(there.path);
  const room = bavail * bsize;
  const told = `${shown} can be ${isFile ? 'written' : 'made'}, ${inBytes(room)} free`;
  const mend = 'make room, or name a path on another disk';
  if (blocks > 0 && (room < NONE || (files > 0 && ffree < FEW_FILES))) {
    const what =
      room < NONE ? `${inBytes(room)} are left on its disk` : `its disk has room for ${ffree} more files only`;
    return { check, state: 'failed', reason: `${shown}: ${what}`, mend };
  }
  if (blocks > 0 && room < SCARCE) return { check, state: 'warning', reason: told, mend };
  return { check, state: 'ok', reason: told };
}

/** The path, or the nearest folder above it that exists. */
async function nearestThere(path: string): Promise<{ path: string; stats: Stats }> {
  for (let at = path; ; at = dirname(at)) {
    try {
      return { path: at, stats: await stat(at) };
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing || at === dirname(at)) throw error;
    }
  }
}
