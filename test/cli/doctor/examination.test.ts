// The order of the checks, and that each of them ends.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { examination, type Patient } from '../../../src/cli/doctor/examination.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { parseAbsoluteTarget } from '../../../src/core/target.ts';
import { createCa } from '../../../src/pki/create-ca.ts';
import { configFolder } from '../../support/program.ts';

async function all(patient: Patient): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const found of examination(patient)) findings.push(...found);
  return findings;
}

const checksOf = (findings: readonly Finding[]): string => [...new Set(findings.map(({ check }) => check))].join(', ');

function patientWith(text = '', url?: string): Patient & { folder: string } {
  const { config, folder } = configFolder(`ca: { cert: ca.pem, key: ca-key.pem }\n${text}`);
  const parsed = url === undefined ? undefined : parseAbsoluteTarget(url);
  return { config, folder, client: '127.0.0.1', target: parsed?.ok ? parsed.value : undefined };
}

function withCa(patient: Patient & { folder: string }): Patient {
  const made = createCa();
  writeFileSync(join(patient.folder, 'ca.pem'), made.certificate);
  writeFileSync(join(patient.folder, 'ca-key.pem'), made.key, { mode: 0o600 });
  return patient;
}

describe('without a host', () => {
  test('this machine and the config are looked at', async () => {
    const findings = await all(withCa(patientWith()));
    expect(checksOf(findings)).toBe('config, clock, proxy, CA, leaf, trust, file limit, port, log, audit, state');
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([]);
  });

  test('a config that is not valid leaves little to look at', async () => {
    const findings = await all(patientWith('polcy: {}'));
    expect(checksOf(findings)).toBe('config, clock');
    expect(findings[0]).toMatchObject({ state: 'failed', reason: expect.stringMatching(/proxy\.yaml:4:1.*polcy/) });
  });

  test('the config may be a squid.conf', async () => {
    const { folder } = configFolder();
    const config = join(folder, 'squid.conf');
    const lines = ['http_port 127.0.0.1:0', 'http_access allow localhost', `access_log ${folder}/access.log squid`];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const findings = await all({ config, client: '127.0.0.1' });
    expect(findings[0]).toMatchObject({ state: 'ok', reason: expect.stringMatching(/squid\.conf is valid: 1 rule, /) });
    expect(checksOf(findings)).toMatch(/^config, clock, proxy, CA, .*port, log, audit, state$/);
  });

  test('what one check throws does not hide the next', async () => {
    const patient = patientWith('upstream: { trust: [no-such.pem] }');
    writeFileSync(join(patient.folder, 'ca.pem'), createCa().certificate);
    const findings = await all(patient);
    expect(findings.filter(({ state }) => state === 'failed').map(({ check }) => check)).toEqual(['CA', 'trust']);
    expect(checksOf(findings)).toMatch(/log, audit, state$/);
  });
});

describe('with a host', () => {
  test('policy, what clients made of it, and the way there come last', async () => {
    const findings = await all(withCa(patientWith('resolver: { hosts: { ok.test: 10.0.0.1 } }', 'https://ok.test/')));
    expect(checksOf(findings)).toMatch(/, state, policy, pinned, DNS$/);
    expect(findings.at(-1)).toMatchObject({ state: 'failed', reason: expect.stringContaining('10.0.0.1') });
  });

  test('without a CA the way is looked at all the same', async () => {
    const findings = await all(patientWith('resolver: { hosts: { ok.test: 10.0.0.1 } }', 'https://ok.test/'));
    expect(checksOf(findings)).toMatch(/CA, trust.*policy, pinned, DNS$/);
  });

  test('in the clear nobody shows a certificate', async () => {
    const findings = await all(withCa(patientWith('resolver: { hosts: { ok.test: 10.0.0.1 } }', 'http://ok.test/')));
    expect(checksOf(findings)).toMatch(/, state, policy, DNS$/);
  });

  test('the self-test host is dialled nowhere', async () => {
    const findings = await all(withCa(patientWith('', 'https://sallyport.internal/')));
    expect(checksOf(findings)).toMatch(/, policy, pinned$/);
  });
});
