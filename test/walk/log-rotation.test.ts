// Logs rotated while a proxy of several workers is busy: each request has one whole line in one of the files.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Asker, openAsker } from '../support/own-requests.ts';
import { paced, rateOf } from '../support/paced.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { childrenOf } from '../support/proxy-process.ts';
import { until } from '../support/rig.ts';

const ROTATIONS = 50;
/** Requests to be begun in a second, and how many must have been, on average, while the logs were rotated. */
const RATE = 500;
const LEAST_RATE = 400;
/** Connections that are kept for them; more are made where answers are late. */
const ASKERS = 10;
/** Requests answered between two rotations: more than a log gathers in a moment, so that most turns have lines. */
const BETWEEN = 60;

function rotatingProxy(log: string, workers: number) {
  const { config, folder } = configFolder(`workers: ${workers}\nlog: ${log}`);
  const program = startProgram([MAIN, 'run', '--config', config]);
  const port = program.err(/"port":(\d+).*"listening"/).then((match) => Number(match[1]));
  return { program, folder, port };
}

/** What has no end is one too. */
const linesIn = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
const linesUnder = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith('access.log'))
    .flatMap((name) => linesIn(readFileSync(join(folder, name), 'latin1')));

describe('fifty rotations at five hundred lines in a second', () => {
  test.each([1, 2])(
    'by SIGUSR1, %i process(es): lines equal requests, none torn, none doubled',
    async (workers) => {
      const log = `{ access: { path: access.log, rotate: { keep: ${ROTATIONS + 10} } } }`;
      const { program, folder, port: listening } = rotatingProxy(log, workers);
      const port = await listening;
      const idle: Asker[] = Array.from({ length: ASKERS }, () => openAsker(port));
      const statuses = new Map<string, number>();
      const ask = async (path: string): Promise<void> => {
        const asker = idle.shift() ?? openAsker(port);
        statuses.set(path, await asker.ask(path).catch(() => 0));
        idle.push(asker);
      };
      let over = false;
      const load = paced(
        RATE,
        () => over,
        (at) => ask(`/n-${at}`),
      );
      const reopened = (): number => program.errText().split('"logs reopened"').length - 1;
      const begin = performance.now();
      for (let turn = 1; turn <= ROTATIONS; turn += 1) {
        const before = statuses.size;
        await until(
          () => statuses.size >= before + BETWEEN,
          `answers before rotation ${turn}`,
          program.errText,
          20_000,
        );
        program.kill('SIGUSR1');
        await until(() => reopened() === turn, `rotation ${turn}`, program.errText, 20_000);
      }
      const end = performance.now();
      over = true;
      const begun = await load;
      for (const asker of idle) asker.close();
      expect(rateOf(begun, begin, end)).toBeGreaterThanOrEqual(LEAST_RATE);
      const asked = new Set(begun.map((_, at) => `/n-${at}`));
      expect(new Set(statuses.keys())).toEqual(asked);
      expect(new Set(statuses.values())).toEqual(new Set([400]));
      program.kill('SIGTERM');
      expect((await program.ended).code).toBe(0);
      const lines = linesUnder(folder);
      const torn = lines.filter(
        (line) => !/^\d+\.\d{3} +\d+ 127\.0\.0\.1 NONE_NONE\/400 \d+ GET \S+ - HIER_NONE\/- text\/html$/.test(line),
      );
      expect(torn).toEqual([]);
      const told = lines.map((line) => /(\/n-\d+) - HIER/.exec(line)?.[1] ?? line);
      expect(told.length).toBe(asked.size);
      expect(new Set(told)).toEqual(asked);
      // Empty files are not kept, but most turns have had lines.
      const kept = readdirSync(folder).filter((name) => /^access\.log\.\d+$/.test(name)).length;
      expect(kept).toBeGreaterThan(ROTATIONS / 2);
      expect(kept).toBeLessThanOrEqual(ROTATIONS);
    },
    120_000,
  );
});

describe('a log with a rotation of its own', () => {
  test('begins a new file by size, while the proxy runs', async () => {
    const { program, folder, port } = rotatingProxy(
      '{ access: { path: access.log, rotate: { size: 2KB, keep: 3 } } }',
      1,
    );
    const asker = openAsker(await port);
    for (let count = 0; count < 40; count += 1) await asker.ask(`/n-${count}`);
    asker.close();
    await until(() => readdirSync(folder).includes('access.log.0'), 'a file that is full', program.errText);
    await program.err(/"by":"size".*"logs reopened"/);
    program.kill('SIGTERM');
    await program.ended;
    expect(linesUnder(folder).filter((line) => line.includes('/n-'))).toHaveLength(40);
  });
});

describe('SIGUSR1 right after a start', () => {
  const speaksTo = (port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
    });

  // Until its runtime has taken the signal into its care, the system ends any process by it.
  test.each([0, 2, 5, 10, 20, 50, 100])(
    '%i ms after the runtime is up leaves no debugger open, and the proxy starts',
    async (delay) => {
      const { program, port } = rotatingProxy('{ access: { path: access.log } }', 1);
      while (!isUp(program.pid)) await wait(1);
      if (delay > 0) await wait(delay);
      program.kill('SIGUSR1');
      await port;
      expect(await speaksTo(9229)).toBe(false);
      program.kill('SIGTERM');
      expect((await program.ended).code).toBe(0);
    },
  );

  test('to workers and the spare, from their first milliseconds on, opens none and ends none of the others', async () => {
    const { program, port } = rotatingProxy('{ access: { path: access.log } }', 2);
    const seen = new Set<number>();
    let over = false;
    const signals = (async (): Promise<void> => {
      while (!over) {
        for (const child of existsSync(`/proc/${program.pid}/task`) ? childrenOf(program.pid) : []) {
          seen.add(child);
          // A moment after its begin: before that the system ends it, and another takes its place.
          if (isUp(child, 'worker')) process.kill(child, 'SIGUSR1');
        }
        await wait(2);
      }
    })();
    await port;
    await until(() => seen.size >= 3, 'two workers and a spare', program.errText, 20_000);
    await wait(300);
    over = true;
    await signals;
    expect(program.errText()).not.toContain('Debugger');
    expect(await speaksTo(9229)).toBe(false);
    program.kill('SIGTERM');
    expect((await program.ended).code).toBe(0);
  }, 60_000);
});

/** Whether the runtime of the process has taken the signal into its care (proc_pid_status(5), SigCgt and SigIgn). */
function isUp(pid: number, word = ''): boolean {
  try {
    // Before it has a program of its own, a child is a copy of its parent.
    if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word)) return false;
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const masks = [...status.matchAll(/^Sig(?:Cgt|Ign):\s+([0-9a-f]+)$/gm)].map(([, hex = '0']) => BigInt(`0x${hex}`));
    // SIGUSR1 is the tenth.
    return masks.some((mask) => (mask & (1n << 9n)) !== 0n);
  } catch {
    return false;
  }
}
