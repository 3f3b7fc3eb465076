// What a person reads of the doctor, what a script reads, and the exit codes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { doctor } from '../../src/cli/doctor.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { httpsOrigin } from '../support/origin.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { TestCa } from '../support/test-ca.ts';

const client = '127.0.0.1';

function patient(text = ''): { config: string; folder: string } {
  const { config, folder } = configFolder(`ca: { cert: ca.pem, key: ca-key.pem }\n${text}`);
  const made = createCa();
  writeFileSync(join(folder, 'ca.pem'), made.certificate);
  writeFileSync(join(folder, 'ca-key.pem'), made.key, { mode: 0o600 });
  return { config, folder };
}

describe('a person', () => {
  test('reads one line for each check, and the sum of them', async () => {
    const terminal = fakeTerminal({ styled: true });
    const { config } = patient('policy: { rules: [{ name: a, hosts: [a.test], action: allow }] }');
    expect(await doctor(terminal, undefined, { config, client })).toBe(0);
    const lines = terminal.outText().trimEnd().split('\n');
    expect(lines.at(-1)).toMatch(/^<green>All is well<\/green>/);
    expect(lines[0]).toMatch(/^<green>ok {7}<\/green>config {14}\S*proxy\.yaml is valid: 1 rule/);
    for (const line of lines.slice(0, -2)) expect(line).toMatch(/^<(?:green|yellow)>(?:ok|warning) +<\/\w+>\w/);
  });

  test('reads what failed, and how to mend it, and scripts see 1', async () => {
    const terminal = fakeTerminal();
    const { config, folder } = patient('log: { access: { path: . } }');
    writeFileSync(join(folder, 'ca-key.pem'), createCa().key, { mode: 0o600 });
    expect(await doctor(terminal, undefined, { config, client })).toBe(1);
    expect(terminal.outText()).toMatch(/^failed {3}CA {18}.* is not the key of the certificate.*put the two/m);
    expect(terminal.outText()).toMatch(/^failed {3}log .* is no file\. Name a file in the config$/m);
    expect(terminal.outText()).toMatch(/\n\n2 checks failed, \d warnings?\.\n$/);
  });

  test('reads lines that are folded to the terminal, below where they begin', async () => {
    const terminal = { ...fakeTerminal({ watched: true }), width: 60 };
    const { config } = patient();
    await doctor(terminal, undefined, { config, client });
    const lines = terminal.outText().split('\n');
    expect(lines.some((line) => /^ {29}\S/.test(line))).toBe(true);
    for (const line of lines) expect(line.includes('/') || line.length <= 60, line).toBe(true);
  });

  test.each(['http://', 'a b', 'ok.test:0', 'ftp://ok.test/', ''])('is told that "%s" is no host', async (host) => {
    const terminal = fakeTerminal();
    expect(await doctor(terminal, host, { config: patient().config, client })).toBe(2);
    expect(terminal.errText()).toMatch(/^error: /);
    expect(terminal.outText()).toBe('');
  });
});

describe('a script', () => {
  test.each([
    ['ok.test', 'https://ok.test/'],
    ['OK.test:8443', 'https://ok.test:8443/'],
    ['http://ok.test/x', 'http://ok.test/x'],
    ['2001:db8::1', 'https://[2001:db8::1]/'],
    ['[2001:db8::1]:8443', 'https://[2001:db8::1]:8443/'],
  ])('reads JSON about %s', async (host, url) => {
    const terminal = fakeTerminal();
    const { config } = patient('resolver: { hosts: { ok.test: 10.0.0.1 } }');
    expect(await doctor(terminal, host, { config, client, json: true })).toBe(1);
    const told = JSON.parse(terminal.outText());
    expect(told).toMatchObject({ ok: false, config, url });
    expect(told.checks.length).toBeGreaterThan(8);
    for (const one of told.checks) expect(one).toMatchObject({ check: expect.any(String), reason: expect.any(String) });
    expect(told.checks.at(-1)).toMatchObject({ check: 'DNS', state: 'failed' });
  });
});

test('a proxy that runs is looked at as one that does not, and the way to an origin to its end', async () => {
  const ca = new TestCa();
  const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_, response) => void response.end());
  onTestFinished(() => origin.close());
  const { config } = patient(
    [
      'workers: 1',
      `upstream: { trust: [${ca.rootFile}], allowAddresses: [127.0.0.0/8] }`,
      'resolver: { hosts: { ok.test: 127.0.0.1 } }',
      `policy: { connectPorts: [${origin.port}], rules: [{ name: a, hosts: [ok.test], action: allow }] }`,
    ].join('\n'),
  );
  const running = startProgram([MAIN, 'run', '--config', config]);
  await running.err(/"listening"/);
  const told = startProgram([MAIN, 'doctor', `ok.test:${origin.port}`, '--config', config]);
  expect(await told.ended).toEqual({ code: 0, signal: null });
  const lines = told.outText();
  for (const check of ['policy', 'DNS', 'dial', 'handshake', 'certificate']) {
    expect(lines).toMatch(new RegExp(`^ok {7}${check} `, 'm'));
  }
  expect(lines).toMatch(/^ok {7}proxy .* is running for .*\(process \d+\)/m);
  expect(lines).not.toContain('\u001b');
}, 60_000);
