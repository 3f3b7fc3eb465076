// How many clients the descriptors of a process allow.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkFileLimits } from '../../../src/cli/doctor/file-limits.ts';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { rigConfig } from '../../support/rig.ts';

function granted(files: number): string {
  const path = join(mkdtempSync(join(tmpdir(), 'limits-')), 'limits');
  writeFileSync(path, `Max open files            ${files}              ${files}              files\n`);
  return path;
}

test.each([
  [65_536, 1, 'auto', 'ok', '65536 open files are enough for 16384 clients at once'],
  [65_536, 2, 'auto', 'ok', '65536 open files in each of 2 workers are enough for 32768 clients at once'],
  [256, 1, 'auto', 'warning', '256 open files are enough for 64 clients at once'],
  [256, 2, 'auto', 'warning', '256 open files in each of 2 workers are enough for 128 clients at once'],
  [1_024, 1, 50, 'ok', '1024 open files are enough for 50 clients at once'],
  [256, 1, 1_000, 'failed', '256 open files are enough for 64 clients at once, and limits.connections is 1000'],
] as const)('%i descriptors, %i workers, %s connections wanted: %s', (files, workers, connections, state, reason) => {
  const config = { ...rigConfig('/tmp'), workers, limits: { ...DEFAULT_LIMITS, connections } };
  const found = checkFileLimits(config, granted(files));
  expect(found).toMatchObject({ check: 'file limit', state, reason });
  expect(found.mend?.includes('LimitNOFILE') ?? false).toBe(state !== 'ok');
});
