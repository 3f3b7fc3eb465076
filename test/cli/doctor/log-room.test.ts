// Whether the logs can be written is found without writing.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkLogRoom } from '../../../src/cli/doctor/log-room.ts';
import { rigConfig } from '../../support/rig.ts';

const fresh = (): string => mkdtempSync(join(tmpdir(), 'log-room-'));

/** Of one log at this path, and no audit log. */
function logAt(path: string) {
  const { log, rejections } = rigConfig(fresh());
  return {
    rejections: { ...rejections, onReject: 'off' as const },
    log: { ...log, access: [{ path, format: 'squid' as const }] },
  };
}

describe('a log', () => {
  test('that is there, and one that is not, may both be written', async () => {
    const folder = fresh();
    writeFileSync(join(folder, 'access.log'), '');
    const [found] = await checkLogRoom(logAt(join(folder, 'access.log')));
    expect(found).toMatchObject({
      check: 'log',
      reason: expect.stringMatching(/access\.log can be written, .* free$/),
    });
    const [absent] = await checkLogRoom(logAt(join(folder, 'deep/er/access.log')));
    expect(absent?.reason).toMatch(/deep\/er\/access\.log can be made, .* free$/);
    expect(readdirSync(folder)).toEqual(['access.log']);
  });

  test('on standard output needs no room', async () => {
    expect(await checkLogRoom(logAt('stdout'))).toEqual([{ check: 'log', state: 'ok', reason: 'to standard output' }]);
  });

  test('that is a folder is none', async () => {
    const folder = fresh();
    expect(await checkLogRoom(logAt(folder))).toMatchObject([
      { state: 'failed', reason: expect.stringMatching(/is no file$/) },
    ]);
  });

  test('below a file cannot be made', async () => {
    const folder = fresh();
    writeFileSync(join(folder, 'x'), '');
    await expect(checkLogRoom(logAt(join(folder, 'x/access.log')))).rejects.toThrow(/ENOTDIR/);
  });

  test.skipIf(process.geteuid?.() === 0)('in a folder of others cannot be made', async () => {
    const folder = fresh();
    mkdirSync(join(folder, 'closed'));
    chmodSync(join(folder, 'closed'), 0o500);
    const [found] = await checkLogRoom(logAt(join(folder, 'closed/access.log')));
    expect(found).toMatchObject({ state: 'failed', reason: expect.stringMatching(/is not writable$/) });
  });
});

test('the audit log and the state belong to it, where they are used', async () => {
  const found = await checkLogRoom(rigConfig(fresh()));
  expect(found.map(({ check }) => check)).toEqual(['log', 'log', 'audit', 'state']);
});
