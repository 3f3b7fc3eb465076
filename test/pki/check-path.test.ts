import { describe, expect, test } from 'vitest';
import type { CertificateFacts, NameConstraints } from '../../src/core/certificate-facts.ts';
import { checkPath, isSelfIssued, MAX_DEPTH, sameBytes } from '../../src/pki/check-path.ts';
import { caFacts, leafFacts, NOW } from '../support/certificate-facts.ts';

const budget = () => ({ signatures: 0, comparisons: 100 });
const check = (...path: CertificateFacts[]) => checkPath(path, NOW, budget());
const root = (over: Partial<CertificateFacts> = {}) => caFacts('root', 'root', over);
const middle = (over: Partial<CertificateFacts> = {}) => caFacts('root', 'middle', over);
const allows = (pathLength: number) => ({ basicConstraints: { ca: true, pathLength } });
const only = (...dns: string[]): { nameConstraints: NameConstraints } => ({
  nameConstraints: { permitted: { dns, ip: [] }, excluded: { dns: [], ip: [] } },
});

describe('a path', () => {
  test.each([
    ['of leaf, intermediate and root', [leafFacts(), middle(), root()]],
    ['of leaf and root', [leafFacts(), root()]],
    ['of a trusted leaf', [leafFacts({ basicConstraints: { ca: true } })]],
    ['of eight', [leafFacts(), ...Array.from({ length: MAX_DEPTH - 2 }, () => middle()), root()]],
    ['with as many CAs as are allowed', [leafFacts(), middle(allows(0)), middle(allows(1)), root(allows(2))]],
    [
      'with a CA that issued itself a certificate',
      [leafFacts(), middle(), caFacts('x', 'x'), middle(allows(1)), root()],
    ],
    ['within its constraints', [leafFacts(), middle(only('ok.test')), root(only('test'))]],
  ])('%s stands', (_, path) => {
    expect(check(...path)).toBeUndefined();
  });

  test.each([
    ['too-deep', [leafFacts(), ...Array.from({ length: MAX_DEPTH - 1 }, () => middle()), root()]],
    ['path-length', [leafFacts(), middle(), middle(allows(0)), root()]],
    ['path-length', [leafFacts(), middle(), middle(), root(allows(1))]],
    ['name-constraints', [leafFacts(), middle(only('other.test')), root()]],
    ['name-constraints', [leafFacts(), middle(), root(only('other.test'))]],
    ['name-constraints', [leafFacts(), middle({ dnsNames: ['evil.test'] }), root(only('ok.test'))]],
    ['not-a-ca', [leafFacts(), leafFacts(), root()]],
    ['ca-as-server', [middle(), root()]],
    ['weak-signature', [leafFacts(), middle({ signature: { scheme: 'rsa', hash: 'sha1' } }), root()]],
    [
      'not-for-servers',
      [leafFacts(), middle({ purposes: { server: false, client: false, any: false, ocspSigning: true } }), root()],
    ],
  ])('falls for %s', (flaw, path) => {
    expect(check(...path)).toBe(flaw);
  });

  test('a signature with SHA-1 on the root itself is no matter', () => {
    expect(check(leafFacts(), root({ signature: { scheme: 'rsa', hash: 'sha1' } }))).toBeUndefined();
  });

  test('with more names and limits than the budget is too complex, and nothing is compared', () => {
    const names = Array.from({ length: 11 }, (_, at) => `n${at}.test`);
    expect(check(leafFacts({ dnsNames: names }), middle(only(...names)), root())).toBe('too-complex');
    expect(check(leafFacts({ dnsNames: names }), middle(only('test')), root())).toBeUndefined();
  });
});

test('self-issued is one whose names are the same bytes', () => {
  expect(isSelfIssued(root())).toBe(true);
  expect(isSelfIssued(middle())).toBe(false);
  expect(sameBytes(Uint8Array.of(1, 2), Buffer.of(1, 2))).toBe(true);
  expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(false);
});
