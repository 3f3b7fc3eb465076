// Real log readers take every line we can write: calamaris and GoAccess, without one invalid line.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccessLog } from '../../src/log/access-log.ts';
import { LOGGED_OUTCOMES, makeEntry } from '../support/log-entries.ts';

const CALAMARIS = '/usr/bin/calamaris';
const GOACCESS = '/usr/bin/goaccess';

/** As the README gives it. The method is skipped: GoAccess refuses `-`, which Squid prints where there was none. */
const GOACCESS_FORMAT = '%x.%^ %~%L %h %^/%s %b %^ %U %e %^ %M';

/** What a hostile client can get into a line, beside the plain outcomes. */
const HOSTILE = [
  makeEntry({ url: 'https://h.test/a b"c\\d\r\ne\x1b%zz\xff\u2028', user: '-' }),
  // GoAccess reads no line beyond 4095 bytes; ours may have 8191, as Squid's.
  makeEntry({ url: `https://h.test/${'a'.repeat(3800)}`, user: 'x y "z" \\ [q]\n', contentType: 'a\nb/"c' }),
];
const ENTRIES = [...LOGGED_OUTCOMES.map(({ entry }) => entry), ...HOSTILE];

let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-readers-'));
  file = join(folder, 'access.log');
  const log = AccessLog.open([{ path: file, format: 'squid' }], (error) => {
    throw error;
  });
  for (const entry of ENTRIES) log.write(entry);
  await log.close();
});
afterAll(() => rm(folder, { recursive: true }));

describe('log readers', () => {
  test.skipIf(!existsSync(CALAMARIS))(
    'calamaris reads a line of every outcome (skipped where it is missing)',
    async () => {
      const input = await readFile(file);
      const report = spawnSync(CALAMARIS, ['-a'], {
        input,
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      });
      expect(report.stderr).toBe('');
      expect(report.stdout).toMatch(new RegExp(`^lines parsed: +lines +${ENTRIES.length} *$`, 'm'));
      expect(report.stdout).toMatch(/^invalid lines: +lines +0 *$/m);
      for (const tag of [
        'TCP_MISS',
        'TCP_TUNNEL',
        'TCP_DENIED',
        'NONE_NONE',
        'NONE_NONE_ABORTED',
        'TCP_MISS_ABORTED',
      ]) {
        expect(report.stdout).toMatch(new RegExp(`^ ${tag} +[1-9]`, 'm'));
      }
    },
  );

  test.skipIf(!existsSync(GOACCESS))(
    'GoAccess reads a line of every outcome (skipped where it is missing)',
    async () => {
      const output = join(folder, 'report.json');
      const run = spawnSync(
        GOACCESS,
        [
          file,
          `--log-format=${GOACCESS_FORMAT}`,
          '--datetime-format=%s',
          '--no-strict-status', // Squid's status 000: no reply was sent
          '--no-global-config',
          '--no-progress',
          `--invalid-requests=${join(folder, 'invalid')}`,
          `--output=${output}`,
        ],
        { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } },
      );
      expect(run.status).toBe(0);
      const report: { general: Record<string, number>; mime_type: { data: { data: string }[] } } = JSON.parse(
        await readFile(output, 'utf8'),
      );
      const invalid = existsSync(join(folder, 'invalid')) ? await readFile(join(folder, 'invalid'), 'utf8') : '';
      expect(invalid).toBe('');
      expect(report.general).toMatchObject({
        total_requests: ENTRIES.length,
        valid_requests: ENTRIES.length,
        failed_requests: 0,
        bandwidth: ENTRIES.reduce((sum, { bytes }) => sum + bytes, 0),
      });
      expect(report.mime_type.data.map(({ data }) => data)).toContain('application');
    },
  );
});
