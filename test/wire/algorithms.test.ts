import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { takeHashAlgorithm, takePublicKey, takeSignatureAlgorithm } from '../../src/wire/algorithms.ts';
import { readDer } from '../../src/wire/der.ts';
import { der } from '../support/der.ts';

const oid = (hex: string): number[] => der(6, Buffer.from(hex, 'hex'));
const sequence = (...parts: number[][]): number[] => der(0x30, parts.flat());
const NULL = [5, 0];
const SHA256 = sequence(oid('608648016503040201'), NULL);
const PSS = oid('2a864886f70d01010a');

describe('signatures', () => {
  test.each([
    ['rsa', 'md5', sequence(oid('2a864886f70d010104'), NULL)],
    ['rsa', 'sha256', sequence(oid('2a864886f70d01010b'), NULL)],
    ['ecdsa', 'sha1', sequence(oid('2a8648ce3d0401'))],
    ['ecdsa', 'sha512', sequence(oid('2a8648ce3d040304'))],
    ['dsa', 'sha256', sequence(oid('608648016503040302'))],
    ['ed25519', 'none', sequence(oid('2b6570'))],
    ['other', 'other', sequence(oid('2b6571'))],
    ['rsa-pss', 'sha1', sequence(PSS, sequence())],
    ['rsa-pss', 'sha256', sequence(PSS, sequence(der(0xa0, SHA256), der(0xa2, der(2, [32]))))],
    ['rsa-pss', 'other', sequence(PSS, sequence(der(0xa0, sequence(oid('2a03')))))],
  ])('%s with %s', (scheme, hash, bytes) => {
    const read = readDer(Uint8Array.from(bytes), 'DER', (reader) => takeSignatureAlgorithm(reader, 'algorithm'));
    expect(read).toEqual({ ok: true, value: { scheme, hash } });
  });

  test('PSS without parameters is malformed', () => {
    const bytes = Uint8Array.from(sequence(PSS));
    expect(readDer(bytes, 'DER', (reader) => takeSignatureAlgorithm(reader, 'algorithm'))).toMatchObject({ ok: false });
  });

  test('a hash stands alone too', () => {
    expect(readDer(Uint8Array.from(SHA256), 'DER', takeHashAlgorithm)).toEqual({ ok: true, value: 'sha256' });
  });
});

describe('keys', () => {
  const spki = (key: { export(options: { type: 'spki'; format: 'der' }): Buffer }): Buffer =>
    key.export({ type: 'spki', format: 'der' });
  const ec = (namedCurve: string): Buffer => spki(generateKeyPairSync('ec', { namedCurve }).publicKey);
  const rsa = (modulusLength: number): Buffer => spki(generateKeyPairSync('rsa', { modulusLength }).publicKey);

  test.each([
    ['P-256', () => ec('P-256'), { kind: 'ec', bits: 0, curve: 'P-256' }],
    ['P-521', () => ec('P-521'), { kind: 'ec', bits: 0, curve: 'P-521' }],
    ['secp256k1', () => ec('secp256k1'), { kind: 'ec', bits: 0, curve: '' }],
    ['RSA-1016', () => rsa(1016), { kind: 'rsa', bits: 1016, curve: '' }],
    ['RSA-2047', () => rsa(2047), { kind: 'rsa', bits: 2047, curve: '' }],
    ['RSA-2048', () => rsa(2048), { kind: 'rsa', bits: 2048, curve: '' }],
    ['Ed25519', () => spki(generateKeyPairSync('ed25519').publicKey), { kind: 'ed25519', bits: 0, curve: '' }],
    ['Ed448', () => spki(generateKeyPairSync('ed448').publicKey), { kind: 'other', bits: 0, curve: '' }],
  ])('%s', (_, make, expected) => {
    const bytes = make();
    const read = readDer(bytes, 'DER', takePublicKey);
    expect(read).toMatchObject({ ok: true, value: expected });
    expect(read.ok && Buffer.from(read.value.info).equals(bytes)).toBe(true);
    expect(read.ok && bytes.subarray(-read.value.value.length).equals(read.value.value)).toBe(true);
  });

  test('a curve spelled out in numbers is none', () => {
    const bytes = sequence(sequence(oid('2a8648ce3d0201'), sequence(der(2, [1]))), der(3, [0, 4]));
    expect(readDer(Uint8Array.from(bytes), 'DER', takePublicKey)).toMatchObject({
      ok: true,
      value: { kind: 'ec', curve: '' },
    });
  });
});
