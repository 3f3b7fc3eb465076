// Squid's own words against a proxy that runs from a squid.conf as it stands.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { alive } from '../../src/cli/alive.ts';
import { main } from '../../src/cli/main.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { MAIN, startProgram } from '../support/program.ts';
import { until } from '../support/rig.ts';

test('a squid.conf runs as it stands, without anything to initialise, and obeys -k', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'squid-run-'));
  const file = join(folder, 'squid.conf');
  writeFileSync(
    file,
    [
      `http_port 127.0.0.1:0 ssl-bump cert=${folder}/squidCA.pem`,
      `sslcrtd_program /usr/lib64/squid/ssl_crtd -s ${folder}/ssl_db -M 4MB`,
      'sslcrtd_children 5',
      'ssl_bump server-first all',
      'sslproxy_cert_error allow all',
      `access_log ${folder}/access.log squid`,
      `pid_filename ${folder}/squid.pid`,
      'workers 1',
      '',
    ].join('\n'),
  );
  const k = async (verb: string): Promise<[number, string]> => {
    const terminal = fakeTerminal();
    const code = await main(['-k', verb, '-f', file], terminal);
    return [code, terminal.outText() + terminal.errText()];
  };
  expect((await k('check'))[0]).toBe(5);
  const program = startProgram([MAIN, '-f', file], { folder });
  await program.err(/"msg":"listening"/);
  const log = program.errText();
  expect(log).toMatch(/"line":"squid\.conf:5","directive":"sslproxy_cert_error","do":"add the root of these origins/);
  const pem = readFileSync(join(folder, 'squidCA.pem'), 'utf8');
  expect(pem).toContain('PRIVATE KEY');
  expect(pem).toContain('BEGIN CERTIFICATE');
  expect(await k('parse')).toEqual([
    0,
    expect.stringMatching(/is valid[\s\S]*warning: squid\.conf:5 {2}sslproxy_cert_error /),
  ]);
  expect((await k('check'))[0]).toBe(0);
  const terminal = fakeTerminal();
  expect(await alive(terminal, { config: file })).toBe(0);
  // The other commands that ask a running proxy find it as well.
  expect(await main(['status', '--config', file], terminal)).toBe(0);
  expect(terminal.outText()).toContain(' is running\n');
  const top = fakeTerminal();
  expect([await main(['top', '--json', '--config', file], top), top.errText()]).toEqual([0, '']);
  // With another config of the same place, nobody.
  const other = join(folder, 'squid-other.conf');
  writeFileSync(other, readFileSync(file, 'utf8'));
  const asked = fakeTerminal();
  expect(await alive(asked, { config: other })).toBe(5);
  expect(asked.errText()).toBe(`No proxy runs with ${other}: the one at ${folder}/sallyport.sock runs with ${file}.\n`);
  expect(await k('reconfigure')).toEqual([0, expect.stringContaining('is in use')]);
  // What it has written may be read here later than its answer.
  const warnings = (): number => program.errText().match(/"directive":"sslproxy_cert_error"/g)?.length ?? 0;
  await until(() => warnings() === 2, 'the warning of the reload');
  expect(await k('rotate')).toEqual([0, 'Logs reopened.\n']);
  writeFileSync(file, `${readFileSync(file, 'utf8')}htpp_access deny all\n`);
  expect(await k('parse')).toEqual([3, expect.stringContaining('did you mean "http_access"')]);
  expect((await k('reconfigure'))[0]).toBe(3);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/htpp.*\n/, ''));
  expect((await k('shutdown'))[0]).toBe(0);
  expect(await program.ended).toEqual({ code: 0, signal: null });
  expect((await k('interrupt'))[0]).toBe(5);
  expect((await k('nonsense'))[0]).toBe(2);
});
