// A signal to stop that comes before the proxy serves: whatever it has reached by then, it ends in order and leaves no
// process behind. Each proxy is started as people start it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { configFolder, type Ended, MAIN, type Program, startProgram } from '../support/program.ts';
import { childrenOf } from '../support/proxy-process.ts';
import { until } from '../support/rig.ts';

interface Starting {
  readonly program: Program;
  readonly folder: string;
}

function start(workers: number): Starting {
  const { folder, config } = configFolder(`workers: ${workers}`);
  return { program: startProgram([MAIN, 'run', '--config', config], { folder }), folder };
}

/** All of a group that have not ended. */
function groupOf(leader: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const [state, , group] = statOf(pid);
      return Number(group) === leader && state !== 'Z';
    })
    .map(Number);
}

/** State, parent, group (proc_pid_stat(5)). */
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
  } catch {
    return [];
  }
}

const LIMIT = 20_000;
const isThere = (what: string, condition: () => boolean) => until(condition, what, undefined, LIMIT);

/** Moments of a start, each found by what it leaves for others to see. */
const MOMENTS: readonly (readonly [string, (starting: Starting) => Promise<void>])[] = [
  ['the CA is made', ({ folder }) => isThere('the key', () => existsSync(join(folder, 'certs/ca-key.pem')))],
  ['the first worker is made', ({ program }) => isThere('one', () => childrenOf(program.pid).length > 0)],
  [
    'the workers load their code',
    async ({ program }) => {
      await isThere('two', () => childrenOf(program.pid).length > 1);
      await wait(100);
    },
  ],
  ['a worker opens its log', ({ folder }) => isThere('the log', () => existsSync(join(folder, 'log/access.log')))],
];

describe.skipIf(process.platform !== 'linux')('a start that is stopped (skipped where there is no /proc)', () => {
  test.each(MOMENTS)('by SIGTERM, when %s, ends with code 0 and leaves no process', async (_, reached) => {
    const starting = start(2);
    await reached(starting);
    starting.program.kill('SIGTERM');
    await expectEnd(starting);
  });

  test.each([
    ['SIGINT', 2],
    ['SIGTERM', 2],
    ['SIGTERM', 1],
  ] as const)('by %s to all of the group, with %i in "workers", ends likewise', async (signal, workers) => {
    const starting = start(workers);
    const moment = workers === 1 ? MOMENTS[0] : MOMENTS[2];
    await moment?.[1](starting);
    process.kill(-starting.program.pid, signal);
    await expectEnd(starting, signal);
  });

  test('by SIGTERM and SIGHUP together, ends likewise', async () => {
    const starting = start(2);
    await MOMENTS[1]?.[1](starting);
    starting.program.kill('SIGHUP');
    starting.program.kill('SIGTERM');
    await expectEnd(starting);
  });

  test('as soon as it is spawned, or a little later, leaves no process either', { timeout: 60_000 }, async () => {
    for (const delay of [0, 200, 600, 1_200, 2_400]) {
      const { program } = start(2);
      await wait(delay);
      program.kill('SIGTERM');
      const { end, left } = await endOf(program);
      // Until it hears signals there is nothing that it could leave behind.
      expect([
        { code: null, signal: 'SIGTERM' },
        { code: 0, signal: null },
      ]).toContainEqual(end);
      expect(left).toEqual([]);
    }
  });
});

/** How it ended, and who was left at that moment: its streams may be open until all of those have ended as well. */
async function endOf({ pid, ended }: Program): Promise<{ end: Ended; left: number[] }> {
  await isThere('the end', () => statOf(String(pid)).length === 0);
  const left = groupOf(pid);
  return { end: await ended, left };
}

/** It said why, and had not begun to serve, or had just. */
async function expectEnd({ program, folder }: Starting, signal = 'SIGTERM'): Promise<void> {
  const { end, left } = await endOf(program);
  expect({ ...end, left }, program.errText()).toEqual({ code: 0, signal: null, left: [] });
  expect(program.errText()).toMatch(
    new RegExp(`"signal":"${signal}",("msg":"stopped before it had started"|"connections":0,"msg":"stopping")`),
  );
  expect(program.errText()).not.toMatch(/"level":"error"|a worker has left/);
  for (const name of ['ca.pem', 'ca-key.pem']) {
    expect(readFileSync(join(folder, 'certs', name), 'latin1')).toMatch(/-----END [A-Z ]+-----\n$/);
  }
}
