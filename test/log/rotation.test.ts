// Old files renamed and new ones begun: when asked, by size, by the clock.

import { mkdir, mkdtemp, readdir, readFile, rmdir, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LogRotation, type RotationParts } from '../../src/log/rotation.ts';

let folder: string;
let path: string;
let reopened: number;
let told: string[];
let cannotReopen: Error | undefined;
let rotation: LogRotation | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rotation-'));
  path = join(folder, 'access.log');
  reopened = 0;
  told = [];
  cannotReopen = undefined;
});
afterEach(async () => {
  await rotation?.end();
  vi.useRealTimers();
});

function begin(...given: (RotationParts['logs'][number] | (() => boolean))[]): LogRotation {
  const logs = given.filter((one) => typeof one !== 'function');
  const isStopping = given.find((one) => typeof one === 'function') ?? (() => false);
  const say = (fields: object, message: string): void => void told.push(`${message} ${JSON.stringify(fields)}`);
  const reopen = async (): Promise<void> => {
    reopened += 1;
    if (cannotReopen) throw cannotReopen;
  };
  rotation = new LogRotation({ logs, reopen, isStopping, service: { info: say, error: say } });
  return rotation;
}

const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');

describe('a rotation', () => {
  test('that is asked for numbers what it keeps as Squid does, and drops the oldest', async () => {
    const asked = begin({ path, rotate: { keep: 3 } });
    for (const text of ['one', 'two', 'three', 'four']) {
      await writeFile(path, text);
      await asked.rotate('test');
    }
    expect((await readdir(folder)).sort()).toEqual(['access.log.0', 'access.log.1', 'access.log.2']);
    expect([await read('access.log.0'), await read('access.log.1'), await read('access.log.2')]).toEqual([
      'four',
      'three',
      'two',
    ]);
    expect(reopened).toBe(4);
    expect(told[0]).toBe(`logs reopened {"by":"test","renamed":["${path}"]}`);
  });

  test.each([
    ['none of its own', {}],
    ['0 to keep', { rotate: { keep: 0 } }],
  ])('of a log with %s only opens it anew', async (_, options) => {
    await writeFile(path, 'one');
    await begin({ path, ...options }).rotate('SIGUSR1');
    expect(await readdir(folder)).toEqual(['access.log']);
    expect(reopened).toBe(1);
  });

  test('leaves standard output, an empty file, and one that somebody else has renamed', async () => {
    await writeFile(path, '');
    const other = join(folder, 'gone.log');
    await begin(
      { path: 'stdout', rotate: { keep: 1 } },
      { path, rotate: { keep: 1 } },
      { path: other, rotate: { keep: 1 } },
    ).rotate('x');
    expect(await readdir(folder)).toEqual(['access.log']);
    expect(reopened).toBe(1);
  });

  test('that fails is told, and the files are opened anew all the same', async () => {
    await writeFile(path, 'one');
    await writeFile(join(folder, 'in-the-way'), '');
    const under = join(folder, 'in-the-way', 'access.log');
    await begin({ path: under, rotate: { keep: 1 } }, { path, rotate: { keep: 2 } }).rotate('x');
    expect(await readdir(folder)).toEqual(['access.log.0', 'in-the-way']);
    expect(reopened).toBe(1);
  });

  test('that fails leaves all that is kept in its place, and goes on where it was', async () => {
    await writeFile(path, 'new');
    for (const number of [0, 1]) await writeFile(`${path}.${number}`, `old ${number}`);
    await mkdir(join(folder, 'access.log.2'));
    const asked = begin({ path, rotate: { keep: 3 } });
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await asked.rotate('x')).toEqual([expect.stringContaining(`${path}: E`)]);
      expect([await read('access.log.0'), await read('access.log.1')]).toEqual(['old 0', 'old 1']);
      expect(await read('access.log.rotating')).toBe('new');
    }
    await rmdir(join(folder, 'access.log.2'));
    await writeFile(path, 'newer');
    expect(await asked.rotate('x')).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(['access.log.0', 'access.log.1', 'access.log.2']);
    expect([await read('access.log.0'), await read('access.log.1'), await read('access.log.2')]).toEqual([
      'newer',
      'new',
      'old 0',
    ]);
  });

  test('that cannot begin touches nothing, and is tried less and less often by itself', async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ['Date', 'setInterval', 'clearInterval'] });
    await writeFile(path, 'x'.repeat(2_000));
    await writeFile(`${path}.0`, 'old');
    // In the way of the name that it has in between.
    await mkdir(join(folder, 'access.log.rotating'));
    begin({ path, rotate: { size: 1_000, keep: 2 } });
    const failures = (): number => told.filter((one) => one.startsWith('log cannot be rotated')).length;
    await expect.poll(failures).toBe(1);
    for (let second = 0; second < 60; second += 1) {
      vi.advanceTimersByTime(1_000);
      await new Promise(setImmediate);
      await rest();
    }
    // At 1, 3, 7, 15, 31 seconds, and not yet at 63.
    expect(failures()).toBe(6);
    expect(reopened).toBe(0);
    expect(await read('access.log.0')).toBe('old');
    expect((await readdir(folder)).sort()).toEqual(['access.log', 'access.log.0', 'access.log.rotating']);
  });

  test('of a proxy that is stopping is left to the one after it; what is asked for opens the files anew', async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ['Date', 'setInterval', 'clearInterval'] });
    let stopping = false;
    const asked = begin({ path, rotate: { size: 1_000, keep: 2 } }, () => stopping);
    await rest();
    stopping = true;
    await writeFile(path, 'x'.repeat(2_000));
    vi.advanceTimersByTime(5_000);
    await rest();
    expect(await readdir(folder)).toEqual(['access.log']);
    expect(await asked.rotate('SIGUSR1')).toEqual([]);
    expect(await readdir(folder)).toEqual(['access.log']);
    expect([reopened, told]).toEqual([1, ['logs reopened {"by":"SIGUSR1","renamed":[]}']]);
  });

  test('whose files cannot be opened anew says so', async () => {
    cannotReopen = new Error('no folder');
    expect(await begin({ path }).rotate('x')).toEqual(['no folder']);
    expect(told).toEqual(['logs cannot be reopened {"by":"x","renamed":[],"error":"no folder"}']);
  });

  test('by size comes within two seconds', async () => {
    await writeFile(path, 'x'.repeat(2_000));
    begin({ path, rotate: { size: 1_000, keep: 2 } });
    await expect.poll(() => readdir(folder), { timeout: 3_000 }).toEqual(['access.log.0']);
    await expect.poll(() => told).toEqual([`logs reopened {"by":"size","renamed":["${path}"]}`]);
  });

  test('by day takes away what an earlier process has left of an earlier day', async () => {
    await writeFile(path, 'yesterday');
    await utimes(path, new Date(), new Date(Date.now() - 26 * 3_600_000));
    begin({ path, rotate: { every: 'day', keep: 2 } });
    await expect.poll(() => readdir(folder)).toEqual(['access.log.0']);
    await expect.poll(() => told).toEqual([`logs reopened {"by":"time","renamed":["${path}"]}`]);
  });

  test('by the hour comes when the hour is over, and once', async () => {
    vi.useFakeTimers({ now: new Date(2026, 10, 22, 6, 59, 58), toFake: ['Date', 'setInterval', 'clearInterval'] });
    await writeFile(path, 'six');
    await utimes(path, new Date(), new Date());
    begin({ path, rotate: { every: 'hour', keep: 2 } });
    vi.advanceTimersByTime(1_000);
    await rest();
    expect(await readdir(folder)).toEqual(['access.log']);
    vi.advanceTimersByTime(2_000);
    await expect.poll(() => readdir(folder)).toEqual(['access.log.0']);
    await expect.poll(() => reopened).toBe(1);
    await writeFile(path, 'seven');
    vi.advanceTimersByTime(5_000);
    await rest();
    expect(reopened).toBe(1);
    expect((await readdir(folder)).sort()).toEqual(['access.log', 'access.log.0']);
  });
});

/** Until files that are looked at have been. */
const rest = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 50));
