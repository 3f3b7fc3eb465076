import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exportCa, P12_PASSWORD } from '../../src/pki/export-ca.ts';
import { CA_KINDS, openCa, openssl, temporaryFolder } from './fixtures.ts';

const folder = temporaryFolder();
const keytool = spawnSync('keytool', ['-help']).error === undefined;

describe.each(CA_KINDS)('the %s CA, exported', async (kind) => {
  const ca = await openCa(folder, kind);
  const store = join(folder, `${kind.replace(' ', '-')}.p12`);
  writeFileSync(store, exportCa(ca, 'p12'));

  test('as PEM and DER is the one certificate that clients must trust', () => {
    expect(exportCa(ca, 'pem').toString()).toBe(ca.anchor.toString());
    expect(new X509Certificate(exportCa(ca, 'der')).fingerprint256).toBe(ca.anchor.fingerprint256);
    expect(exportCa(ca, 'pem').toString().match(/BEGIN/g)).toHaveLength(1);
  });

  test.each(['pem', 'der', 'p12'] as const)('as %s holds no key', (format) => {
    const secret = ca.key.export({ format: 'jwk' }).d ?? '';
    const bytes = exportCa(ca, format);
    expect(secret.length).toBeGreaterThan(20);
    expect(bytes.includes(Buffer.from(secret, 'base64url'))).toBe(false);
    expect(bytes.toString()).not.toContain('PRIVATE KEY');
  });

  test('as PKCS#12 is what openssl opens, with the certificate alone in it', () => {
    const shown = openssl('pkcs12', '-info', '-in', store, '-passin', `pass:${P12_PASSWORD}`);
    expect(shown).toContain(ca.anchor.toString());
    expect(shown.match(/BEGIN/g)).toHaveLength(1);
    expect(shown).toContain(`friendlyName: ${/CN=(.*)/.exec(ca.anchor.subject)?.[1]}`);
  });

  test('as PKCS#12 does not open with another password', () => {
    expect(() => openssl('pkcs12', '-in', store, '-passin', 'pass:wrong')).toThrow('invalid password');
  });

  test.skipIf(!keytool)('as PKCS#12 is a trusted certificate to Java', () => {
    const shown = execFileSync('keytool', ['-list', '-keystore', store, '-storepass', P12_PASSWORD], {
      encoding: 'utf8',
    });
    expect(shown).toContain('contains 1 entry');
    expect(shown).toContain('trustedCertEntry');
    expect(shown).toContain(ca.anchor.fingerprint256);
  });
});
