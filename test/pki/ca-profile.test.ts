import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCaProfile } from '../../src/pki/ca-profile.ts';
import { issue, temporaryFolder } from './fixtures.ts';

const folder = temporaryFolder();
const profile = (name: string, extensions: readonly string[], subject?: string) => {
  const { cert } = issue(folder, name, { extensions, ...(subject === undefined ? {} : { subject }) });
  const certificate = new X509Certificate(readFileSync(cert));
  return { certificate, ...readCaProfile(certificate) };
};

describe('what a CA certificate says', () => {
  test('is read in full', () => {
    const read = profile('full', [
      'basicConstraints=critical,CA:TRUE,pathlen:300',
      'keyUsage=keyCertSign',
      'subjectKeyIdentifier=0102030405060708090a0b0c',
    ]);
    expect(read.isCa).toBe(true);
    expect(read.constraintsCritical).toBe(true);
    expect(read.pathLength).toBe(300);
    expect(read.signsCertificates).toBe(true);
    expect(read.keyId?.toString('hex')).toBe('0102030405060708090a0b0c');
  });

  test('is read when it says little', () => {
    const read = profile('little', ['basicConstraints=CA:TRUE', 'subjectKeyIdentifier=none']);
    expect(read).toMatchObject({ isCa: true, constraintsCritical: false, pathLength: Number.POSITIVE_INFINITY });
    expect(read.signsCertificates).toBe(false);
    expect(read.keyId).toBeUndefined();
  });

  test('is what it may sign for, of the kinds that a leaf names', () => {
    const read = profile('names', [
      'basicConstraints=critical,CA:TRUE',
      'nameConstraints=critical,permitted;DNS:corp.test,permitted;IP:10.0.0.0/255.0.0.0,permitted;email:x.test,excluded;DNS:.no.test',
    ]);
    expect(read.nameConstraints).toEqual({
      permitted: { dns: ['corp.test'], ip: [Buffer.from('0a000000ff000000', 'hex')] },
      excluded: { dns: ['.no.test'], ip: [] },
    });
    expect(profile('no-names', ['basicConstraints=critical,CA:TRUE']).nameConstraints).toBeUndefined();
  });

  test.each([
    ['no constraints', ['keyUsage=keyCertSign']],
    ['CA:FALSE', ['basicConstraints=critical,CA:FALSE', 'keyUsage=keyCertSign']],
  ])('is that it is no CA, with %s', (_, extensions) => {
    expect(profile('no-ca', extensions).isCa).toBe(false);
  });

  test.each([
    ['keyUsage=digitalSignature', false],
    ['keyUsage=cRLSign', false],
    ['keyUsage=digitalSignature,keyCertSign', true],
    ['keyUsage=keyCertSign,decipherOnly', true],
  ])('%s signs certificates: %s', (usage, signs) => {
    expect(profile('usage', ['basicConstraints=critical,CA:TRUE', usage]).signsCertificates).toBe(signs);
  });

  test.each(['/CN=plain', '/O=A+OU=B/CN=two values', '/C=DE/emailAddress=a@b.test/CN=kinds of strings', '/CN=Größe'])(
    'the subject of %s is kept byte for byte',
    (subject) => {
      const read = profile('subject', ['basicConstraints=critical,CA:TRUE'], subject);
      // Self-signed: the same bytes stand there twice, as issuer and as subject.
      const first = read.certificate.raw.indexOf(read.subject);
      expect(first).toBeGreaterThan(0);
      expect(read.certificate.raw.indexOf(read.subject, first + 1)).toBeGreaterThan(first);
    },
  );
});
