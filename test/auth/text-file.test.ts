import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type NumberedLine, readTextFile, watchTextFile } from '../../src/auth/text-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'text-file-'));
const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const asIs = (lines: readonly NumberedLine[]) => ({ ok: true, value: lines }) as const;

test('comments and empty lines are left out, and the others keep their numbers', async () => {
  const path = file('a', '\ufeff# users\n\n  one  \r\n#two\nthree');
  expect(await readTextFile(path, asIs)).toEqual([
    { line: 3, text: 'one' },
    { line: 5, text: 'three' },
  ]);
});

test('what is wrong with lines is told with file and line, and not all of it where all is wrong', async () => {
  const path = file('b', 'x\n'.repeat(12));
  const problems = Array.from({ length: 12 }, (_, index) => ({ line: index + 1, message: 'it is x' }));
  const read = readTextFile(path, () => ({ ok: false, problems }));
  await expect(read).rejects.toMatchObject({ code: 'auth-unusable' });
  await expect(read).rejects.toThrow(`${path}:1: it is x\n${path}:2: it is x\n`);
  await expect(read).rejects.toThrow('and 2 more');
});

test.each([
  ['that is not there', () => join(folder, 'absent'), /absent: the file cannot be read \(.*ENOENT/],
  ['that is a folder', () => folder, /the file cannot be read \(.*EISDIR/],
  ['that is not UTF-8', () => file('latin', Buffer.of(0x61, 0xff, 0x0a)), /latin: the file is not UTF-8 text/],
  ['without end', () => '/dev/zero', /\/dev\/zero: the file is larger than 16 MiB/],
])('a file %s is told', async (_name, path, message) => {
  await expect(readTextFile(path(), asIs)).rejects.toThrow(message);
});

test('a file that was replaced by another is noticed', async () => {
  const path = file('watched', 'one');
  const changed = new Promise<void>((resolve) => {
    onTestFinished(watchTextFile(path, resolve));
  });
  renameSync(file('next', 'two, which is longer'), path);
  await changed;
});
