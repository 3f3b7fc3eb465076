// The fields that a CA certificate and a leaf have in common (RFC 5280), and their signature by node:crypto.
// Called by create-ca and leaf.

import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { ProxyError } from '../core/errors.ts';
import {
  bits,
  type Der,
  encode,
  explicit,
  integer,
  nothing,
  octets,
  oid,
  sequence,
  set,
  smallInteger,
  time,
  utf8,
  yes,
} from './der.ts';

export const OIDS = {
  commonName: '2.5.4.3',
  organisation: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** Virtual machines wake up with clocks that are behind: every certificate is valid since a day before its birth. */
export const BACKDATE = 24 * 3_600_000;

export interface Signing {
  /** Hash as node:crypto names it. */
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly algorithm: Der;
}

const ecdsa = (hash: Signing['hash'], suffix: number): Signing => ({
  hash,
  algorithm: sequence(oid(`1.2.840.10045.4.3.${suffix}`)),
});

/** The hash goes with the size of the curve (RFC 5480 section 4). */
const ECDSA: Readonly<Record<string, Signing>> = {
  prime256v1: ecdsa('sha256', 2),
  secp384r1: ecdsa('sha384', 3),
  secp521r1: ecdsa('sha512', 4),
};
/** RFC 4055 section 5: the parameters are NULL, not absent. */
const RSA: Signing = { hash: 'sha256', algorithm: sequence(oid('1.2.840.113549.1.1.11'), nothing()) };

/** How certificates are signed with this key; `undefined` for a key that we do not sign with. */
export function signingWith(key: KeyObject): Signing | undefined {
  if (key.asymmetricKeyType === 'rsa') return RSA;
  return key.asymmetricKeyType === 'ec' ? ECDSA[key.asymmetricKeyDetails?.namedCurve ?? ''] : undefined;
}

export interface CertificateFields {
  readonly issuer: Der;
  readonly subject: Der;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Der;
  readonly extensions: readonly Der[];
}

/** A v3 certificate with a random serial, signed with `key`, as DER. */
export function signCertificate(fields: CertificateFields, key: KeyObject): Buffer {
  const signing = signingWith(key);
  if (!signing)
    throw new ProxyError('ca-unusable', 'The CA key is neither RSA nor on the curve P-256, P-384 or P-521.');
  const toBeSigned = sequence(
    explicit(0, smallInteger(2)),
    integer(randomSerial()),
    signing.algorithm,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.publicKey,
    explicit(3, sequence(...fields.extensions)),
  );
  return encode(sequence(toBeSigned, signing.algorithm, bits(sign(signing.hash, encode(toBeSigned), key))));
}

/**
 * 128 bits from the CSPRNG. The top bit is clear, so that the number is positive, and the next one is set, so that
 * it always takes 16 octets and needs no care about leading zeros.
 */
function randomSerial(): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  return serial;
}

export function extension(id: string, critical: 'critical' | 'plain', value: Der): Der {
  const body = octets(encode(value));
  return critical === 'critical' ? sequence(oid(id), yes(), body) : sequence(oid(id), body);
}

/** A Name of one attribute per RDN, in the order given. */
export function distinguishedName(...attributes: readonly (readonly [id: string, text: string])[]): Der {
  return sequence(...attributes.map(([id, text]) => set(sequence(oid(id), utf8(text)))));
}

export function certificatePem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
