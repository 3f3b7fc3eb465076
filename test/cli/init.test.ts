// A config to start from: valid as it is, and never in the place of another.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { init, PROFILES } from '../../src/cli/init.ts';
import { loadConfig } from '../../src/config/load.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

const newFile = (...path: string[]): string => join(mkdtempSync(join(tmpdir(), 'init-')), ...path, 'my.yaml');

test.each([
  ['audit', 'report'],
  ['strict', 'enforce'],
] as const)('%s is valid, in %s mode, with its files beside it', async (profile, mode) => {
  const file = newFile('deeper', 'still');
  const terminal = fakeTerminal();
  expect(await init(terminal, file, { profile })).toBe(0);
  const config = await loadConfig(file);
  expect(config.policy.mode).toBe(mode);
  expect(config.ca.cert).toBe(join(dirname(file), 'certs/ca.pem'));
  expect(config.log.access[0]?.path).toBe(join(dirname(file), 'log/access.log'));
  expect(readFileSync(file, 'utf8')).toMatch(/^# /);
  expect(readFileSync(file, 'utf8')).not.toContain('../');
  expect(terminal.outText()).toContain(`check --config ${file} && sallyport up --config ${file}`);
});

test('these are all the profiles there are', () => {
  expect(PROFILES).toEqual(['audit', 'strict']);
});

test('an existing file stays as it is', async () => {
  const file = newFile();
  writeFileSync(file, 'mine');
  const terminal = fakeTerminal();
  expect(await init(terminal, file, { profile: 'audit' })).toBe(1);
  expect(readFileSync(file, 'utf8')).toBe('mine');
  expect(terminal.errText()).toBe(`${file} exists already: name another file, or move it away.\n`);
  expect(terminal.outText()).toBe('');
});

test('a folder that cannot be made is told', async () => {
  const file = newFile();
  writeFileSync(file, '');
  const terminal = fakeTerminal();
  expect(await init(terminal, join(file, 'below', 'x.yaml'), { profile: 'audit' })).toBe(1);
  expect(terminal.errText()).toMatch(/x\.yaml cannot be written \(ENOTDIR: .*\)\.\n$/);
});
