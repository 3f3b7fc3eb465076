// Several logs at once, each in its format, from opening to close.

import { mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ProxyError } from '../../src/core/errors.ts';
import { AccessLog } from '../../src/log/access-log.ts';
import { logFormat } from '../../src/log/log-format.ts';
import { LOGGED_OUTCOMES, makeEntry } from '../support/log-entries.ts';

let folder: string;
let errors: ProxyError[];
const onError = (error: ProxyError): void => void errors.push(error);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'access-log-'));
  errors = [];
});
afterEach(() => rm(folder, { recursive: true }));

const read = (name: string): Promise<string> => readFile(join(folder, name), 'latin1');

describe('the access log', () => {
  test('writes each transaction once to each log, in its format', async () => {
    const formats = ['squid', 'common', 'combined', 'json'] as const;
    const log = AccessLog.open(
      formats.map((format) => ({ path: join(folder, format), format })),
      onError,
    );
    for (const { entry } of LOGGED_OUTCOMES) log.write(entry);
    await log.close();
    for (const format of formats) {
      expect(await read(format)).toBe(LOGGED_OUTCOMES.map(({ entry }) => `${logFormat(format)(entry)}\n`).join(''));
    }
    expect(errors).toEqual([]);
  });

  test('a log that fails does not keep the others from being written', async () => {
    const log = AccessLog.open(
      [
        { path: join(folder, 'no\0file'), format: 'squid' },
        { path: join(folder, 'good'), format: 'squid' },
      ],
      onError,
    );
    log.write(makeEntry());
    await log.close();
    expect(await read('good')).toBe(`${logFormat('squid')(makeEntry())}\n`);
    expect(errors.map(({ code }) => code)).toEqual(['log-failed', 'log-failed']);
    expect(errors.at(-1)?.detail).toContain('(1 lines lost so far)');
    expect(log.lost).toBe(1);
  });

  test('an entry that cannot be printed is reported, not thrown', async () => {
    const log = AccessLog.open([{ path: join(folder, 'json'), format: 'json' }], onError);
    log.write(makeEntry({ time: Number.NaN }));
    log.write(makeEntry());
    await log.close();
    expect(errors.map(({ code, detail }) => `${code}: ${detail}`)).toEqual(['log-failed: Invalid time value']);
    expect(await read('json')).toBe(`${logFormat('json')(makeEntry())}\n`);
  });

  test('what comes together is printed together, in its order, and waits no longer than for sixty-four', async () => {
    const path = join(folder, 'a');
    const log = AccessLog.open([{ path, format: 'squid', moment: 60_000 }], onError);
    const urlOf = (at: number): string => `http://h.test/${at}`;
    const urls = Array.from({ length: 65 }, (_, at) => urlOf(at));
    const printed = async (): Promise<string[]> => (await read('a')).match(/http:\S+/g) ?? [];
    for (let at = 0; at < 63; at += 1) log.write(makeEntry({ url: urlOf(at) }));
    await new Promise(setImmediate);
    expect(log.stats).toMatchObject({ lines: 63, waiting: 0 });
    log.write(makeEntry({ url: urlOf(63) }));
    expect(log.stats.waiting).toBeGreaterThan(0);
    await expect.poll(printed).toEqual(urls.slice(0, 64));
    log.write(makeEntry({ url: urlOf(64) }));
    await log.close();
    expect(await printed()).toEqual(urls);
  });

  test('a burst of the longest lines is no sign of a full disk, however little may wait', async () => {
    const states: string[] = [];
    const options = { path: join(folder, 'a'), format: 'json', waiting: 16_384, onFull: 'block' } as const;
    const log = AccessLog.open([options], onError, { onState: (_path, state) => void states.push(state) });
    for (let at = 0; at < 64; at += 1) log.write(makeEntry({ url: `http://h.test/${'x'.repeat(7_000)}` }));
    expect(log.gate).toBe('open');
    await log.close();
    expect([log.lost, states, errors]).toEqual([0, [], []]);
    const text = await read('a');
    expect(text.split('\n')).toHaveLength(65);
    expect(text.length).toBeGreaterThan(4 * options.waiting);
  });

  test('what it has gathered at its end is in its own file, not in that of the next one', async () => {
    const log = AccessLog.open([{ path: join(folder, 'a'), format: 'squid', moment: 60_000 }], onError);
    const after = AccessLog.open([{ path: join(folder, 'b'), format: 'squid' }], onError);
    log.write(makeEntry());
    await log.close(after);
    await after.close();
    expect([await read('a'), await read('b')]).toEqual([`${logFormat('squid')(makeEntry())}\n`, '']);
  });

  test('what comes behind its end is told as lost at once', async () => {
    const log = AccessLog.open([{ path: join(folder, 'a'), format: 'squid', moment: 60_000 }], onError);
    await log.close();
    log.write(makeEntry());
    expect(log.lost).toBe(1);
    expect(errors.map(({ detail }) => detail)).toEqual([expect.stringContaining('(1 lines lost so far)')]);
  });

  test('reopen goes on in new files', async () => {
    const log = AccessLog.open([{ path: join(folder, 'a'), format: 'squid' }], onError);
    log.write(makeEntry({ url: 'http://h.test/1' }));
    await rename(join(folder, 'a'), join(folder, 'a.1'));
    log.reopen();
    log.write(makeEntry({ url: 'http://h.test/2' }));
    await log.close();
    expect(await read('a.1')).toContain('http://h.test/1 ');
    expect(await read('a')).toContain('http://h.test/2 ');
  });

  test('reopen says which could not be opened, and opens the others', async () => {
    const [bad, good] = [join(folder, 'bad'), join(folder, 'good')];
    const options = [bad, good].map((path) => ({ path, format: 'squid' }) as const);
    const log = AccessLog.open(options, onError);
    for (const path of [bad, good]) await rename(path, `${path}.1`);
    await mkdir(bad);
    await expect(log.reopen()).rejects.toMatchObject({ code: 'log-failed', detail: expect.stringContaining('EISDIR') });
    log.write(makeEntry());
    await log.close();
    expect([await read('bad.1'), await read('good.1')]).toEqual([await read('good'), '']);
  });

  test.each([
    ['the same path', { path: 'a', format: 'squid' }, 'a'],
    ['another path and the same lines', { path: 'c', format: 'squid' }, 'c'],
  ] as const)('what it cannot write at its end is for the log with %s', async (_, next, name) => {
    await symlink('/dev/full', join(folder, 'a'));
    const [a, b] = [
      { path: join(folder, 'a'), format: 'squid' },
      { path: join(folder, 'b'), format: 'squid' },
    ] as const;
    const log = AccessLog.open([a, b], onError);
    for (let count = 0; count < 10; count += 1) log.write(makeEntry({ url: `http://h.test/${count}` }));
    await expect.poll(() => log.stats.failing).toBe(1);
    await rm(join(folder, 'a'));
    const after = AccessLog.open([b, { ...next, path: join(folder, next.path) }], onError);
    await log.close(after);
    await after.close();
    expect([log.lost, after.lost]).toEqual([0, 0]);
    for (const one of [name, 'b']) expect((await read(one)).split('\n')).toHaveLength(11);
  });

  test('what it cannot write at its end and nobody takes is lost and told', async () => {
    await symlink('/dev/full', join(folder, 'a'));
    const log = AccessLog.open([{ path: join(folder, 'a'), format: 'squid' }], onError);
    for (let count = 0; count < 10; count += 1) log.write(makeEntry());
    await expect.poll(() => log.stats.failing).toBe(1);
    const after = AccessLog.open([{ path: join(folder, 'b'), format: 'json' }], onError);
    await log.close(after);
    await after.close();
    expect([log.lost, after.lost]).toEqual([10, 0]);
    expect(errors.at(-1)?.detail).toContain('(10 lines lost so far)');
  });

  test('without any log there is nothing to do', async () => {
    const log = AccessLog.open([], onError);
    log.write(makeEntry());
    log.reopen();
    await log.close();
    expect(log.lost).toBe(0);
  });
});
