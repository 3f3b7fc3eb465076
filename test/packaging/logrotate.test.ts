// The rotation that comes with the package, done by logrotate to a proxy that runs.

import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configFolder, MAIN, ROOT, startProgram } from '../support/program.ts';
import { say, until } from '../support/rig.ts';
import { findTool, NODE, run } from '../support/run.ts';

const SHIPPED = readFileSync(join(ROOT, 'config/logrotate/sallyport'), 'utf8');

/** The shipped file, for a proxy in `folder`: every place of an installation is replaced, or the test would be of another. */
function rotationOf(folder: string, config: string): string {
  const places: readonly [string, string][] = [
    ['/var/log/sallyport/', `${folder}/log/`],
    // Whoever is not root is nobody else either.
    ['su sallyport sallyport', process.geteuid?.() === 0 ? 'su root root' : ''],
    ['systemctl --quiet is-active sallyport.service', 'true'],
    ['sallyport rotate --config /etc/sallyport/sallyport.yaml', `${NODE} ${MAIN} rotate --config ${config}`],
  ];
  let text = SHIPPED;
  for (const [place, here] of places) {
    expect(text).toContain(place);
    text = text.replace(place, here);
  }
  return text;
}

describe.skipIf(!findTool('logrotate') && !findTool('/usr/sbin/logrotate'))('logrotate', () => {
  const logrotate = findTool('logrotate') ?? '/usr/sbin/logrotate';

  test('takes a log away without a line lost, and the proxy writes to a new one', async () => {
    const { folder, config } = configFolder('workers: 1');
    const proxy = startProgram([MAIN, 'run', '--config', config]);
    const port = Number((await proxy.err(/"port":(\d+).*"listening"/))[1]);
    const lines = (name: string) =>
      readFileSync(join(folder, 'log', name), 'latin1')
        .split('\n')
        .slice(0, -1).length;
    /** The reply is out before its line is written, and an empty log is not rotated. */
    const ask = async (count: number): Promise<void> => {
      const reply = await say(port, `GET /ca.pem HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
      expect(reply).toMatch(/^HTTP\/1\.1 200 /);
      await until(() => lines('access.log') === count, `${count} lines`);
    };
    const file = join(mkdtempSync(join(tmpdir(), 'logrotate-')), 'sallyport');
    writeFileSync(file, rotationOf(folder, config), { mode: 0o644 });
    const rotate = () => run(logrotate, ['--force', '--state', `${file}.state`, file]);

    await ask(1);
    await ask(2);
    expect(await rotate()).toMatchObject({ code: 0, err: '' });
    await ask(1);
    expect(await rotate()).toMatchObject({ code: 0, err: '' });
    await ask(1);
    await ask(2);
    await ask(3);
    proxy.kill('SIGTERM');
    await expect(proxy.ended).resolves.toEqual({ code: 0, signal: null });
    const names = readdirSync(join(folder, 'log')).filter((name) => name.startsWith('access'));
    expect(names.sort()).toEqual(['access.log', 'access.log.1', 'access.log.2.gz']);
    expect([lines('access.log'), lines('access.log.1')]).toEqual([3, 1]);
    const oldest = await run('gzip', ['-dc', join(folder, 'log/access.log.2.gz')]);
    expect(oldest.out.toString().split('\n').slice(0, -1)).toHaveLength(2);
    // Each rotation is a change, and is known as one.
    expect(readFileSync(join(folder, 'log/audit.log'), 'utf8')).toContain('"audit":"rotate"');
  }, 60_000);
});
