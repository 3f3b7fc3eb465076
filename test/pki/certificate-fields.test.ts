import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  certificatePem,
  distinguishedName,
  extension,
  OIDS,
  signCertificate,
  signingWith,
} from '../../src/pki/certificate-fields.ts';
import { encodedSequence, sequence } from '../../src/pki/der.ts';

const pairs = {
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

function certificate(pair: { publicKey: KeyObject; privateKey: KeyObject }): X509Certificate {
  const name = distinguishedName([OIDS.organisation, 'Größe & Co'], [OIDS.commonName, 'x.test']);
  return new X509Certificate(
    signCertificate(
      {
        issuer: name,
        subject: name,
        notBefore: new Date('2049-12-31T00:00:00Z'),
        notAfter: new Date('2050-01-02T00:00:00Z'),
        publicKey: encodedSequence(pair.publicKey.export({ type: 'spki', format: 'der' })),
        extensions: [extension(OIDS.basicConstraints, 'critical', sequence())],
      },
      pair.privateKey,
    ),
  );
}

describe('a signed certificate', () => {
  test.each([
    ['P-256', 'ecdsa-with-SHA256'],
    ['P-384', 'ecdsa-with-SHA384'],
    ['P-521', 'ecdsa-with-SHA512'],
    ['RSA', 'sha256WithRSAEncryption'],
  ] as const)('by %s verifies, with a hash that fits the key', (kind, algorithm) => {
    const read = certificate(pairs[kind]);
    expect(read.verify(pairs[kind].publicKey)).toBe(true);
    expect(read.signatureAlgorithm).toBe(algorithm);
  });

  test('keeps names beyond ASCII and dates on both sides of 2050', () => {
    const read = certificate(pairs['P-256']);
    expect(read.subject).toBe('O=Größe & Co\nCN=x.test');
    expect(read.validFromDate.toISOString()).toBe('2049-12-31T00:00:00.000Z');
    expect(read.validToDate.toISOString()).toBe('2050-01-02T00:00:00.000Z');
  });

  test('survives the way through PEM', () => {
    const read = certificate(pairs['P-256']);
    expect(certificatePem(read.raw)).toBe(read.toString());
  });

  test.each([
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
    ['secp256k1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey],
    ['RSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey],
  ])('is not made with %s', (_, make) => {
    const privateKey = make();
    expect(signingWith(privateKey)).toBeUndefined();
    expect(() => certificate({ publicKey: pairs.RSA.publicKey, privateKey })).toThrow('neither RSA nor on the curve');
  });
});
