// Makes the CA of a new install: a P-256 key and a self-signed certificate that signs leaves and nothing below them.
// Called by certificate-authority at first start.

import { createHash, generateKeyPairSync } from 'node:crypto';
import { BACKDATE, certificatePem, distinguishedName, extension, OIDS, signCertificate } from './certificate-fields.ts';
import { bits, encodedSequence, octets, sequence, smallInteger, yes } from './der.ts';

const DAY = 24 * 3_600_000;
/** Ten years less a day at the least, leap days left out: the longest that all clients take. */
const LIFETIME = 10 * 365 * DAY - DAY;
/** Uncompressed point of P-256 (SEC 1 section 2.3.3), the last bytes of its SubjectPublicKeyInfo. */
const POINT_LENGTH = 65;

export interface NewCa {
  /** PEM. */
  readonly certificate: string;
  /** PKCS#8 PEM, encrypted when there is a passphrase. */
  readonly key: string;
}

/** A CA whose name tells it from that of every other install. */
export function createCa(options: { passphrase?: string | undefined; now?: Date } = {}): NewCa {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  // RFC 5280 section 4.2.1.2, method 1. Here SHA-1 names the key and protects nothing.
  const keyId = createHash('sha1').update(spki.subarray(-POINT_LENGTH)).digest();
  const name = distinguishedName(
    [OIDS.organisation, 'Sallyport'],
    [OIDS.commonName, `Sallyport CA ${keyId.toString('hex', 0, 4).toUpperCase()}`],
  );
  const notBefore = (options.now ?? new Date()).getTime() - BACKDATE;
  const certificate = signCertificate(
    {
      issuer: name,
      subject: name,
      notBefore: new Date(notBefore),
      notAfter: new Date(notBefore + LIFETIME),
      publicKey: encodedSequence(spki),
      extensions: [
        extension(OIDS.basicConstraints, 'critical', sequence(yes(), smallInteger(0))),
        // keyCertSign and cRLSign: bits 5 and 6 of nine.
        extension(OIDS.keyUsage, 'critical', bits(Uint8Array.of(0x06), 1)),
        extension(OIDS.subjectKeyIdentifier, 'plain', octets(keyId)),
      ],
    },
    privateKey,
  );
  const { passphrase } = options;
  return {
    certificate: certificatePem(certificate),
    key: privateKey
      .export(
        passphrase === undefined
          ? { type: 'pkcs8', format: 'pem' }
          : { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
      )
      .toString(),
  };
}
