// A proxy whose log is on a disk of a megabyte: what happens when it is full is what the config says, and ends by itself.

import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { askAdmin } from '../../src/admin/admin-client.ts';
import { samplesOf } from '../support/metric-lines.ts';
import { openAsker } from '../support/own-requests.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { until } from '../support/rig.ts';
import { NODE } from '../support/run.ts';
import { hasMounts, smallDiskWords } from '../support/small-disk.ts';

interface FullDisk {
  readonly program: ReturnType<typeof startProgram>;
  readonly port: number;
  /** Lines of the log that are on the disk, whole or not. */
  lines(): string[];
  fill(): void;
  makeRoom(): void;
  /** As the metric has it. */
  lost(): Promise<number>;
  /** The same, when every line has been written, waits for room, or is lost. */
  settled(): Promise<number>;
}

async function startOnFullDisk(onFull: string, workers: number, more = ''): Promise<FullDisk> {
  const socket = join(mkdtempSync(join(tmpdir(), 'full-disk-')), 'control');
  const {
    folder,
    program: unshare,
    words,
  } = smallDiskWords((disk) => {
    const log = `{ access: { path: ${disk}/access.log, onFull: ${onFull}${more} }, audit: { path: audit.log } }`;
    const text = `workers: ${workers}\nadmin: { socket: ${socket} }\nlog: ${log}`;
    return [NODE, MAIN, 'run', '--config', configFolder(text).config];
  });
  const program = startProgram(words, { command: unshare });
  const port = Number((await program.err(/"port":(\d+).*"listening"/))[1]);
  const outside = `/proc/${program.pid}/root${folder}`;
  const log = join(outside, 'access.log');
  const lost = async (): Promise<number> => {
    const { status, body } = await askAdmin(socket, 'GET', '/metrics', 10_000);
    expect(status).toBe(200);
    return samplesOf(body).get('sallyport_log_lines_lost_total') ?? Number.NaN;
  };
  return {
    program,
    port,
    lines: () => {
      const text = readFileSync(log, 'latin1');
      return text === '' ? [] : text.replace(/\n$/, '').split('\n');
    },
    // To the last byte of the last page.
    fill: () => {
      const { bavail, bsize } = statfsSync(outside);
      try {
        writeFileSync(join(outside, 'ballast'), Buffer.alloc(Number(bavail) * Number(bsize)));
      } catch (error) {
        // The log has taken a page meanwhile: full is full.
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      }
    },
    makeRoom: () => rmSync(join(outside, 'ballast')),
    lost,
    // A line follows its reply, and waits a moment for others.
    settled: async () => {
      const seen = [Number.NaN];
      await expect
        .poll(async () => seen.unshift(await lost()) && seen[0] === seen[1], { interval: 200, timeout: 10_000 })
        .toBe(true);
      return seen[0] ?? Number.NaN;
    },
  };
}

const WHOLE = /^\d+\.\d{3} +\d+ 127\.0\.0\.1 NONE_NONE(?:_ABORTED)?\/\d{3} \d+ (?:GET|-) \S+ - HIER_NONE\/- \S+$/;
const told = (lines: readonly string[]): [string | undefined, string | undefined][] =>
  lines.flatMap((line) => {
    const [, status, path] = /NONE_NONE\/(\d{3}) \d+ GET (\/n-\d+) /.exec(line) ?? [];
    return path === undefined ? [] : [[path, status]];
  });

describe.skipIf(!hasMounts)('on a full disk of a megabyte (skipped where nothing can be mounted)', () => {
  test.each([1, 2])(
    'block, %i process(es): nothing is served that has no line, and it goes on by itself',
    async (workers) => {
      const { program, port, lines, fill, makeRoom } = await startOnFullDisk('block', workers);
      const asker = openAsker(port);
      const answers = new Map<string, number>();
      const ask = async (): Promise<number> => {
        const path = `/n-${answers.size}`;
        const status = await asker.ask(path);
        answers.set(path, status);
        return status;
      };
      for (let count = 0; count < 50; count += 1) expect(await ask()).toBe(400);
      fill();
      // What the last page still takes, and what comes before the disk has said no.
      for (let count = 0; (await ask()) !== 503; count += 1) expect(count).toBeLessThan(3_000);
      for (let count = 0; count < 100; count += 1) expect(await ask()).toBe(503);
      for (const line of lines()) expect(line).toMatch(WHOLE);
      expect(program.errText()).toContain('lines wait in memory');
      makeRoom();
      await until(
        () => told(lines()).length === answers.size,
        'all lines',
        () => `${lines().length} of ${answers.size}`,
      );
      await program.err(/access log is written again/);
      expect(await ask()).toBe(400);
      asker.close();
      await until(() => told(lines()).length === answers.size, 'the last line');
      for (const line of lines()) expect(line).toMatch(WHOLE);
      expect(new Map(told(lines()).map(([path, status]) => [path, Number(status)]))).toEqual(answers);
      program.kill('SIGTERM');
      expect((await program.ended).code).toBe(0);
    },
    30_000,
  );

  test('drop: all is served, what waits is written when there is room', async () => {
    const { program, port, lines, fill, makeRoom } = await startOnFullDisk('drop', 1);
    const asker = openAsker(port);
    fill();
    for (let count = 0; count < 500; count += 1) expect(await asker.ask(`/n-${count}`)).toBe(400);
    await program.err(/lines wait in memory/);
    makeRoom();
    await until(
      () => told(lines()).length === 500,
      'all lines',
      () => String(lines().length),
    );
    for (const line of lines()) expect(line).toMatch(WHOLE);
    asker.close();
    program.kill('SIGTERM');
    expect((await program.ended).code).toBe(0);
  }, 30_000);

  test.each([1, 2])(
    'drop, %i process(es): what is served is written or counted as lost, to the line',
    async (workers) => {
      const disk = await startOnFullDisk('drop', workers, ', waiting: 64KB');
      const { program, port, lines, fill, makeRoom, lost, settled } = disk;
      fill();
      const askers = Array.from({ length: 6 }, () => openAsker(port));
      // Some 90 bytes each.
      const COUNT = 500;
      await Promise.all(
        askers.map(async (asker, number) => {
          for (let count = 0; count < COUNT; count += 1)
            expect(await asker.ask(`/n-${number * COUNT + count}`)).toBe(400);
        }),
      );
      await program.err(/no room in memory either: lines are dropped/);
      const whileFull = await settled();
      expect(whileFull).toBeGreaterThan(COUNT);
      makeRoom();
      const served = askers.length * COUNT;
      let missing = Number.NaN;
      await expect
        .poll(async () => (missing = served - told(lines()).length - (await lost())), { timeout: 10_000 })
        .toBe(0);
      await program.err(/access log is written again/);
      for (const line of lines()) expect(line).toMatch(WHOLE);
      expect(new Set(told(lines()).map(([path]) => path)).size).toBe(told(lines()).length);
      expect(told(lines()).length).toBeGreaterThan(0);
      expect([missing, await lost()]).toEqual([0, whileFull]);
      for (const asker of askers) asker.close();
      program.kill('SIGTERM');
      expect((await program.ended).code).toBe(0);
    },
    60_000,
  );

  test.each([1, 2])(
    'block, %i process(es), until the memory is full too: then nothing is answered, until there is room',
    async (workers) => {
      const { program, port, lines, fill, makeRoom, lost } = await startOnFullDisk('block', workers, ', waiting: 64KB');
      fill();
      let [asked, answered] = [0, 0];
      // Connections are kept, so each has a worker of its own; all workers are to be full.
      for (let inVain = 0, number = 0; inVain < 50; number += 1) {
        const asker = openAsker(port);
        for (let count = 0; count < 20; count += 1) {
          const status = await asker.ask(`/n-${number * 20 + count}`);
          expect([0, 400, 503]).toContain(status);
          asked += 1;
          if (status === 0) inVain += 1;
          else [answered, inVain] = [answered + 1, 0];
          if (status === 0) break;
        }
        asker.close();
        expect(number).toBeLessThan(1_000);
      }
      expect(answered).toBeGreaterThan(500);
      await program.err(/no room in memory either/);
      // Also who has got no answer, and whose line may say no more than that somebody came.
      makeRoom();
      await expect.poll(async () => asked - lines().length - (await lost()), { timeout: 10_000 }).toBe(0);
      await program.err(/access log is written again/);
      const asker = openAsker(port);
      await expect.poll(() => asker.ask('/n-last')).toBe(400);
      asker.close();
      for (const line of lines()) expect(line).toMatch(WHOLE);
      program.kill('SIGTERM');
      expect((await program.ended).code).toBe(0);
    },
    60_000,
  );

  test.each([1, 2])(
    'exit, %i process(es): the proxy ends, and says why',
    async (workers) => {
      const { program, port, fill } = await startOnFullDisk('exit', workers);
      const asker = openAsker(port);
      fill();
      let count = 0;
      const ended = program.ended.then((end) => {
        count = Number.NaN;
        return end;
      });
      while (!Number.isNaN(count))
        await asker.ask(`/n-${count++}`).catch(() => new Promise((resolve) => void setTimeout(resolve, 20)));
      expect(await ended).toEqual({ code: 1, signal: null });
      expect(program.errText()).toContain('says to end then');
      asker.close();
    },
    30_000,
  );
});
