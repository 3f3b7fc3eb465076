// `sallyport reload|rotate|drain|stop` against a proxy that runs: what they say and how they exit.

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { type Answers, fakeOperator, STATUS } from '../support/fake-operator.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';

async function start(text = '') {
  const { folder, config } = configFolder(`workers: 1\n${text}`);
  const program = startProgram([MAIN, 'run', '--config', config], { folder });
  await program.err(/"msg":"listening"/);
  const command = async (...words: string[]) => {
    const terminal = fakeTerminal();
    const code = await main([...words, '--config', config], terminal);
    return { code, out: terminal.outText(), err: terminal.errText() };
  };
  const audit = () =>
    readFileSync(join(folder, 'log/audit.log'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line): Record<string, unknown> => JSON.parse(line));
  return { program, folder, config, command, audit };
}

describe('reload', () => {
  test('says what has changed, and each is in the audit log', async () => {
    const { config, command, audit } = await start();
    expect(await command('reload')).toEqual({ code: 0, out: `${config} is in use, unchanged.\n`, err: '' });
    writeFileSync(config, `${readFileSync(config, 'utf8')}via: off\nlog: { service: { level: debug } }\n`);
    expect(await command('reload')).toEqual({
      code: 0,
      out: `${config} is in use: via, log changed.\n`,
      err: 'These wait for a restart: log.service.\n',
    });
    expect(audit()).toEqual([
      expect.objectContaining({ audit: 'reload', by: 'control socket', ok: true, generation: 2, changed: [] }),
      expect.objectContaining({ audit: 'reload', by: 'control socket', ok: true, changed: ['via', 'log'] }),
    ]);
  });

  test('of a config that is not valid says why, as a start would, and exits with 3', async () => {
    const { program, config, command, audit } = await start();
    writeFileSync(config, 'version: 1\npolciy: {}\n');
    const { code, out, err } = await command('reload');
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain('Not used, the config of before still holds:\n');
    expect(err).toContain(`${config}:2:1  polciy  unknown key "polciy"`);
    expect(audit()).toEqual([expect.objectContaining({ audit: 'reload', ok: false, code: 'config-invalid' })]);
    const asJson = await command('reload', '--json');
    expect(JSON.parse(asJson.out)).toMatchObject({ ok: false, code: 'config-invalid' });
    expect(program.errText()).toContain('the config is not used: the one before still holds');
  });

  test('of a config whose files cannot be used exits with 1', async () => {
    const { config, command } = await start();
    writeFileSync(config, readFileSync(config, 'utf8').replace('root.pem', '/none.pem'));
    const { code, err } = await command('reload');
    expect([code, err]).toEqual([1, expect.stringContaining('/none.pem')]);
  });

  test('by SIGHUP is the same', async () => {
    const { program, config, audit } = await start();
    program.kill('SIGHUP');
    await program.err(/"by":"SIGHUP","generation":2,"changed":\[\],"msg":"the config is used anew"/);
    writeFileSync(config, 'version: 2\n');
    program.kill('SIGHUP');
    await program.err(/"by":"SIGHUP","error":"[^\n]*the one before still holds"/);
    await program.err(/x|the one before/);
    expect(audit()[0]).toMatchObject({ audit: 'reload', by: 'SIGHUP', ok: true });
  });
});

test('rotate has the logs reopened', async () => {
  const { program, command, audit } = await start();
  expect(await command('rotate')).toEqual({ code: 0, out: 'Logs reopened.\n', err: '' });
  await program.err(/"by":"control socket","renamed":\[\],"msg":"logs reopened"/);
  expect(audit()).toEqual([expect.objectContaining({ audit: 'rotate', by: 'control socket' })]);
});

test.each([1, 2])('rotate says which log cannot be opened anew, and exits with 1, %i process(es)', async (workers) => {
  const { folder, config } = configFolder(`workers: ${workers}`);
  const program = startProgram([MAIN, 'run', '--config', config], { folder });
  await program.err(/"msg":"listening"/);
  const log = join(folder, 'log/access.log');
  renameSync(log, `${log}.1`);
  mkdirSync(log);
  const terminal = fakeTerminal();
  expect(await main(['rotate', '--config', config], terminal)).toBe(1);
  expect(terminal.errText()).toBe(
    `The proxy refuses: ${log}: EISDIR: illegal operation on a directory, open '${log}'\n`,
  );
  await program.err(/EISDIR.*"msg":"logs cannot be reopened"/);
  await program.err(/access log cannot be written/);
  // Nobody has to ask for it again.
  rmdirSync(log);
  await program.err(/access log is written again/);
  const second = fakeTerminal();
  expect([await main(['rotate', '--config', config], second), second.errText()]).toEqual([0, '']);
  const told = readFileSync(join(folder, 'log/audit.log'), 'utf8');
  expect(told).toMatch(
    /"audit":"rotate","by":"control socket","ok":false,"error":"[^"]*EISDIR[^"]*"\}\n.*"ok":true\}\n$/,
  );
});

test.each([
  ['drain', 'Stopping; 0 connections are left.\n', 30_000],
  ['stop', 'Stopped; 0 connections were cut.\n', 0],
])('%s ends it', async (word, out, grace) => {
  const { program, command, audit } = await start();
  expect(await command(word)).toEqual({ code: 0, out, err: '' });
  expect(await program.ended).toEqual({ code: 0, signal: null });
  expect(audit()).toEqual([expect.objectContaining({ audit: 'drain', by: 'control socket', grace })]);
  const after = await command(word);
  expect([after.code, after.err]).toEqual([5, expect.stringMatching(/^No proxy runs with .*: nobody answers at /)]);
});

test('drain takes a grace', async () => {
  const { program, command, audit } = await start();
  expect((await command('drain', '--grace', '5s')).code).toBe(0);
  await program.ended;
  expect(audit()).toEqual([expect.objectContaining({ grace: 5_000 })]);
});

test.each(['1', 'soon', '-1s'])('a grace of %s is wrong usage', async (grace) => {
  const terminal = fakeTerminal();
  expect(await main(['drain', '--grace', grace], terminal)).toBe(2);
  expect(terminal.errText()).toContain('It is not a time such as 30s or 5m');
});

describe('a proxy that runs with another config of the same folder', () => {
  test('is left as it is, whatever it is asked to do', async () => {
    const { program, folder, config, command, audit } = await start();
    const other = join(folder, 'other.yaml');
    writeFileSync(other, readFileSync(config, 'utf8'));
    const said = `No proxy runs with ${other}: the one at ${folder}/run/sallyport.sock runs with ${config}. Nothing was changed.\n`;
    for (const words of [['reload'], ['rotate'], ['drain', '--grace', '1s'], ['stop'], ['stop', '--json']]) {
      const terminal = fakeTerminal();
      expect(await main([...words, '--config', other], terminal)).toBe(5);
      expect([terminal.outText(), terminal.errText()]).toEqual(['', said]);
    }
    const squid = fakeTerminal();
    expect([await main(['-k', 'shutdown', '-f', other], squid), squid.errText()]).toEqual([5, said]);
    expect(program.errText()).not.toMatch(/"stopping|reopened|used anew/);
    // By another name it is the same.
    const link = join(folder, 'link.yaml');
    symlinkSync('proxy.yaml', link);
    const byLink = fakeTerminal();
    expect(await main(['reload', '--config', link], byLink)).toBe(0);
    expect((await command('stop')).code).toBe(0);
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(audit().map((line) => line['audit'])).toEqual(['reload', 'drain']);
  });

  test.each<[string, Answers]>([
    ['nothing', {}],
    ['of no config', { '/v1/status': { ...STATUS, config: undefined } }],
    ['an error', { '/v1/status': 503 }],
  ])('or that says %s of itself is asked for nothing', async (_, answers) => {
    const { config, asked } = await fakeOperator({ ...answers, '/v1/stop': { ok: true, connections: 0 } });
    const terminal = fakeTerminal();
    expect(await main(['stop', '--config', config], terminal)).toBe(1);
    expect(terminal.errText()).toMatch(/ does not say which config it runs with \(\d+\): nothing was changed\.\n$/);
    expect(asked).toEqual(['/v1/status']);
  });
});

test('without a control socket there are signals', async () => {
  const config = join(mkdtempSync(join(tmpdir(), 'control-')), 'c.yaml');
  writeFileSync(config, 'version: 1\nadmin: { socket: off }\n');
  const terminal = fakeTerminal();
  expect(await main(['reload', '--config', config], terminal)).toBe(1);
  expect(terminal.errText()).toBe(`${config} has no control socket (admin.socket: off): send a signal instead.\n`);
});
