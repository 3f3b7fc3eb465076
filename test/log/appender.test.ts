// Lines on a disk that takes a part of them: finished, or cut off again, and written when there is room.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Appender } from '../../src/log/appender.ts';
import { NODE } from '../support/run.ts';
import { hasMounts, startOnSmallDisk } from '../support/small-disk.ts';

describe('an appender', () => {
  test('writes pieces in their order, what has piled up in few writes', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'appender-')), 'log');
    const appender = new Appender(openSync(path, 'a+'), {
      most: 65_536,
      onFailure: throwIt,
      onWritten: () => undefined,
    });
    for (let number = 0; number < 2_000; number += 1) appender.add(`line ${number}\n`);
    expect(appender.waiting).toBeGreaterThan(0);
    expect(await appender.end()).toEqual({ lines: '', unsure: '' });
    expect(appender.waiting).toBe(0);
    const lines = readFileSync(path, 'latin1').split('\n').slice(0, -1);
    expect(lines).toEqual(Array.from({ length: 2_000 }, (_, number) => `line ${number}`));
  });

  test('whose disk is full fails once, keeps what it has, and gives it back at the end', async () => {
    const failures: string[] = [];
    const failed = Promise.withResolvers<void>();
    const appender = new Appender(openSync('/dev/full', 'a'), {
      most: 65_536,
      onFailure: (error) => {
        failures.push(error.message);
        failed.resolve();
      },
      onWritten: () => throwIt(),
    });
    appender.add('one\n');
    await failed.promise;
    expect(appender.failing).toBe(true);
    appender.add('two\n');
    expect(await appender.end()).toEqual({ lines: 'one\ntwo\n', unsure: '' });
    expect(failures).toEqual(['ENOSPC: no space left on device, write']);
  });

  // What keeps a write for ever in the kernel: a pipe that nobody reads, as a file server that is gone would.
  test('whose write never comes back is given up at its end: that is unsure, and what waited behind it is left', async () => {
    const { reader, writer } = standingPipe();
    const appender = new Appender(writer, { most: 65_536, onFailure: throwIt, onWritten: () => undefined });
    const first = `${'x'.repeat(99_999)}\n`;
    appender.add(first);
    appender.add('second\n');
    appender.add('third\n');
    const begin = performance.now();
    const left = await appender.end();
    expect(left).toEqual({ lines: 'second\nthird\n', unsure: first });
    expect(performance.now() - begin).toBeLessThan(5_000);
    // The thread comes back once somebody reads, and the pipe is closed behind it.
    expect(await readToEnd(reader)).toBe(100_000);
  });

  test('whose reader is slow is waited for as long as it reads', async () => {
    const { reader, writer } = standingPipe(constants.O_NONBLOCK);
    const appender = new Appender(writer, { most: 4_096, onFailure: throwIt, onWritten: () => undefined });
    for (let count = 0; count < 100; count += 1) appender.add(`${'y'.repeat(3_999)}\n`);
    const end = appender.end();
    let read = 0;
    const some = Buffer.alloc(40_000);
    const reading = setInterval(() => {
      read += readSync(reader, some);
    }, 300);
    expect(await end).toEqual({ lines: '', unsure: '' });
    clearInterval(reading);
    expect(read + (await readToEnd(reader))).toBe(400_000);
  });

  // Two writers on one file, as two workers have it; lines of all lengths, so that they end anywhere within a page.
  const program = `
    import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
    import { setTimeout as wait } from 'node:timers/promises';
    import { Appender } from ${JSON.stringify(join(import.meta.dirname, '../../src/log/appender.ts'))};
    const folder = process.argv[1];
    const path = folder + '/log';
    const seen = { failures: 0, rooms: 0, whole: [], left: '' };
    const make = () => new Appender(openSync(path, 'a+'), {
      most: 65536,
      onFailure: () => { seen.failures += 1; },
      onWritten: (again) => { if (again) seen.rooms += 1; },
    });
    const writers = [make(), make()];
    let number = 0;
    const burst = async (count) => {
      for (let at = 0; at < count; at += 1) {
        writers[number % 2].add('line ' + number + ' ' + 'x'.repeat((number * 37) % 300) + '\\n');
        number += 1;
        if (at % 3 === 0) await wait(0);
      }
    };
    for (let round = 0; round < 5; round += 1) {
      const size = (() => { try { return readFileSync(path).length; } catch { return 0; } })();
      writeFileSync(folder + '/ballast', Buffer.alloc(Math.max(0, 1_000_000 - size - 30_000 - round * 1111)));
      await burst(600);
      while (!writers.some((one) => one.failing)) await wait(5);
      await wait(150);
      // Nobody is writing: on the full disk there are whole lines only.
      // But for the moment in which one more try is made and taken back.
      let whole = false;
      for (let tries = 0; !whole && tries < 20; tries += 1) {
        whole = readFileSync(path, 'latin1').endsWith('\\n');
        if (!whole) await wait(3);
      }
      seen.whole.push(whole);
      rmSync(folder + '/ballast');
      while (writers.some((one) => one.failing || one.waiting > 0)) await wait(5);
    }
    for (const one of writers) seen.left += (await one.end()).lines;
    const lines = readFileSync(path, 'latin1').split('\\n').slice(0, -1);
    const good = lines.filter((line) => {
      const [, text] = /^line (\\d+) x*$/.exec(line) ?? [];
      return text !== undefined && line.length === 6 + text.length + (Number(text) * 37) % 300;
    });
    const numbers = new Set(lines.map((line) => line.split(' ')[1]));
    process.stdout.write(JSON.stringify({ ...seen, written: number, lines: lines.length, good: good.length, distinct: numbers.size }));
  `;

  test.skipIf(!hasMounts)(
    'REL-06: on a disk that fills up five times leaves no torn line, loses none and doubles none (skipped where nothing can be mounted)',
    async () => {
      const child = startOnSmallDisk((folder) => [NODE, '--input-type=module', '-e', program, folder]);
      let [out, err] = ['', ''];
      child.stdout?.on('data', (piece) => {
        out += piece;
      });
      child.stderr?.on('data', (piece) => {
        err += piece;
      });
      const [code] = await once(child, 'close');
      expect(err).toBe('');
      expect(code).toBe(0);
      const seen = JSON.parse(out);
      expect(seen).toMatchObject({ whole: [true, true, true, true, true], left: '', written: 3_000, lines: 3_000 });
      expect(seen).toMatchObject({ good: 3_000, distinct: 3_000 });
      expect(seen.failures).toBeGreaterThanOrEqual(5);
      expect(seen.rooms).toBe(seen.failures);
    },
    30_000,
  );
});

/** Both ends of a pipe that has a name; `flags` for the one that is written. */
function standingPipe(flags = 0): { readonly reader: number; readonly writer: number } {
  const path = join(mkdtempSync(join(tmpdir(), 'pipe-')), 'pipe');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY | flags) };
}

/** Bytes until all who write have closed it. */
async function readToEnd(reader: number): Promise<number> {
  const some = Buffer.alloc(65_536);
  let all = 0;
  for (;;) {
    try {
      const count = readSync(reader, some);
      if (count === 0) break;
      all += count;
    } catch (error) {
      // Nothing at this moment.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      await wait(5);
    }
  }
  closeSync(reader);
  return all;
}

function throwIt(error?: Error): never {
  throw error ?? new Error('called');
}
