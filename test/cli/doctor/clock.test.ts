// Whether the clock is right is told from what was written by it, and from who keeps it.

import { mkdirSync, mkdtempSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkClock } from '../../../src/cli/doctor/clock.ts';
import { rigConfig } from '../../support/rig.ts';

const now = Date.UTC(2027, 3, 1, 12);

/** A machine with these files, all of them written a day ago. */
function machine(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'clock-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
    utimesSync(join(root, name), now / 1000 - 86_400, now / 1000 - 86_400);
  }
  return root;
}

const SYSTEMD = { 'proc/1/comm': 'systemd\n' };

test.each([
  ['kept by timesyncd', { ...SYSTEMD, 'run/systemd/timesync/synchronized': '' }, 'ok', /synchronized by systemd/],
  ['kept by chrony', { ...SYSTEMD, 'proc/77/comm': 'chronyd\n' }, 'ok', /kept by chronyd/],
  ['kept by nobody', { ...SYSTEMD, 'proc/77/comm': 'bash\n' }, 'warning', /nothing seems to keep it/],
  ['with a timesyncd that has no server', { ...SYSTEMD, 'proc/8/comm': 'systemd-timesyn\n' }, 'warning', /no server/],
  ['of a container', { 'proc/1/comm': 'node\n' }, 'ok', /who keeps it is not to be seen/],
] as const)('a clock %s', async (_, files, state, reason) => {
  const found = await checkClock(undefined, { now, root: machine(files) });
  expect(found).toMatchObject({ check: 'clock', state, reason: expect.stringMatching(reason) });
  expect(found.reason).toContain('2027-04-01 12:00:00 UTC');
});

test('a clock that stands before what was written by it is wrong', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'clock-'));
  const config = rigConfig(folder);
  writeFileSync(config.file, '');
  utimesSync(config.file, now / 1000 + 3_600, now / 1000 + 3_600);
  utimesSync(folder, now / 1000, now / 1000);
  const found = await checkClock(config, { now, root: machine({}) });
  expect(found).toMatchObject({ state: 'failed', mend: expect.stringContaining('set it') });
  expect(found.reason).toContain(`${config.file} was written on 2027-04-01`);
  utimesSync(config.file, now / 1000 + 60, now / 1000 + 60);
  expect(await checkClock(config, { now, root: machine({}) })).toMatchObject({ state: 'ok' });
});

test('a clock that shows a time before this program was written is wrong', async () => {
  const found = await checkClock(undefined, { now: Date.UTC(1970, 0, 1), root: '/no/such' });
  expect(found).toMatchObject({ state: 'failed', reason: 'it shows 1970-01-01 00:00:00 UTC' });
});
