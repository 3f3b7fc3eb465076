// A log that takes nothing any more, and does not say that it fails: what is lost is counted, and no end waits for it.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants, mkdtempSync, openSync, readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { openAsker } from '../support/own-requests.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { NODE } from '../support/run.ts';

/** More than a pipe holds: lines of some 90 bytes. */
const REQUESTS = 1_500;

async function askAll(port: number): Promise<void> {
  const asker = openAsker(port);
  for (let count = 0; count < REQUESTS; count += 1) expect(await asker.ask(`/n-${count}`)).toBe(400);
  asker.close();
}

describe('a log that is a named pipe which nobody reads', () => {
  test.each([1, 2])(
    '%i process(es): rotate and SIGTERM come to their end; what is not in the pipe is counted',
    async (workers) => {
      const folder = mkdtempSync(join(tmpdir(), 'standing-'));
      const pipe = join(folder, 'pipe');
      expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
      const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
      const { config } = configFolder(`workers: ${workers}\nlog: { access: { path: ${pipe} } }`);
      const program = startProgram([MAIN, 'run', '--config', config]);
      await askAll(Number((await program.err(/"port":(\d+).*"listening"/))[1]));
      const terminal = fakeTerminal();
      expect([await main(['rotate', '--config', config], terminal), terminal.errText()]).toEqual([0, '']);
      const begin = performance.now();
      program.kill('SIGTERM');
      expect(await program.ended).toEqual({ code: 0, signal: null });
      expect(performance.now() - begin).toBeLessThan(6_000);
      const room = Buffer.alloc(1024 * 1024);
      const written = room.toString('latin1', 0, readSync(reader, room)).split('\n').length - 1;
      const told = program.errText().matchAll(/"pid":(\d+),.*\((\d+) lines lost so far\)/g);
      // What each process has said last.
      const counts = new Map([...told].map(([, pid, count]) => [pid, Number(count)]));
      const lost = [...counts.values()].reduce((sum, count) => sum + count, 0);
      expect(lost).toBeGreaterThan(0);
      expect(written + lost).toBe(REQUESTS);
    },
    60_000,
  );
});

test('standard output that stands still in the middle of a write does not keep a proxy that is told to stop', async () => {
  const { config } = configFolder('workers: 1\nlog: { access: { path: stdout } }');
  const child = spawn(NODE, [MAIN, 'run', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await expect.poll(() => said, { timeout: 10_000 }).toContain('"listening"');
  // Several times what the buffers between two processes hold.
  const port = Number(/"port":(\d+)/.exec(said)?.[1]);
  for (let round = 0; round < 3; round += 1) await askAll(port);
  const begin = performance.now();
  child.kill('SIGTERM');
  const [code, signal] = await once(child, 'exit');
  expect(performance.now() - begin).toBeLessThan(6_000);
  expect([0, null]).toContain(code);
  expect([null, 'SIGTERM']).toContain(signal);
  expect(said).toMatch(/stdout: lines cannot be kept \(\d+ lines lost so far\).*\n.*"stopped"/);
}, 60_000);

test('a thread that the system never gives back does not keep a process that has ended', async () => {
  const pipe = join(mkdtempSync(join(tmpdir(), 'standing-')), 'pipe');
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
  const stuck = `import { openSync, write } from 'node:fs';
    write(openSync(${JSON.stringify(pipe)}, 'r+'), Buffer.alloc(1_000_000), () => undefined);`;
  const program = startProgram(['--import', `data:text/javascript,${encodeURIComponent(stuck)}`, MAIN, 'version']);
  await program.out(/sallyport/i);
  expect(await program.ended).toEqual({ code: null, signal: 'SIGTERM' });
}, 20_000);
