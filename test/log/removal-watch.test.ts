// A file that somebody removes while it is written to: told once, with what went with it.

import { closeSync, mkdtempSync, openSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RemovalWatch, type Removed } from '../../src/log/removal-watch.ts';
import { until } from '../support/rig.ts';

function watched() {
  const path = join(mkdtempSync(join(tmpdir(), 'removal-')), 'log');
  const fd = openSync(path, 'a+');
  onTestFinished(() => closeSync(fd));
  const told: Removed[] = [];
  return { path, told, watch: new RemovalWatch(fd, (removed) => told.push(removed)) };
}

test('what has been written since it was last seen is told, once', async () => {
  const { path, told, watch } = watched();
  rmSync(path);
  watch.wrote('one\n');
  watch.wrote('two\n');
  await until(() => told.length > 0, 'the removal');
  watch.wrote('three\n');
  expect(told).toEqual([{ lines: 'one\ntwo\n', lost: 0 }]);
});

test('of what is more than it keeps, the lines are counted', async () => {
  const { path, told, watch } = watched();
  rmSync(path);
  const line = `${'x'.repeat(1023)}\n`;
  for (let count = 0; count < 300; count += 1) watch.wrote(line);
  await until(() => told.length > 0, 'the removal');
  expect(told.map(({ lines, lost }) => [lines.length, lost])).toEqual([[256 * 1024, 44]]);
});

test('a file that is only renamed is none, nor is one that is left', async () => {
  const { path, told, watch } = watched();
  renameSync(path, `${path}.1`);
  watch.wrote('one\n');
  // Behind the look, whose answer comes by the same way.
  await new Promise((resolve) => setTimeout(resolve, 50));
  rmSync(`${path}.1`);
  watch.end();
  watch.wrote('two\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(told).toEqual([]);
});
