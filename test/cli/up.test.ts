// The first start, as a newcomer sees it: a CA, a card, and a line to type that really answers.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { up } from '../../src/cli/up.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { run } from '../support/run.ts';

test('the first start makes a CA, and the line on its card answers', async () => {
  const { folder, config } = configFolder();
  const program = startProgram([MAIN, 'up', '--config', config], { folder });
  await program.out(/Ctrl-C stops\.\n/);
  expect(program.outText()).toMatch(/✔ CA created +certs\/ca\.pem, valid until \d{4}-\d\d-\d\d\n/);
  expect(program.outText()).toMatch(/✔ config +proxy\.yaml\n/);
  expect(program.outText()).toMatch(/✔ access log +log\/access\.log \(squid\)\n/);
  expect(statSync(join(folder, 'certs/ca-key.pem')).mode & 0o777).toBe(0o600);

  const [, line = ''] = /^ +(curl .*)$/m.exec(program.outText()) ?? [];
  const answer = await run('sh', ['-c', `${line} -sS`], { folder });
  expect(answer).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(answer.out.toString())).toMatchObject({ proxied: true, decrypted: true, trusted: true });

  program.kill('SIGINT');
  expect(await program.ended).toEqual({ code: 0, signal: null });
});

test('without a start there is no card', async () => {
  const terminal = fakeTerminal();
  await expect(up(terminal, { config: '/no/such.yaml' })).rejects.toMatchObject({ code: 'config-invalid' });
  expect(terminal.outText()).toBe('');
});
