// Runs the log readers that auditors have over a native log, and gives what they counted.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CALAMARIS = '/usr/bin/calamaris';
const GOACCESS = '/usr/bin/goaccess';

export const hasCalamaris = existsSync(CALAMARIS);
export const hasGoAccess = existsSync(GOACCESS);

/** As the README gives it. The method is skipped: GoAccess refuses `-`, which Squid prints where there was none. */
const GOACCESS_FORMAT = '%x.%^ %~%L %h %^/%s %b %^ %U %e %^ %M';

export interface CalamarisReport {
  readonly text: string;
  readonly parsed: number;
  readonly invalid: number;
}

export function readWithCalamaris(file: string): CalamarisReport {
  const { stdout, stderr } = spawnSync(CALAMARIS, ['-a'], {
    input: readFileSync(file),
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  if (stderr) throw new Error(stderr);
  const count = (label: string): number => Number(new RegExp(`^${label} +lines +(\\d+)`, 'm').exec(stdout)?.[1]);
  return { text: stdout, parsed: count('lines parsed:'), invalid: count('invalid lines:') };
}

export interface GoAccessReport {
  readonly general: Readonly<Record<string, number>>;
  readonly mime_type: { readonly data: readonly { readonly data: string }[] };
  /** The lines it could not read. */
  readonly invalid: string;
}

export function readWithGoAccess(file: string): GoAccessReport {
  const folder = mkdtempSync(join(tmpdir(), 'goaccess-'));
  const output = join(folder, 'report.json');
  const invalid = join(folder, 'invalid');
  const run = spawnSync(
    GOACCESS,
    [
      file,
      `--log-format=${GOACCESS_FORMAT}`,
      '--datetime-format=%s',
      '--no-strict-status', // Squid's status 000: no reply was sent
      '--no-global-config',
      '--no-progress',
      `--invalid-requests=${invalid}`,
      `--output=${output}`,
    ],
    { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } },
  );
  if (run.status !== 0) throw new Error(run.stderr);
  const report: Omit<GoAccessReport, 'invalid'> = JSON.parse(readFileSync(output, 'utf8'));
  return { ...report, invalid: existsSync(invalid) ? readFileSync(invalid, 'utf8') : '' };
}
