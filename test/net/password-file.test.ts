// The password of a parent, read from a file that not everybody may read; what is in it is in no error.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { readPasswordFile } from '../../src/net/password-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'password-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
function file(text: string, mode = 0o600): string {
  count += 1;
  const path = join(folder, `secret${count}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

test.each([
  ['hunter2', 'hunter2'],
  ['hunter2\n', 'hunter2'],
  ['hunter2\r\nand a remark\n', 'hunter2'],
  [' a b:c ', ' a b:c '],
  ['pässwörd\n', 'pässwörd'],
])('the password in %j is %j', (text, password) => {
  expect(readPasswordFile(file(text))).toBe(password);
});

test('a group may read it', () => {
  expect(readPasswordFile(file('hunter2', 0o640))).toBe('hunter2');
});

test.each([
  ['is not there', () => join(folder, 'absent'), /cannot be read \(ENOENT/],
  ['is empty', () => file(''), /is empty/],
  ['begins with an empty line', () => file('\nhunter2'), /is empty/],
  ['is open to everybody', () => file('hunter2', 0o644), /open to everybody; run: chmod o= /],
  ['is too large', () => file('hunter2'.repeat(1_000)), /larger than 4096 bytes/],
  [
    'is a folder',
    () => {
      mkdirSync(join(folder, 'sub'), { mode: 0o700 });
      return join(folder, 'sub');
    },
    /is not a file/,
  ],
  [
    'is a pipe',
    () => {
      execFileSync('mkfifo', ['-m', '600', join(folder, 'pipe')]);
      return join(folder, 'pipe');
    },
    /is not a file/,
  ],
])('a file that %s is refused by name', (_what, make, reason) => {
  const path = make();
  const read = (): string => readPasswordFile(path);
  expect(read).toThrow(ProxyError);
  expect(read).toThrow(reason);
  expect(read).toThrow(path);
  expect(read).not.toThrow(/hunter2/);
});
