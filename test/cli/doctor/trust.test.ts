// Roots, client certificates and users are read as a start would read them.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkIdentities, checkTrust } from '../../../src/cli/doctor/trust.ts';
import { createCa } from '../../../src/pki/create-ca.ts';
import { rigConfig } from '../../support/rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'doctor-trust-'));

function rootFile(count: number, now = new Date()): string {
  const file = join(mkdtempSync(join(folder, 'x')), 'roots.pem');
  writeFileSync(file, Array.from({ length: count }, () => createCa({ now }).certificate).join('\n'));
  return file;
}

const LONG_AGO = new Date(Date.now() - 11 * 365 * 86_400_000);

describe('trust', () => {
  test('is counted', () => {
    const config = rigConfig(folder, { trust: [rootFile(2), rootFile(1)] });
    expect(checkTrust(config)).toMatchObject([{ state: 'ok', reason: expect.stringMatching(/^3 trusted roots \(/) }]);
    expect(checkTrust(rigConfig(folder, { trust: [rootFile(1)] }))[0]?.reason).toMatch(/^1 trusted root \(/);
  });

  test('in expired roots is told, and in nothing else is no trust', () => {
    const old = rootFile(1, LONG_AGO);
    const some = checkTrust(rigConfig(folder, { trust: [rootFile(1), old] }));
    expect(some).toMatchObject([{ state: 'ok', reason: expect.stringMatching(/, 1 of them expired$/) }]);
    const none = checkTrust(rigConfig(folder, { trust: [old] }));
    expect(none).toMatchObject([{ state: 'failed', reason: expect.stringMatching(/all of which have expired$/) }]);
  });

  test('in a file that is not there throws what a start would say', () => {
    expect(() => checkTrust(rigConfig(folder, { trust: ['/no/such.pem'] }))).toThrow(/no\/such\.pem cannot be read/);
  });
});

describe('what else the config names', () => {
  test('is nothing, mostly', async () => {
    expect(await checkIdentities(rigConfig(folder))).toEqual([]);
  });

  test('is a client certificate for origins', async () => {
    const clientCertificates = [{ hosts: ['a.test'], cert: '/no/cert.pem', key: '/no/key.pem' }];
    const found = await checkIdentities(rigConfig(folder, { clientCertificates }));
    expect(found).toMatchObject([{ check: 'certificates', state: 'failed', reason: expect.stringContaining('/no/') }]);
  });

  test('is a file of tokens', async () => {
    const tokens = join(folder, 'tokens.txt');
    writeFileSync(tokens, `vm:${'a'.repeat(64)}\n`, { mode: 0o600 });
    expect(await checkIdentities(rigConfig(folder, { auth: { tokens, groups: {} } }))).toMatchObject([
      { check: 'users', state: 'ok' },
    ]);
    expect(await checkIdentities(rigConfig(folder, { auth: { tokens: '/no/such', groups: {} } }))).toMatchObject([
      { check: 'users', state: 'failed', reason: expect.stringContaining('/no/such') },
    ]);
  });
});
