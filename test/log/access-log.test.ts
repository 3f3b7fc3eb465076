// Several logs at once, each in its format, from opening to close.

import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
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
    expect(errors.map(({ code }) => code)).toEqual(['log-failed']);
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

  test('without any log there is nothing to do', async () => {
    const log = AccessLog.open([], onError);
    log.write(makeEntry());
    log.reopen();
    await log.close();
    expect(log.lost).toBe(0);
  });
});
