// A log opened for adding: what it is, whether its last line has an end, and that nothing is waited for.

import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { type OpenedLog, openLog } from '../../src/log/open-log.ts';

const folderOf = (): string => mkdtempSync(join(tmpdir(), 'open-'));

function open(path: string, first = true): OpenedLog {
  const opened = openLog(path, first);
  if (opened.fd > 2) onTestFinished(() => closeSync(opened.fd));
  return opened;
}

test.each([
  ['that is not there', undefined, false],
  ['that is empty', '', false],
  ['that ends with a line', 'one\n', false],
  ['whose last line has no end', 'one\ntw', true],
])('a file %s', (_, text, torn) => {
  const path = join(folderOf(), 'deep/access.log');
  if (text !== undefined) {
    open(path);
    writeFileSync(path, text);
  }
  expect(open(path)).toMatchObject({ isFile: true, torn });
  expect(open(path, false)).toMatchObject({ isFile: true, torn: false });
  expect(statSync(path).mode & 0o777).toBe(0o640 & ~process.umask());
});

test('a line that another one is just writing is not torn', async () => {
  const path = join(folderOf(), 'access.log');
  writeFileSync(path, 'half of');
  const turn = new Int32Array(new SharedArrayBuffer(4));
  const other = new Worker(
    `const { appendFileSync } = require('node:fs');
     const { workerData: { path, turn }, parentPort } = require('node:worker_threads');
     parentPort.postMessage('up');
     Atomics.wait(turn, 0, 0);
     Atomics.wait(turn, 0, 1, 5);
     appendFileSync(path, ' a line\\n');`,
    { eval: true, workerData: { path, turn } },
  );
  await new Promise((resolve) => other.once('message', resolve));
  const ended = new Promise((resolve) => other.once('exit', resolve));
  Atomics.store(turn, 0, 1);
  Atomics.notify(turn, 0);
  expect(open(path).torn).toBe(false);
  await ended;
});

test('a named pipe that nobody reads is full in time, not for ever', () => {
  const path = join(folderOf(), 'pipe');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  const { fd, isFile, torn } = open(path);
  expect([isFile, torn]).toEqual([false, false]);
  const fill = (): void => {
    for (;;) writeSync(fd, Buffer.alloc(4_096));
  };
  expect(fill).toThrow('EAGAIN');
});

test('what cannot be opened throws what the system says', () => {
  expect(() => open(tmpdir())).toThrow('EISDIR');
  expect(() => open(join(import.meta.filename, 'access.log'))).toThrow('EEXIST');
});
