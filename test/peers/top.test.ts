// `top` in a real terminal: drawn by whole pictures, at home in any size, and gone without a trace.

import { describe, expect, test } from 'vitest';
import { ACTIVITY, fakeOperator, STATUS } from '../support/fake-operator.ts';
import { MAIN } from '../support/program.ts';
import { type Pty, startInPty } from '../support/pty.ts';
import { findTool, NODE } from '../support/run.ts';

const answers = { '/v1/status': STATUS, '/v1/activity': ACTIVITY };
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';

async function started(size: readonly [number, number], env: Record<string, string> = {}) {
  const operator = await fakeOperator(answers);
  const pty = startInPty([NODE, MAIN, 'top', '--config', operator.config], size, env);
  await pty.shows(/12\/s requests/);
  return { pty, operator };
}

async function isRestored(pty: Pty): Promise<number> {
  const { code, canonical, echo } = await pty.ended;
  expect([canonical, echo]).toEqual([true, true]);
  expect(pty.raw()).toContain(LEAVE);
  return code;
}

// Each starts the program anew, which takes its time on a machine that runs other tests as well.
describe.skipIf(!findTool('python3'))('top', { timeout: 60_000 }, () => {
  test.each([
    [{ keys: 'q' }, 'q'],
    [{ keys: '\u0003' }, 'Ctrl-C'],
    [{ signal: 15 }, 'SIGTERM'],
    [{ signal: 1 }, 'SIGHUP'],
  ] as const)('gives the terminal back by %j (%s)', async (order, _) => {
    const { pty } = await started([80, 24]);
    expect(pty.raw().startsWith('\u001b[?1049h')).toBe(true);
    pty.order(order);
    expect(await isRestored(pty)).toBe(0);
  });

  test('fits its picture to the terminal, also when that changes', async () => {
    const { pty } = await started([80, 24]);
    for (const [columns, rows] of [
      [120, 40],
      [40, 8],
      [100, 30],
    ] as const) {
      pty.order({ size: [columns, rows] });
      await pty.shows(columns >= 96 ? /HOSTS .* CLIENTS/ : /^(?![\s\S]*HOSTS .* CLIENTS)[\s\S]*HOSTS/);
      expect(pty.picture().filter((line) => line.length > columns)).toEqual([]);
      expect(pty.picture().length).toBeLessThanOrEqual(rows + 1);
    }
    pty.order({ keys: 'q' });
    expect(await isRestored(pty)).toBe(0);
  });

  test('draws anew what has changed', async () => {
    const { pty, operator } = await started([100, 24]);
    operator.answer({ ...answers, '/v1/status': { ...STATUS, connections: 777 } });
    await pty.shows(/777 connections/);
    operator.answer({ ...answers, '/v1/activity': 503 });
    await pty.shows(/does not say \(503\)/);
    operator.answer(answers);
    await pty.shows(/ running /);
    pty.order({ keys: 'q' });
    expect(await isRestored(pty)).toBe(0);
  });

  test('has colours, unless NO_COLOR is set', async () => {
    const { pty: coloured } = await started([80, 24]);
    expect(coloured.raw()).toContain('\u001b[32mrunning');
    const { pty: plain } = await started([80, 24], { NO_COLOR: '1' });
    for (const colour of [1, 2, 31, 32, 36, 39]) expect(plain.raw()).not.toContain(`\u001b[${colour}m`);
    for (const pty of [coloured, plain]) pty.order({ keys: 'q' });
    for (const pty of [coloured, plain]) await isRestored(pty);
  });

  test('ends with the proxy, and says so on the screen that was there before', async () => {
    const { pty, operator } = await started([80, 24]);
    await operator.close();
    expect(await isRestored(pty)).toBe(5);
    expect(pty.raw().split(LEAVE)[1]).toMatch(/No proxy runs with /);
  });
});
