// Lines reach their file whole and in order, through rotation, missing folders and failing disks.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
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

  test('that cannot be opened is reported once, its lines wait, and it works after a reopen', async () => {
    const path = join(folder, 'access.log');
    await mkdir(path);
    const file = new LogFile(path, onError);
    for (const line of numbered(0, 10)) file.write(line);
    expect(errors.map(({ code, detail }) => `${code} ${detail}`)).toEqual([
      `log-failed ${path}: EISDIR: illegal operation on a directory, open '${path}'`,
    ]);
    expect(file.state).toBe('failing');
    await rm(path, { recursive: true });
    await file.reopen();
    file.write('at last');
    await file.close();
    expect(await linesOf(path)).toEqual([...numbered(0, 10), 'at last']);
    expect([file.lost, file.state]).toEqual([0, 'well']);
    expect(errors).toHaveLength(1);
  });

  test('that cannot be opened is tried again by itself a second later; what does not fit meanwhile is counted', async () => {
    const states: string[] = [];
    const path = join(folder, 'access.log');
    await mkdir(path);
    const file = new LogFile(path, onError, { most: 20, onState: (state) => void states.push(state) });
    file.write('kept');
    await new Promise((resolve) => setTimeout(resolve, 10));
    file.write('this one is too long');
    await expect.poll(() => file.lost).toBeGreaterThan(0);
    await rm(path, { recursive: true });
    await expect.poll(() => file.state, { timeout: 3_000 }).toBe('well');
    await file.close();
    expect(await linesOf(path)).toEqual(['kept']);
    expect(states).toEqual(['failing', 'dropping', 'well']);
    expect(errors.map(({ detail }) => detail).at(-1)).toContain('do not fit into memory');
  });

  test('whose last line was never ended begins a new one', async () => {
    const path = join(folder, 'access.log');
    await writeFile(path, 'whole\nto');
    const file = new LogFile(path, onError);
    file.write('next');
    await file.close();
    expect(await linesOf(path)).toEqual(['whole', 'to', 'next']);
  });

  test('goes on in the old file when the new one cannot be opened', async () => {
    const path = join(folder, 'access.log');
    const file = new LogFile(path, onError);
    await rename(path, join(folder, 'old.log'));
    await mkdir(path);
    expect(await file.reopen()).toMatchObject({ code: 'log-failed', detail: expect.stringContaining('EISDIR') });
    file.write('still here');
    await file.close();
    expect(await linesOf(join(folder, 'old.log'))).toEqual(['still here']);
    expect(errors).toHaveLength(1);
  });

  test('that could not be opened anew says so until it is, tries it each second, and then leaves the old file', async () => {
    const states: string[] = [];
    const path = join(folder, 'access.log');
    const file = new LogFile(path, onError, { onState: (state) => void states.push(state) });
    await rename(path, join(folder, 'old.log'));
    await mkdir(path);
    await file.reopen();
    file.write('one');
    await expect.poll(() => linesOf(join(folder, 'old.log'))).toEqual(['one']);
    expect([file.state, file.stats.failing]).toEqual(['failing', true]);
    await rm(path, { recursive: true });
    await expect.poll(() => file.state, { timeout: 3_000 }).toBe('well');
    file.write('two');
    await file.close();
    expect(await linesOf(path)).toEqual(['two']);
    expect(await linesOf(join(folder, 'old.log'))).toEqual(['one']);
    expect(states).toEqual(['failing', 'well']);
    expect(file.lost).toBe(0);
  });

  test('that is opened anew while another one is within a line does not break that line', async () => {
    const path = join(folder, 'access.log');
    const file = new LogFile(path, onError);
    await rename(path, join(folder, 'old.log'));
    await writeFile(path, 'half of');
    await file.reopen();
    await appendFile(path, ' a line\n');
    file.write('ours');
    await file.close();
    expect(await linesOf(path)).toEqual(['half of a line', 'ours']);
  });

  test('that is opened anew while the disk is still full is not well before a line has got through', async () => {
    const states: string[] = [];
    const path = join(folder, 'access.log');
    await symlink('/dev/full', path);
    const file = new LogFile(path, onError, { onState: (state) => void states.push(state) });
    file.write('one');
    await expect.poll(() => file.state).toBe('failing');
    await file.reopen();
    await expect.poll(() => file.stats.waiting).toBe(4);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(states).toEqual(['failing']);
    await rm(path);
    await file.reopen();
    await expect.poll(() => file.state).toBe('well');
    await file.close();
    expect(await linesOf(path)).toEqual(['one']);
    expect(states).toEqual(['failing', 'well']);
  });

  test('keeps of what it takes as many lines as fit, counts the others, and is well again when there is room for half', async () => {
    const states: string[] = [];
    const path = join(folder, 'access.log');
    await symlink('/dev/full', path);
    const file = new LogFile(path, onError, { most: 100, onState: (state) => void states.push(state) });
    file.write('line 10');
    await expect.poll(() => file.state).toBe('failing');
    for (let number = 11; number < 50; number += 1) file.write(`line ${number}`);
    await expect.poll(() => file.lost).toBe(28);
    expect(file.stats.waiting).toBe(96);
    await rm(path);
    await file.reopen();
    await file.close();
    expect(await linesOf(path)).toEqual(Array.from({ length: 12 }, (_, index) => `line ${10 + index}`));
    expect(states).toEqual(['failing', 'dropping', 'well']);
    expect(file.lost).toBe(28);
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
    expect(file.lost).toBe(200);
    expect(errors.map(({ detail }) => detail).slice(1)).toEqual([
      '/dev/full: it is closed, and there are lines that could not be kept (200 lines lost so far)',
    ]);
  });

  test('hands what it could not write to the one that comes after it, and loses none of it', async () => {
    const path = join(folder, 'access.log');
    const file = new LogFile('/dev/full', onError);
    for (const line of numbered(0, 100)) file.write(line);
    const next = new LogFile(path, onError);
    next.write('its own');
    await file.close(next);
    await next.close();
    expect(await linesOf(path)).toEqual(['its own', ...numbered(0, 100)]);
    expect([file.lost, next.lost]).toEqual([0, 0]);
  });

  test('that is a pipe which nobody reads is closed within seconds, and what did not go in is counted', async () => {
    const path = join(folder, 'pipe');
    expect(spawnSync('mkfifo', [path]).status).toBe(0);
    const file = new LogFile(path, onError);
    for (let count = 0; count < 1_000; count += 1) file.write('z'.repeat(99));
    await file.close();
    // As much as a pipe holds: what is behind is not in it.
    expect(file.lost).toBe(1_000 - Math.floor(65_536 / 4_096) * 40);
    // The end is told once, and before it that the pipe is full, unless the system still had a piece in hand.
    const [first, ...others] = errors.map(({ detail }) => detail);
    expect(first).toMatch(/pipe: (?:EAGAIN|lines cannot be kept)/);
    expect(others.length).toBe(first?.includes('EAGAIN') ? 1 : 0);
    expect(errors.at(-1)?.detail).toContain(`(${file.lost} lines lost so far)`);
  });

  test('REL-06: on a full disk keeps a bounded number of lines in memory and counts the others', async () => {
    const file = new LogFile('/dev/full', onError);
    const line = 'x'.repeat(1024 * 1024 - 1);
    for (let count = 0; count < 40; count += 1) file.write(line);
    await expect.poll(() => file.lost).toBe(8);
    await file.close();
  });

  test('REL-06: that somebody removes is made anew within a second, and no line goes nowhere', async () => {
    const path = join(folder, 'access.log');
    const file = new LogFile(path, onError);
    for (const line of numbered(0, 100)) file.write(line);
    await expect.poll(() => linesOf(path)).toHaveLength(100);
    await rm(path);
    let next = 100;
    const writeTen = (): void => {
      for (const line of numbered(next, next + 10)) file.write(line);
      next += 10;
    };
    const isThere = (): boolean => {
      writeTen();
      return existsSync(path);
    };
    await expect.poll(isThere, { interval: 5, timeout: 5_000 }).toBe(true);
    writeTen();
    await file.close();
    const lines = await linesOf(path);
    // Of what stood in the file before, only what it was not yet seen with.
    const [first = ''] = lines;
    const from = Number(/^line (\d+) /.exec(first)?.[1]);
    expect(from).toBeLessThanOrEqual(100);
    expect(lines).toEqual(numbered(from, next));
    expect([file.lost, file.state]).toEqual([0, 'well']);
    expect(errors.map(({ detail }) => detail)).toEqual([`${path}: the file has been removed; another one is made`]);
  });

  test('that is removed with its folder, for which there is no other, keeps its lines until there is', async () => {
    const place = join(folder, 'logs');
    const path = join(place, 'access.log');
    const file = new LogFile(path, onError);
    file.write('one');
    await expect.poll(() => linesOf(path)).toEqual(['one']);
    await rm(place, { recursive: true });
    await writeFile(place, 'in the way');
    let count = 0;
    const stateAfterOneMore = (): string => {
      count += 1;
      file.write(`more ${count}`);
      return file.state;
    };
    await expect.poll(stateAfterOneMore, { interval: 5, timeout: 5_000 }).toBe('failing');
    await rm(place);
    await expect.poll(() => file.state, { timeout: 5_000 }).toBe('well');
    await file.close();
    const kept = await linesOf(path);
    expect(kept.filter((line) => line !== 'one')).toEqual(Array.from({ length: count }, (_, n) => `more ${n + 1}`));
    expect(file.lost).toBe(0);
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

  test('takes nothing after close, counts what comes, and closes twice', async () => {
    const path = join(folder, 'access.log');
    const file = new LogFile(path, onError);
    file.write('one');
    await file.close();
    file.write('two');
    await file.reopen();
    await file.close();
    expect(await linesOf(path)).toEqual(['one']);
    expect(file.lost).toBe(1);
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
    expect(errors[0]).toContain('stdout: EPIPE');
    expect(errors.slice(1)).toEqual([
      `stdout: it is closed, and there are lines that could not be kept (${lost} lines lost so far)`,
    ]);
    // The last line, and what was written together when the pipe broke.
    expect(lost).toBeGreaterThanOrEqual(1);
  });
});
