// Lines of the audit log.

import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeAudit } from '../../src/log/audit-log.ts';

test('each change is a line of its own, whatever is in it, and the folder is made', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'audit-')), 'log', 'audit.log');
  const now = new Date('2026-01-02T03:04:05.678Z');
  await writeAudit(path, { audit: 'reload', by: 'a\n{"audit":"forged"}\u2028ü' }, now);
  await writeAudit(path, { audit: 'rotate', by: 'SIGUSR1' }, now);
  expect(readFileSync(path, 'latin1').split('\n')).toEqual([
    '{"time":"2026-01-02T03:04:05.678Z","audit":"reload","by":"a\\n{\\"audit\\":\\"forged\\"}\\u2028\\u00fc"}',
    '{"time":"2026-01-02T03:04:05.678Z","audit":"rotate","by":"SIGUSR1"}',
    '',
  ]);
  expect(statSync(path).mode & 0o007).toBe(0);
});

test('a log that cannot be written is told', async () => {
  await expect(writeAudit('/dev/null/audit.log', {}, new Date())).rejects.toThrow('/dev/null');
});
