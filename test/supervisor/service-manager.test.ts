// What systemd is told, in which order, by a socket that is one; and that nothing is said where nobody listens.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ServiceManager } from '../../src/supervisor/service-manager.ts';
import { openNotifySocket } from '../support/notify-socket.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { findTool } from '../support/run.ts';
import { serviceRecorder } from '../support/service-recorder.ts';

const PATH = '/usr/bin:/bin';
const folder = (): string => mkdtempSync(join(tmpdir(), 'manager-'));

/** A program in the place of systemd-notify: `script` is the rest of it. */
function stub(script: string): string {
  const place = folder();
  writeFileSync(join(place, 'systemd-notify'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return place;
}

describe.skipIf(!findTool('systemd-notify'))('a service manager that listens', () => {
  test.each<[string, () => string]>([
    ['at a path', () => join(folder(), 'notify')],
    ['at a name that no file system has', () => `@sallyport-test-${process.pid}`],
  ])('%s hears of a start, a reload and a stop, in that order', async (_, name) => {
    const socket = await openNotifySocket(name());
    const { log, said } = serviceRecorder();
    const manager = ServiceManager.of(log, { NOTIFY_SOCKET: socket.name, PATH });
    const before = process.hrtime.bigint() / 1000n;
    // Nobody waits for one before the next.
    const all = [manager.ready('serving'), manager.reloading(), manager.ready('again'), manager.stopping('so long')];
    await Promise.all(all);
    await socket.has(4);
    const [first, second, third, fourth] = socket.messages;
    expect(first).toEqual(['READY=1', 'STATUS=serving']);
    expect(second).toEqual(['RELOADING=1', expect.stringMatching(/^MONOTONIC_USEC=\d+$/), 'STATUS=reloading']);
    const at = BigInt(second?.[1]?.split('=')[1] ?? 0);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(process.hrtime.bigint() / 1000n);
    expect(third).toEqual(['READY=1', 'STATUS=again']);
    expect(fourth).toEqual(['STOPPING=1', 'STATUS=so long']);
    expect(said).toEqual([]);
  });

  test('a status is one line, whatever is in it', async () => {
    const socket = await openNotifySocket(join(folder(), 'notify'));
    const manager = ServiceManager.of(serviceRecorder().log, { NOTIFY_SOCKET: socket.name, PATH });
    await manager.ready('one\nSTOPPING=1\r\ntwo');
    await socket.has(1);
    expect(socket.messages).toEqual([['READY=1', 'STATUS=one STOPPING=1  two']]);
  });

  test('it is shown signs of life once we are ready, until we stop', async () => {
    const socket = await openNotifySocket(join(folder(), 'notify'));
    const environment = {
      NOTIFY_SOCKET: socket.name,
      PATH,
      WATCHDOG_USEC: '200000',
      WATCHDOG_PID: String(process.pid),
    };
    const manager = ServiceManager.of(serviceRecorder().log, environment);
    await manager.ready('serving');
    await socket.has(3);
    await manager.stopping('over');
    const { messages } = socket;
    expect(messages[0]?.[0]).toBe('READY=1');
    expect(messages.slice(1, -1).every((lines) => lines.join() === 'WATCHDOG=1')).toBe(true);
    expect(messages.at(-1)?.[0]).toBe('STOPPING=1');
  });

  test('a whole proxy tells it when its port is open, when it reads its config anew, and when it stops', async () => {
    const socket = await openNotifySocket(join(folder(), 'notify'));
    const { config } = configFolder('workers: 1');
    const proxy = startProgram([MAIN, 'run', '--config', config], { env: { NOTIFY_SOCKET: socket.name } });
    await socket.has(1);
    const port = /"port":(\d+).*"listening"/.exec(proxy.errText())?.[1];
    expect(socket.messages).toEqual([['READY=1', `STATUS=serving on 127.0.0.1 port ${port}`]]);
    proxy.kill('SIGHUP');
    await socket.has(3);
    proxy.kill('SIGTERM');
    await expect(proxy.ended).resolves.toEqual({ code: 0, signal: null });
    expect(socket.messages.slice(1)).toEqual([
      ['RELOADING=1', expect.stringMatching(/^MONOTONIC_USEC=\d+$/), 'STATUS=reloading'],
      ['READY=1', `STATUS=serving on 127.0.0.1 port ${port}`],
      ['STOPPING=1', 'STATUS=finishing what is in flight'],
    ]);
  }, 60_000);

  test('a socket that is gone is told of once, and costs nothing else', async () => {
    const { log, said } = serviceRecorder();
    const manager = ServiceManager.of(log, { NOTIFY_SOCKET: join(folder(), 'gone'), PATH });
    await manager.ready('serving');
    await manager.stopping('over');
    expect(said.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: systemd cannot be told how this service does: is systemd-notify installed?',
    ]);
    expect(said[0]?.fields['reason']).toMatch(/No such file/);
  });
});

describe('the environment', () => {
  test('is left without what is for this process alone', () => {
    const environment = { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '1', WATCHDOG_PID: '1', PATH, LANG: 'C' };
    ServiceManager.of(serviceRecorder().log, environment);
    expect(environment).toEqual({ PATH, LANG: 'C' });
  });

  test('without a socket, no program is started', async () => {
    const place = folder();
    const { log, said } = serviceRecorder();
    const manager = ServiceManager.of(log, { PATH: stub(`echo "$@" >> ${place}/said`), WATCHDOG_USEC: '200000' });
    await manager.ready('serving');
    await manager.reloading();
    await manager.stopping('over');
    expect(findTool(join(place, 'said'))).toBeUndefined();
    expect(said).toEqual([]);
  });

  const us = String(process.pid);
  test.each<[string, Record<string, string>, number]>([
    ['for us is one', { WATCHDOG_USEC: '200000', WATCHDOG_PID: us }, 1],
    ['for whoever reads it is one', { WATCHDOG_USEC: '200000' }, 1],
    ['for another process is none', { WATCHDOG_USEC: '200000', WATCHDOG_PID: `${us}0` }, 0],
    ['of no time is none', { WATCHDOG_USEC: '0', WATCHDOG_PID: us }, 0],
    ['that is no number is none', { WATCHDOG_USEC: 'soon', WATCHDOG_PID: us }, 0],
    ['that is not there is none', {}, 0],
  ])('a watchdog %s', async (_, watchdog, timers) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const manager = ServiceManager.of(serviceRecorder().log, { NOTIFY_SOCKET: 'x', PATH: stub('exit 0'), ...watchdog });
    await manager.ready('serving');
    await manager.ready('serving again');
    expect(vi.getTimerCount()).toBe(timers);
    await manager.stopping('over');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('without systemd-notify that is said, and the proxy goes on', async () => {
    const { log, said } = serviceRecorder();
    const manager = ServiceManager.of(log, { NOTIFY_SOCKET: '/nowhere', PATH: folder() });
    await manager.ready('serving');
    expect(said).toEqual([
      {
        level: 'warn',
        message: 'systemd cannot be told how this service does: is systemd-notify installed?',
        fields: { reason: expect.stringMatching(/ENOENT/) },
      },
    ]);
  });
});
