// What a sound config says at large, and who looks at it.

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkConfig, checkUser } from '../../../src/cli/doctor/config.ts';
import { rigConfig } from '../../support/rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'doctor-config-'));

test('a config is told by its rules and its mode', () => {
  const config = rigConfig(folder, { policy: { rules: [{ name: 'a', hosts: ['a.test'], action: 'allow' }] } });
  expect(checkConfig(config, '/etc/p.yaml')).toEqual([
    { check: 'config', state: 'ok', reason: '/etc/p.yaml is valid: 1 rule, default deny, enforce mode' },
  ]);
});

test('what is legal and seldom meant is a warning', () => {
  const found = checkConfig(rigConfig(folder, { policy: { mode: 'report', default: 'allow' } }), 'p.yaml');
  expect(found.map(({ state }) => state)).toEqual(['ok', 'warning', 'warning']);
  expect(found[1]?.reason).toMatch(/^policy\.mode is report/);
});

test('what is unsafe in a squid.conf is a warning, with what to do', () => {
  const config = rigConfig(folder, { policy: { rules: [{ name: 'a', hosts: ['a.test'], action: 'allow' }] } });
  const note = { file: 'squid.conf', line: 5, about: 'icap_enable', why: 'it is not asked', todo: 'keep it' };
  const notes = [
    { ...note, kind: 'unsafe' as const },
    { ...note, line: 6, kind: 'differs' as const },
  ];
  expect(checkConfig(config, 'squid.conf', notes).slice(1)).toEqual([
    { check: 'config', state: 'warning', reason: 'squid.conf:5 icap_enable: it is not asked', mend: 'keep it' },
  ]);
});

test('who is not the user of the proxy is told how to be', async () => {
  const { ca } = rigConfig(folder);
  expect(await checkUser({ ca }, 4711)).toEqual([]);
  mkdirSync(dirname(ca.key), { recursive: true });
  writeFileSync(ca.key, '');
  const us = process.geteuid?.() ?? 0;
  expect(await checkUser({ ca }, us)).toEqual([]);
  expect(await checkUser({ ca }, us + 1)).toMatchObject([
    { state: 'warning', mend: expect.stringContaining(`'#${us}'`) },
  ]);
});
