// The access log at the start of a proxy: one that cannot be written keeps it from starting, one that fails later is told.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openAccessLog } from '../../src/log/open-access-log.ts';
import { makeEntry } from '../support/log-entries.ts';
import { serviceRecorder } from '../support/service-recorder.ts';

const folder = mkdtempSync(join(tmpdir(), 'open-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('one that can be written is open, and nothing is said', async () => {
  const { log, said } = serviceRecorder();
  const path = join(folder, 'access.log');
  const accessLog = await openAccessLog([{ path, format: 'squid' }], log);
  accessLog.write(makeEntry());
  await accessLog.close();
  expect(readFileSync(path, 'utf8')).toMatch(/\n$/);
  expect(said).toEqual([]);
});

test('one that cannot is an error that names the mend', async () => {
  const { log, said } = serviceRecorder();
  writeFileSync(join(folder, 'in-the-way'), '');
  const opening = openAccessLog([{ path: join(folder, 'in-the-way', 'access.log'), format: 'squid' }], log);
  await expect(opening).rejects.toMatchObject({
    code: 'log-failed',
    detail: expect.stringMatching(/make it writable for this user, or name another path under "log"\.$/),
  });
  expect(said).toEqual([]);
});

test('one that cannot is told and tried again where others write already', async () => {
  const { log, said } = serviceRecorder();
  const path = join(folder, 'comes-back', 'access.log');
  writeFileSync(join(folder, 'comes-back'), '');
  const accessLog = await openAccessLog([{ path, format: 'squid', moment: 0 }], log, { tolerant: true });
  expect(said).toEqual([{ level: 'error', fields: { error: expect.stringContaining(path) }, message: 'access log' }]);
  accessLog.write(makeEntry());
  rmSync(join(folder, 'comes-back'));
  await accessLog.reopen();
  await accessLog.close();
  expect(readFileSync(path, 'utf8')).toMatch(/\n$/);
});

test('one that fails later is told', async () => {
  const { log, said } = serviceRecorder();
  const accessLog = await openAccessLog([{ path: join(folder, 'later.log'), format: 'json' }], log);
  accessLog.write(makeEntry({ time: Number.NaN }));
  await accessLog.close();
  expect(said).toEqual([
    { level: 'error', fields: { error: expect.stringContaining('Invalid') }, message: 'access log' },
  ]);
});
