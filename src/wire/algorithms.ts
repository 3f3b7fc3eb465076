// Algorithms as X.509 names them: what a signature was made with and what kind of key it is (RFC 3279, 4055, 5480, 8410).
// Called by the readers of certificates and of OCSP responses.

import type { KeyFacts, SignatureFacts } from '../core/certificate-facts.ts';
import { type DerReader, TAG } from './der.ts';
import { takeInteger, takeOctets, takeOid } from './der-value.ts';

type Hash = SignatureFacts['hash'];

/** By the OID in hexadecimal. */
const SIGNATURES: ReadonlyMap<string, SignatureFacts> = new Map<string, SignatureFacts>([
  ['2a864886f70d010104', { scheme: 'rsa', hash: 'md5' }],
  ['2a864886f70d010105', { scheme: 'rsa', hash: 'sha1' }],
  ['2a864886f70d01010e', { scheme: 'rsa', hash: 'sha224' }],
  ['2a864886f70d01010b', { scheme: 'rsa', hash: 'sha256' }],
  ['2a864886f70d01010c', { scheme: 'rsa', hash: 'sha384' }],
  ['2a864886f70d01010d', { scheme: 'rsa', hash: 'sha512' }],
  ['2a8648ce3d0401', { scheme: 'ecdsa', hash: 'sha1' }],
  ['2a8648ce3d040301', { scheme: 'ecdsa', hash: 'sha224' }],
  ['2a8648ce3d040302', { scheme: 'ecdsa', hash: 'sha256' }],
  ['2a8648ce3d040303', { scheme: 'ecdsa', hash: 'sha384' }],
  ['2a8648ce3d040304', { scheme: 'ecdsa', hash: 'sha512' }],
  ['2a8648ce380403', { scheme: 'dsa', hash: 'sha1' }],
  ['608648016503040302', { scheme: 'dsa', hash: 'sha256' }],
  ['2b6570', { scheme: 'ed25519', hash: 'none' }],
]);
const OTHER: SignatureFacts = { scheme: 'other', hash: 'other' };
const RSA_PSS = '2a864886f70d01010a';
const HASHES: ReadonlyMap<string, Hash> = new Map<string, Hash>([
  ['2b0e03021a', 'sha1'],
  ['608648016503040204', 'sha224'],
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
]);
const HASH_ALGORITHM = 0xa0;

const RSA = '2a864886f70d010101';
const EC = '2a8648ce3d0201';
const ED25519 = '2b6570';
const CURVES: ReadonlyMap<string, KeyFacts['curve']> = new Map<string, KeyFacts['curve']>([
  ['2a8648ce3d030107', 'P-256'],
  ['2b81040022', 'P-384'],
  ['2b81040023', 'P-521'],
]);

/** The next AlgorithmIdentifier, that of a signature. */
export function takeSignatureAlgorithm(reader: DerReader, what: string): SignatureFacts {
  return reader.inside(TAG.sequence, what, (fields) => {
    const oid = takeOid(fields, 'OID');
    if (oid === RSA_PSS) return fields.inside(TAG.sequence, 'PSS parameters', readPss);
    // NULL or nothing, depending on the algorithm; OpenSSL knows which.
    while (!fields.done) fields.element();
    return SIGNATURES.get(oid) ?? OTHER;
  });
}

/** The next AlgorithmIdentifier, that of a hash. */
export function takeHashAlgorithm(reader: DerReader): Hash {
  return reader.inside(TAG.sequence, 'hash algorithm', (fields) => {
    const oid = takeOid(fields, 'OID');
    while (!fields.done) fields.element();
    return HASHES.get(oid) ?? 'other';
  });
}

function readPss(fields: DerReader): SignatureFacts {
  // RFC 4055 section 3.1: SHA-1 where it does not say.
  const hash = fields.isNext(HASH_ALGORITHM) ? fields.inside(HASH_ALGORITHM, 'PSS hash', takeHashAlgorithm) : 'sha1';
  while (!fields.done) fields.element();
  return { scheme: 'rsa-pss', hash };
}

/** The next SubjectPublicKeyInfo. */
export function takePublicKey(reader: DerReader): KeyFacts {
  const what = 'subjectPublicKeyInfo';
  const info = reader.whole(TAG.sequence, what);
  return reader.again(info, what, (fields) =>
    fields.inside(TAG.sequence, what, (key) => {
      const algorithm = key.inside(TAG.sequence, 'key algorithm', readKeyAlgorithm);
      const value = takeOctets(key, 'public key');
      const bits = algorithm.kind === 'rsa' ? key.again(value, 'RSA key', readModulus) : 0;
      return { ...algorithm, bits, info, value };
    }),
  );
}

function readKeyAlgorithm(fields: DerReader): Pick<KeyFacts, 'kind' | 'curve'> {
  const oid = takeOid(fields, 'OID');
  if (oid === EC && fields.isNext(TAG.oid)) return { kind: 'ec', curve: CURVES.get(takeOid(fields, 'curve')) ?? '' };
  while (!fields.done) fields.element();
  if (oid === EC) return { kind: 'ec', curve: '' };
  if (oid === RSA || oid === RSA_PSS) return { kind: 'rsa', curve: '' };
  return { kind: oid === ED25519 ? 'ed25519' : 'other', curve: '' };
}

/** Bits of the modulus. */
function readModulus(outer: DerReader): number {
  return outer.inside(TAG.sequence, 'RSA key', (fields) => {
    const modulus = takeInteger(fields, 'modulus');
    takeInteger(fields, 'exponent');
    const begin = modulus[0] === 0 ? 1 : 0;
    const top = modulus[begin] ?? 0;
    return (modulus.length - begin) * 8 - (Math.clz32(top) - 24);
  });
}
