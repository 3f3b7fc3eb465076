import { describe, expect, test } from 'vitest';
import type { CertificateFacts } from '../../src/core/certificate-facts.ts';
import { checkCertificate, type Role } from '../../src/pki/check-certificate.ts';
import { caFacts, keyFacts, leafFacts, NOW } from '../support/certificate-facts.ts';

const NONE = { server: false, client: false, any: false, ocspSigning: false };
const ROLES: readonly Role[] = ['leaf', 'pinned', 'issuer', 'anchor'];
const goodFor = (role: Role): CertificateFacts =>
  role === 'leaf' || role === 'pinned' ? leafFacts() : caFacts('r', 'm');

describe('a good certificate', () => {
  test.each(ROLES)('as %s has no flaw', (role) => {
    expect(checkCertificate(goodFor(role), role, NOW)).toBeUndefined();
  });

  test.each([
    ['RSA-2048', { kind: 'rsa', bits: 2048, curve: '' }],
    ['RSA-8192', { kind: 'rsa', bits: 8192, curve: '' }],
    ['P-384', { curve: 'P-384' }],
    ['P-521', { curve: 'P-521' }],
    ['Ed25519', { kind: 'ed25519', curve: '' }],
  ] as const)('may have a key of %s', (_, key) => {
    for (const role of ROLES)
      expect(checkCertificate({ ...goodFor(role), key: keyFacts(key) }, role, NOW)).toBeUndefined();
  });

  test.each([
    ['rsa', 'sha384'],
    ['rsa-pss', 'sha256'],
    ['ecdsa', 'sha512'],
    ['ed25519', 'none'],
  ] as const)('may be signed by %s with %s', (scheme, hash) => {
    expect(checkCertificate(leafFacts({ signature: { scheme, hash } }), 'leaf', NOW)).toBeUndefined();
  });

  test('may end and begin at this very moment', () => {
    expect(checkCertificate(leafFacts({ notBefore: NOW, notAfter: NOW }), 'leaf', NOW)).toBeUndefined();
  });
});

/** The parts in which the flaw counts; in the others there is none. */
type Case = readonly [what: string, over: Partial<CertificateFacts>, flaw: string, roles: readonly Role[]];
const SENT: readonly Role[] = ['leaf', 'issuer'];
const cases: readonly Case[] = [
  ['has expired', { notAfter: NOW - 1 }, 'expired', ROLES],
  ['is not yet valid', { notBefore: NOW + 1 }, 'not-yet-valid', ROLES],
  ['has a key of RSA-2047', { key: keyFacts({ kind: 'rsa', bits: 2047, curve: '' }) }, 'weak-key', ROLES],
  ['has a key of RSA-16384', { key: keyFacts({ kind: 'rsa', bits: 16_384, curve: '' }) }, 'weak-key', ROLES],
  ['has a key on another curve', { key: keyFacts({ curve: '' }) }, 'weak-key', ROLES],
  ['has another key', { key: keyFacts({ kind: 'other', curve: '' }) }, 'weak-key', ROLES],
  ['has an unknown critical extension', { unknownCritical: ['0102'] }, 'unknown-critical-extension', ROLES],
  ['is of version 2', { version: 2 }, 'version', ['leaf', 'pinned', 'issuer']],
  ['has dates in the wrong form', { properDates: false }, 'validity', ['leaf', 'pinned', 'issuer']],
  ['has a serial number of zero', { serial: Uint8Array.of(0) }, 'serial', SENT],
  ['has a negative serial number', { serial: Uint8Array.of(0x80, 1) }, 'serial', SENT],
  ['has a serial number of 21 bytes', { serial: new Uint8Array(21).fill(1) }, 'serial', SENT],
  ['is signed with MD5', { signature: { scheme: 'rsa', hash: 'md5' } }, 'weak-signature', SENT],
  ['is signed with SHA-1', { signature: { scheme: 'ecdsa', hash: 'sha1' } }, 'weak-signature', SENT],
  ['is signed with PSS and SHA-1', { signature: { scheme: 'rsa-pss', hash: 'sha1' } }, 'weak-signature', SENT],
  ['is signed by DSA', { signature: { scheme: 'dsa', hash: 'sha256' } }, 'weak-signature', SENT],
  ['is signed by something else', { signature: { scheme: 'other', hash: 'other' } }, 'weak-signature', SENT],
  ['is no CA', { basicConstraints: { ca: false } }, 'not-a-ca', ['issuer', 'anchor']],
  ['has a keyUsage that forbids to sign', { keyUsage: { certSign: false } }, 'may-not-sign', ['issuer', 'anchor']],
  ['names purposes, not this one', { purposes: NONE }, 'not-for-servers', ROLES],
  ['is for any purpose', { purposes: { ...NONE, any: true } }, 'not-for-servers', ['leaf']],
  ['is a CA', { basicConstraints: { ca: true } }, 'ca-as-server', ['leaf']],
  ['may sign certificates', { keyUsage: { certSign: true } }, 'ca-as-server', ['leaf']],
  [
    'has name constraints',
    { nameConstraints: { permitted: { dns: [], ip: [] }, excluded: { dns: [], ip: [] } } },
    'constraints-in-leaf',
    ['leaf'],
  ],
];

describe('a certificate', () => {
  const rows = cases.flatMap(([what, over, flaw, roles]) =>
    ROLES.map((role) => [what, role, roles.includes(role) ? flaw : undefined, over] as const),
  );
  test.each(rows)('that %s, as %s: %s', (_what, role, flaw, over) => {
    expect(checkCertificate({ ...goodFor(role), ...over }, role, NOW)).toBe(flaw);
  });

  test('of an origin has to say that it is for servers', () => {
    const { purposes: _, ...silent } = leafFacts();
    expect(checkCertificate(silent, 'leaf', NOW)).toBe('not-for-servers');
    expect(checkCertificate(silent, 'pinned', NOW)).toBeUndefined();
  });

  test('of a client has to say that it is for clients, and that of its CA must not leave it out', () => {
    const client = { ...leafFacts(), purposes: { ...NONE, client: true } };
    expect(checkCertificate(client, 'leaf', NOW, 'client')).toBeUndefined();
    expect(checkCertificate(client, 'leaf', NOW)).toBe('not-for-servers');
    expect(checkCertificate(leafFacts(), 'leaf', NOW, 'client')).toBe('not-for-clients');
    const ca = caFacts('r', 'm');
    expect(checkCertificate(ca, 'issuer', NOW, 'client')).toBeUndefined();
    const server = { ...ca, purposes: { ...NONE, server: true } };
    expect(checkCertificate(server, 'issuer', NOW, 'client')).toBe('not-for-clients');
  });

  test('of a CA has to say so, but for a root of version 1', () => {
    const { basicConstraints: _, keyUsage: __, ...silent } = caFacts('r', 'm');
    expect(checkCertificate(silent, 'issuer', NOW)).toBe('not-a-ca');
    expect(checkCertificate(silent, 'anchor', NOW)).toBe('not-a-ca');
    expect(checkCertificate({ ...silent, version: 1 }, 'anchor', NOW)).toBeUndefined();
    expect(checkCertificate({ ...silent, version: 1 }, 'issuer', NOW)).toBe('version');
  });
});
