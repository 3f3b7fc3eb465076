// Files that are as they were, and files that are not.

import { mkdtempSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStamps } from '../../src/assemble/file-stamps.ts';

describe('the stamps of files', () => {
  const make = (): string => {
    const file = join(mkdtempSync(join(tmpdir(), 'stamps-')), 'f');
    writeFileSync(file, 'one');
    return file;
  };

  test('are the same as long as nothing changes', async () => {
    const file = make();
    expect(await fileStamps([file, 'system', undefined])).toBe(await fileStamps([file, 'system', undefined]));
  });

  test.each<[sentence: string, change: (file: string) => void]>([
    ['are others when it was written', (file) => writeFileSync(file, 'two')],
    [
      'are others when another took its place, whatever it says of its age',
      (file) => {
        writeFileSync(`${file}.new`, 'one');
        utimesSync(`${file}.new`, 0, 0);
        renameSync(`${file}.new`, file);
      },
    ],
    ['are others when it is gone', (file) => renameSync(file, `${file}.gone`)],
  ])('%s', async (_, change) => {
    const file = make();
    const before = await fileStamps([file]);
    change(file);
    expect(await fileStamps([file])).not.toBe(before);
  });
});
