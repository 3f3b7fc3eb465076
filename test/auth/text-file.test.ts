import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type NumberedLine, readTextFile, stampOf, watchTextFiles } from '../../src/auth/text-file.ts';

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

describe('a file that is watched', () => {
  /** The next file that has changed. */
  const changeOf = (paths: string[], stamps: string[]): Promise<string> =>
    new Promise((resolve) => {
      onTestFinished(watchTextFiles(paths, stamps, async (path) => resolve(path)));
    });

  test('is noticed when another takes its place', async () => {
    const path = file('watched', 'one');
    const changed = changeOf([file('still', 'x'), path], [await stampOf(join(folder, 'still')), await stampOf(path)]);
    renameSync(file('next', 'two'), path);
    expect(await changed).toBe(path);
  });

  test('is noticed when it has changed before the watch began, but after its stamp', async () => {
    const path = file('early', 'one');
    const stamp = await stampOf(path);
    writeFileSync(path, 'two, which is longer');
    expect(await changeOf([path], [stamp])).toBe(path);
  });

  test('is noticed when it goes, and when it comes back', async () => {
    const path = file('gone', 'one');
    const stamp = await stampOf(path);
    rmSync(path);
    expect(await changeOf([path], [stamp])).toBe(path);
    const gone = await stampOf(path);
    file('gone', 'one');
    expect(await changeOf([path], [gone])).toBe(path);
  });
});
