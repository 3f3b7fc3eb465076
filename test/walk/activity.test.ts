// What a proxy is busy with, as `top` and `status` learn it from one that runs, of one process and of several.

import { describe, expect, test } from 'vitest';
import { type Answered, AskedProxy } from '../../src/cli/asked-proxy.ts';
import { status as printStatus } from '../../src/cli/status.ts';
import { top } from '../../src/cli/top.ts';
import type { Activity } from '../../src/log/activity.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { say } from '../support/rig.ts';

function told<T>(answered: Answered<T>): T {
  if (answered.state !== 'answered') throw new Error(answered.reason);
  return answered.value;
}

const keys = (list: readonly { key: string }[]): string[] => list.map(({ key }) => key);

describe.each([1, 2])('a proxy of %i workers', (workers) => {
  test('tells who asks for what, from the first look on', async () => {
    const { config } = configFolder(`workers: ${workers}\nlog: { access: { path: access.log } }`);
    const program = startProgram([MAIN, 'run', '--config', config]);
    const port = Number((await program.err(/"port":(\d+).*"listening"/))[1]);
    const proxy = told(await AskedProxy.find(config));

    const ask = (host: string): Promise<string> =>
      say(port, `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await ask('before.test');
    expect(told(await proxy.activity()).hosts).toEqual([]);

    let activity: Activity | undefined;
    const end = performance.now() + 10_000;
    do {
      await Promise.all([ask('often.test'), ask('often.test'), ask('seldom.test')]);
      activity = told(await proxy.activity());
    } while (keys(activity.hosts).length < 2 && performance.now() < end);
    expect(keys(activity.hosts)).toEqual(['often.test', 'seldom.test']);
    expect(keys(activity.clients)).toEqual(['127.0.0.1']);
    expect(keys(activity.rules)).toEqual(['default']);
    expect(keys(activity.rates)).toEqual(expect.arrayContaining(['requests', 'refused']));
    expect(keys(activity.refusals)).toContain('no rule matches often.test:80');
    expect(activity.hosts[0]?.rate).toBeGreaterThan(activity.hosts[1]?.rate ?? 0);

    const status = told(await proxy.status());
    expect(status).toMatchObject({ workers, state: 'running', generation: 1, addresses: [{ port }] });

    const terminal = fakeTerminal();
    expect(await top(terminal, { config, once: true })).toBe(0);
    expect(terminal.outText()).toMatch(/^often\.test +/m);
    expect(await printStatus(terminal, { config })).toBe(0);
    expect(terminal.outText()).toMatch(new RegExp(`^ {2}listening +127\\.0\\.0\\.1:${port}$`, 'm'));

    program.kill('SIGTERM');
    await program.ended;
    expect(await printStatus(terminal, { config })).toBe(5);
  }, 60_000);
});
