import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readCaProfile } from '../../src/pki/ca-profile.ts';
import { createCa } from '../../src/pki/create-ca.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('a new CA', () => {
  const now = new Date('2026-03-01T12:00:00Z');
  const made = createCa({ now });
  const certificate = new X509Certificate(made.certificate);

  test('is a self-signed P-256 certificate with the key beside it', () => {
    const key = createPrivateKey(made.key);
    expect(key.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(certificate.checkPrivateKey(key)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  test('has a name of its own that begins its key identifier', () => {
    const keyId = readCaProfile(certificate).keyId?.toString('hex').toUpperCase() ?? '';
    expect(certificate.subject).toBe(`O=Sallyport\nCN=Sallyport CA ${keyId.slice(0, 8)}`);
    expect(new X509Certificate(createCa().certificate).subject).not.toBe(certificate.subject);
  });

  test('names its key by SHA-1 of the key bits', () => {
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    expect(readCaProfile(certificate).keyId).toEqual(createHash('sha1').update(spki.subarray(26)).digest());
  });

  test('signs leaves only: CA:TRUE, pathlen 0, critical (KEY-05)', () => {
    expect(certificate.ca).toBe(true);
    expect(readCaProfile(certificate)).toMatchObject({
      pathLength: 0,
      constraintsCritical: true,
      signsCertificates: true,
    });
  });

  test('is valid since a day before, for less than ten years', () => {
    expect(now.getTime() - certificate.validFromDate.getTime()).toBe(DAY);
    const years = new Date(certificate.validFromDate);
    years.setUTCFullYear(years.getUTCFullYear() + 10);
    expect(years.getTime() - certificate.validToDate.getTime()).toBeGreaterThanOrEqual(DAY);
    expect(certificate.validToDate.getTime() - now.getTime()).toBeGreaterThan(9.9 * 365 * DAY);
  });

  test('locks its key with a passphrase', () => {
    const locked = createCa({ passphrase: 'open sesame' });
    expect(locked.key).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    expect(() => createPrivateKey({ key: locked.key, passphrase: 'wrong' })).toThrow();
    const key = createPrivateKey({ key: locked.key, passphrase: 'open sesame' });
    expect(new X509Certificate(locked.certificate).checkPrivateKey(key)).toBe(true);
  });
});
