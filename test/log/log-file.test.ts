// Lines reach their file whole and in order, through rotation, missing folders and failing disks.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ProxyError } from '../../src/core/errors.ts';
import { LogFile } from '../../src/log/log-file.ts';

let folder: string;
let errors: ProxyError[];
const onError = (error: ProxyError): void => void errors.push(error);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-file-'));
  errors = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const linesOf = async (file: string): Promise<string[]> => (await readFile(file, 'latin1')).split('\n').slice(0, -1);
const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index} ${'x'.repeat((from + index) % 90)}`);

describe('a log file', () => {
  test('is made with its folder, for the owner and the group only, and holds every line in order', async () => {
    const path = join(folder, 'a', 'b', 'access.log');
    const file = new LogFile(path, onError);
    for (const line of numbered(0, 5000)) file.write(line);
    await file.close();
    expect(await linesOf(path)).toEqual(numbered(0, 5000));
    expect((await stat(path)).mode & 0o777).toBe(0o640 & ~process.umask());
    expect(errors).toEqual([]);
  });

  test('is added to when it exists', async () => {
    const path = join(folder, 'access.log');
    for (const line of ['one', 'two']) {
      const file = new LogFile(path, onError);
      file.write(line);
      await file.close();
    }
    expect(await linesOf(path)).toEqual(['one', 'two']);
  });

  test('loses, doubles and tears nothing when it is rotated fifty times under load', async () => {
    const path = join(folder, 'access.log');
    const file = new LogFile(path, onError);
    for (let turn = 0; turn < 50; turn += 1) {
      for (const line of numbered(turn * 100, turn * 100 + 60)) file.write(line);
      await rename(path, join(folder, `access.log.${turn}`));
      file.reopen();
      for (const line of numbered(turn * 100 + 60, turn * 100 + 100)) file.write(line);
    }
    await file.close();
    const all: string[] = [];
    for (let turn = 0; turn < 50; turn += 1) all.push(...(await linesOf(join(folder, `access.log.${turn}`))));
    all.push(...(await linesOf(path)));
    expect(all.sort()).toEqual(numbered(0, 5000).sort());
    expect(errors).toEqual([]);
  });

  test('two writers share one file without tearing lines', async () => {
    const path = join(folder, 'access.log');
    const files = ['a', 'b'].map((name) => ({ name, file: new LogFile(path, onError) }));
    for (const line of numbered(0, 3000)) for (const { name, file } of files) file.write(`${name} ${line}`);
    await Promise.all(files.map(({ file }) => file.close()));
    const lines = await linesOf(path);
    expect(lines.filter((line) => line.startsWith('a ')).map((line) => line.slice(2))).toEqual(numbered(0, 3000));
    expect(lines.filter((line) => line.startsWith('b ')).map((line) => line.slice(2))).toEqual(numbered(0, 3000));
  });

  test('that cannot be opened is reported once, its lines are counted, and it works after a reopen', async () => {
    const path = join(folder, 'access.log');
    await mkdir(path);
    const file = new LogFile(path, onError);
    for (const line of numbered(0, 10)) file.write(line);
    expect(errors.map(({ code, detail }) => `${code} ${detail}`)).toEqual([
      `log-failed ${path}: EISDIR: illegal operation on a directory, open '${path}'`,
    ]);
    expect(file.lost).toBe(10);
    await rm(path, { recursive: true });
    file.reopen();
    file.write('at last');
    await file.close();
    expect(await linesOf(path)).toEqual(['at last']);
    expect(errors).toHaveLength(1);
  });

  test('that cannot be opened is tried again by itself a second later, and the report comes again after a minute', async () => {
    let now = 100_000;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const path = join(folder, 'access.log');
    await mkdir(path);
    const file = new LogFile(path, onError);
    now += 60_001;
    file.write('lost');
    expect(errors).toHaveLength(2);
    now += 60_001;
    file.write('lost too');
    expect(errors[2]?.detail).toContain('(1 lines lost so far)');
    await rm(path, { recursive: true });
    file.write('too early');
    now += 1000;
    file.write('kept');
    await file.close();
    expect(await linesOf(path)).toEqual(['kept']);
    expect(file.lost).toBe(3);
  });

  test('goes on in the old file when the new one cannot be opened', async () => {
    const path = join(folder, 'access.log');
    const file = new LogFile(path, onError);
    await rename(path, join(folder, 'old.log'));
    await mkdir(path);
    file.reopen();
    file.write('still here');
    await file.close();
    expect(await linesOf(join(folder, 'old.log'))).toEqual(['still here']);
    expect(errors).toHaveLength(1);
  });

  test('on a full disk reports once, does not throw, does not hang on close', async () => {
    const reported = Promise.withResolvers<ProxyError>();
    const file = new LogFile('/dev/full', (error) => {
      onError(error);
      reported.resolve(error);
    });
    for (const line of numbered(0, 100)) file.write(line);
    expect((await reported.promise).detail).toBe('/dev/full: ENOSPC: no space left on device, write');
    for (const line of numbered(0, 100)) file.write(line);
    await file.close();
    expect(errors).toHaveLength(1);
  });

  test('REL-06: on a full disk keeps a bounded number of lines in memory and counts the others', async () => {
    const file = new LogFile('/dev/full', onError);
    const line = 'x'.repeat(1024 * 1024 - 1);
    for (let count = 0; count < 40; count += 1) file.write(line);
    await expect.poll(() => file.lost).toBe(8);
    await file.close();
  });

  test('REL-07: that is renamed and opened anew fifty times while lines come loses none, doubles none and tears none', async () => {
    const path = join(folder, 'rotated.log');
    const file = new LogFile(path, onError);
    const written: string[] = [];
    for (let turn = 0; turn < 50; turn += 1) {
      for (let count = 0; count < 200; count += 1) {
        const line = `${turn} ${count} ${'x'.repeat(count)}`;
        written.push(line);
        file.write(line);
        if (count % 20 === 0) await new Promise(setImmediate);
      }
      await rename(path, `${path}.${turn}`);
      file.reopen();
    }
    await file.close();
    const kept: string[] = [];
    for (let turn = 0; turn < 50; turn += 1) kept.push(...(await linesOf(`${path}.${turn}`)));
    expect([...kept, ...(await linesOf(path))]).toEqual(written);
    expect(file.lost).toBe(0);
  });

  test('takes nothing after close, and closes twice', async () => {
    const path = join(folder, 'access.log');
    const file = new LogFile(path, onError);
    file.write('one');
    await file.close();
    file.write('two');
    file.reopen();
    await file.close();
    expect(await linesOf(path)).toEqual(['one']);
  });
});

describe('standard output', () => {
  const program = `
    import { LogFile } from ${JSON.stringify(join(import.meta.dirname, '../../src/log/log-file.ts'))};
    const errors = [];
    const file = new LogFile('stdout', (error) => errors.push(error.detail));
    file.reopen();
    for (let count = 0; count < 3000; count += 1) file.write('line ' + count);
    await new Promise((resolve) => setTimeout(resolve, Number(process.argv[1])));
    file.write('last');
    await file.close();
    process.stderr.write(JSON.stringify({ errors, lost: file.lost }));
  `;
  const start = (wait: number) =>
    spawn(process.execPath, ['--input-type=module', '-e', program, String(wait)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  test('gets every line', async () => {
    const child = start(0);
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([...Array.from({ length: 3000 }, (_, index) => `line ${index}`), 'last', '']);
  });

  test('whose reader went away is reported, and ends neither the process nor its close', async () => {
    const child = start(300);
    let report = '';
    child.stderr.on('data', (chunk) => {
      report += chunk;
    });
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    const { errors, lost } = JSON.parse(report);
    expect(errors).toEqual([expect.stringContaining('stdout: EPIPE')]);
    // The last line, and what was written together when the pipe broke.
    expect(lost).toBeGreaterThanOrEqual(1);
  });
});
