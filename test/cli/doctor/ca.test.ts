// What is found of a CA, and of what it signs.

import { chmodSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkCa, checkLeaf, shortName } from '../../../src/cli/doctor/ca.ts';
import { parseAuthority } from '../../../src/core/authority.ts';
import { createCa } from '../../../src/pki/create-ca.ts';

function caFolder(made = createCa()): { cert: string; key: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-ca-'));
  const paths = { cert: join(folder, 'ca.pem'), key: join(folder, 'ca-key.pem'), folder };
  writeFileSync(paths.cert, made.certificate);
  writeFileSync(paths.key, made.key, { mode: 0o600 });
  return paths;
}

function authority(text: string) {
  const parsed = parseAuthority(text, 443);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

describe('a CA', () => {
  test('that is sound is told with its days and its key', async () => {
    const { ca, findings } = await checkCa(caFolder());
    expect(ca).toBeDefined();
    expect(findings).toEqual([{ check: 'CA', state: 'ok', reason: expect.any(String) }]);
    expect(findings[0]?.reason).toMatch(
      /ca\.pem is valid until \d{4}-\d\d-\d\d, 36\d\d days; its key \(EC prime256v1\)/,
    );
  });

  test('that is not there yet is not made', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doctor-ca-'));
    const { ca, findings } = await checkCa({ cert: join(folder, 'ca.pem'), key: join(folder, 'ca-key.pem') });
    expect(ca).toBeUndefined();
    expect(findings).toMatchObject([{ state: 'ok', reason: expect.stringContaining('there is none yet') }]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that ends soon is warned of', async () => {
    const made = createCa({ now: new Date(Date.now() - (10 * 365 - 22) * 86_400_000) });
    const { findings } = await checkCa(caFolder(made));
    expect(findings).toMatchObject([
      { state: 'ok' },
      { state: 'warning', reason: expect.stringMatching(/expires in \d+ days.*replace it soon$/) },
    ]);
  });

  test.each([
    ['whose key is open to others', (paths: ReturnType<typeof caFolder>) => chmodSync(paths.key, 0o644), /chmod 600/],
    [
      'whose key is another’s',
      (paths: ReturnType<typeof caFolder>) => writeFileSync(paths.key, createCa().key),
      /is not the key of the certificate/,
    ],
  ])('%s throws what a start would say', async (_, spoil, reason) => {
    const paths = caFolder();
    spoil(paths);
    await expect(checkCa(paths)).rejects.toMatchObject({ code: 'ca-unusable', detail: expect.stringMatching(reason) });
  });
});

describe('a leaf', () => {
  test.each(['ok.example.com', '192.0.2.7', '[2001:db8::7]', 'sallyport.internal'])(
    'for %s is taken by a strict client',
    async (host) => {
      const { ca } = await checkCa(caFolder());
      if (!ca) throw new Error('no CA');
      const found = await checkLeaf(ca, authority(host));
      expect(found).toMatchObject({ check: 'leaf', state: 'ok' });
    },
  );

  test('of a CA whose dates are over is refused, and says so', async () => {
    const { ca } = await checkCa(caFolder());
    if (!ca) throw new Error('no CA');
    const over = { ...ca, notAfter: new Date(Date.now() - 1_000) };
    await expect(checkLeaf(over, authority('ok.test'))).rejects.toMatchObject({ code: 'ca-unusable' });
  });
});

test('a subject is called by its common name, in plain characters', () => {
  expect(shortName('O=Sallyport\nCN=Sallyport CA 1')).toBe('Sallyport CA 1');
  expect(shortName('O=A\nOU=B\u001b[31m')).toBe('O=A, OU=B?[31m');
});
