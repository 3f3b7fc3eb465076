// The strictest client takes what a good CA signs, and nothing else.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { expect, test } from 'vitest';
import { chainOf, strictFlaw } from '../../../src/cli/doctor/strict-client.ts';
import { openCertificateAuthority } from '../../../src/pki/certificate-authority.ts';
import { createCa } from '../../../src/pki/create-ca.ts';
import { LeafStore } from '../../../src/pki/leaf-store.ts';
import { contextFrom } from '../../pki/fixtures.ts';
import { TestCa } from '../../support/test-ca.ts';

async function freshCa() {
  const folder = mkdtempSync(join(tmpdir(), 'strict-'));
  const paths = { cert: join(folder, 'ca.pem'), key: join(folder, 'ca-key.pem') };
  const made = createCa();
  writeFileSync(paths.cert, made.certificate);
  writeFileSync(paths.key, made.key, { mode: 0o600 });
  return (await openCertificateAuthority(paths)).ca;
}

const asked = { kind: 'name', host: 'ok.test' } as const;

test.each(['ec', 'rsa'] as const)('a leaf of ours with an %s key is taken', async (keyType) => {
  const ca = await freshCa();
  const context = await contextFrom(new LeafStore(ca), { hosts: [{ kind: 'name', text: 'ok.test' }], keyType });
  expect(await strictFlaw(context, ca, asked)).toBeUndefined();
  expect(await strictFlaw(context, ca, { kind: 'name', host: 'other.test' })).toMatch(/not for other\.test/);
  expect(await strictFlaw(context, await freshCa(), asked)).toMatch(/unable to (?:verify|get)/);
});

test.each([
  ['that names no purpose', { extensions: ['extendedKeyUsage=clientAuth'] }],
  ['of a CA', { extensions: ['basicConstraints=critical,CA:TRUE'] }],
])('a leaf %s is not', async (_, wish) => {
  const root = new TestCa();
  const pair = root.leaf({ san: 'DNS:ok.test', ...wish });
  const context = createSecureContext(pair);
  expect(await strictFlaw(context, { anchor: new X509Certificate(root.root) }, asked)).toEqual(expect.any(String));
});

test('a chain is walked once', () => {
  const root = new X509Certificate(createCa().certificate);
  expect(chainOf(undefined)).toEqual([]);
  expect(chainOf(root)).toEqual([root]);
});
