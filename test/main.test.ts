// The entry as people start it: by npm, by node, as the compiled package; on a Node.js that is too old; into a pipe that
// nobody reads.

import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { configFolder, MAIN, ROOT, startProgram } from './support/program.ts';
import { run } from './support/run.ts';

const manifest: { engines: { node: string }; version: string } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);

/** A file for `node -r` that runs before everything else. */
function preload(script: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'preload-')), 'preload.cjs');
  writeFileSync(file, script);
  return file;
}

describe('a Node.js that is too old is refused in one sentence', () => {
  const old = preload("Object.defineProperty(process.versions, 'node', { value: '20.11.0' });");
  const sentence = `sallyport needs Node.js ${manifest.engines.node.replace(/\D*(\d+).*/, '$1')} or newer; this is 20.11.0.\n`;

  test.each([
    ['by the entry', [MAIN, 'version']],
    ['before TypeScript is read, as the npm scripts do it', ['-r', './src/require-node.cjs', '/no/such/main.ts']],
  ])('%s', async (_, words) => {
    const program = startProgram(['-r', old, ...words]);
    expect(await program.ended).toEqual({ code: 1, signal: null });
    expect(program.errText()).toBe(sentence);
    expect(program.outText()).toBe('');
  });
});

describe('npm', () => {
  test('start passes on SIGTERM, waits for the end, and tells its exit code', async () => {
    const { config } = configFolder();
    const npm = startProgram(['start', '--', '--config', config], { command: 'npm' });
    await npm.out(/Sallyport is running\.[\s\S]*Ctrl-C stops/);
    npm.kill('SIGTERM');
    expect(await npm.ended).toEqual({ code: 0, signal: null });
    expect(npm.errText()).toContain('"msg":"stopped"');
    // Two signals would be two wishes, were they not so close together: npm passes on what the terminal has sent to both.
    expect(npm.errText()).not.toContain('at once');
  });

  test('run -s cli says nothing of its own and tells the exit code', async () => {
    const { config } = configFolder();
    const npm = startProgram(['run', '-s', 'cli', '--', 'test', '--json', 'https://a.test/', '-c', config], {
      command: 'npm',
    });
    expect((await npm.ended).code).toBe(4);
    expect(npm.errText()).toBe('');
    expect(JSON.parse(npm.outText())).toMatchObject({ allowed: false, rule: 'default' });
  });
});

test('what a start by npm has compiled is kept for the next one, where the packages are', async () => {
  const cached = preload(
    "process.on('exit', () => console.log([require('node:module').getCompileCacheDir(), process.env.NODE_COMPILE_CACHE].join()));",
  );
  const program = startProgram(['-r', './src/require-node.cjs', '-r', cached, MAIN, 'version'], {
    env: { NODE_COMPILE_CACHE: '' },
  });
  expect((await program.ended).code).toBe(0);
  const folder = join(ROOT, 'node_modules/.cache/compiled');
  // In it, one for each version of Node.js.
  const [ours = '', theirWorkers] = program.outText().trim().split('\n').at(-1)?.split(',') ?? [];
  expect([dirname(ours), theirWorkers]).toEqual([folder, folder]);
});

test('compiled, it finds what comes with the package', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  for (const name of ['config', 'package.json', 'node_modules']) symlinkSync(join(ROOT, name), join(folder, name));
  const built = await run(
    join(ROOT, 'node_modules/.bin/tsc'),
    ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')],
    {
      folder: ROOT,
    },
  );
  expect(built).toMatchObject({ code: 0, err: '' });
  expect(readFileSync(join(folder, 'dist/main.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  // What is compiled of it would stay there, and is never run again.
  const env = { NODE_COMPILE_CACHE: '' };
  const version = startProgram(['dist/main.js', 'version'], { folder, env });
  expect((await version.ended).code).toBe(0);
  expect(version.outText()).toMatch(new RegExp(`^sallyport ${manifest.version} \\(Node`));
  const check = startProgram(['dist/main.js', 'check', '--json'], { folder, env });
  expect((await check.ended).code).toBe(0);
  expect(JSON.parse(check.outText())).toMatchObject({ file: 'config/default.yaml', valid: true });
});

test('a reader that has heard enough is no fault', async () => {
  const script = `"$0" "${MAIN}" --help 2>err | exec true; echo "\${PIPESTATUS[0]}"; cat err`;
  const folder = mkdtempSync(join(tmpdir(), 'pipe-'));
  const shell = startProgram(['-c', script, process.execPath], { command: 'bash', folder });
  await shell.ended;
  expect(shell.outText()).toBe('0\n');
});

test('SIGUSR1 opens no debugger, whenever it comes', async () => {
  const eager = preload(
    "process.on('newListener', (name) => name === 'SIGUSR1' && setImmediate(() => { process.kill(process.pid, name); console.log('sent'); }));",
  );
  const program = startProgram(['-r', eager, MAIN, 'version']);
  expect((await program.ended).code).toBe(0);
  expect(program.outText()).toContain('sent');
  expect(program.errText()).toBe('');
});

test('a question that is never answered does not hold up the end', async () => {
  const idle = preload('setInterval(() => undefined, 60_000);');
  const program = startProgram(['-r', idle, MAIN, 'version']);
  const winner = await Promise.race([program.ended, wait(10_000, 'still there', { ref: false })]);
  expect(winner).toEqual({ code: 0, signal: null });
});
