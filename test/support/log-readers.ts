// Runs the log readers that auditors have over a native log, and gives what they counted.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CALAMARIS = '/usr/bin/calamaris';
const GOACCESS = '/usr/bin/goaccess';
const SARG = '/usr/bin/sarg';

export const hasCalamaris = existsSync(CALAMARIS);
export const hasGoAccess = existsSync(GOACCESS);
export const hasSarg = existsSync(SARG);

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

export interface SargReport {
  /** Its pages, each as words between bars. */
  readonly pages: Readonly<Record<'users' | 'sites' | 'denied', string>>;
  readonly read: number;
  readonly excluded: number;
}

export function readWithSarg(file: string): SargReport {
  const folder = mkdtempSync(join(tmpdir(), 'sarg-'));
  const [config, output] = [join(folder, 'sarg.conf'), join(folder, 'out')];
  const reports = 'report_type topusers topsites sites_users users_sites denied';
  writeFileSync(config, `${reports}\nresolve_ip no\nrecords_without_userid ip\ndate_format e\n`);
  const run = spawnSync(SARG, ['-f', config, '-l', file, '-o', output, '-w', folder, '-x'], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
  });
  const [, read, excluded] = /Records read: (\d+), written: \d+, excluded: (\d+)/.exec(run.stderr) ?? [];
  const period = existsSync(output) ? readdirSync(output).find((name) => /^\d/.test(name)) : undefined;
  if (run.status !== 0 || period === undefined) throw new Error(run.stderr);
  const page = (name: string): string => {
    const path = join(output, period, name);
    const html = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return html.replace(/<[^>]*>/g, '|').replace(/[|\s]*\|[|\s]*/g, '|');
  };
  const pages = { users: page('index.html'), sites: page('topsites.html'), denied: page('denied.html') };
  return { pages, read: Number(read), excluded: Number(excluded) };
}
