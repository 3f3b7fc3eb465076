// Paths through chains that openssl made. What is left of them after mutation is tried in test/hostile.

import { afterAll, describe, expect, test } from 'vitest';
import { findPath, verifies } from '../../src/pki/find-path.ts';
import { TrustedCertificates } from '../../src/pki/trusted-certificates.ts';
import { CA, leafFor, Workshop } from '../support/chain-workshop.ts';
import { readCertificate } from '../support/read-chain.ts';

const shop = new Workshop();
afterAll(() => shop.close());
const NOW = Date.UTC(2026, 0, 1);

const root = await shop.root();
const middle = await shop.middle();
const leaf = await shop.issue(middle, {});
const trust = new TrustedCertificates([readCertificate(root.cert)]);
const find = (...pems: readonly string[]) => findPath(pems.map(readCertificate), trust, NOW);
const subjects = (found: ReturnType<typeof findPath>) =>
  found.ok ? found.path.map(({ certificate }) => certificate.subject) : found.flaw;

describe('a path', () => {
  test('leads over what was sent to the root', () => {
    expect(subjects(find(leaf.cert, middle.cert))).toEqual(['CN=leaf', 'CN=middle', 'CN=root']);
  });

  test('leads over what the trust list holds', () => {
    const helped = new TrustedCertificates([readCertificate(root.cert), readCertificate(middle.cert)]);
    expect(subjects(findPath([readCertificate(leaf.cert)], helped, NOW))).toEqual(['CN=leaf', 'CN=middle', 'CN=root']);
  });

  test('goes round a bad certificate when there is a good one of the same name and key', async () => {
    const limit = [...CA, 'nameConstraints=critical,excluded;DNS:ok.test'];
    const bad = await shop.issue(root, { subject: '/CN=middle', keyName: 'middle', extensions: limit });
    expect(subjects(find(leaf.cert, bad.cert, middle.cert))).toEqual(['CN=leaf', 'CN=middle', 'CN=root']);
    expect(subjects(find(leaf.cert, bad.cert))).toBe('name-constraints');
  });

  test.each([
    ['no-path', () => find()],
    ['no-path', () => find(leaf.cert)],
    ['no-path', () => find(leaf.cert, leaf.cert, root.cert)],
    ['expired', () => findPath([leaf.cert, middle.cert].map(readCertificate), trust, Date.UTC(2041, 0))],
    ['not-yet-valid', () => findPath([leaf.cert, middle.cert].map(readCertificate), trust, Date.UTC(2024, 0))],
    ['no-path', () => findPath([leaf.cert, middle.cert].map(readCertificate), new TrustedCertificates([]), NOW)],
  ])('is refused for %s', (flaw, found) => {
    expect(subjects(found())).toBe(flaw);
  });

  test('is not taken over a certificate that only has the name of the signer', async () => {
    const extensions = CA.slice(0, 2);
    const impostor = await shop.issue(root, { subject: '/CN=plain', keyName: 'impostor', extensions });
    const plain = await shop.issue(root, { subject: '/CN=plain', keyName: 'plain', extensions });
    const signed = await shop.issue(plain, {
      extensions: ['extendedKeyUsage=serverAuth', 'subjectAltName=DNS:ok.test'],
    });
    expect(verifies(readCertificate(signed.cert), readCertificate(impostor.cert))).toBe(false);
    expect(subjects(find(signed.cert, impostor.cert))).toBe('no-path');
    expect(subjects(find(signed.cert, impostor.cert, plain.cert))).toEqual(['CN=leaf', 'CN=plain', 'CN=root']);
  });

  test('through CAs that all sign each other ends soon', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const extensions = CA.slice(0, 2);
    const self = await Promise.all(
      names.map((name) => shop.issue(undefined, { subject: `/CN=${name}`, keyName: name, extensions })),
    );
    const crossed = await Promise.all(
      self.flatMap((issuer) =>
        names.map((name) => shop.issue(issuer, { subject: `/CN=${name}`, keyName: name, extensions })),
      ),
    );
    const end = await shop.issue(self[0], {
      extensions: leafFor('DNS:ok.test').filter((line) => !line.startsWith('auth')),
    });
    const chain = [end, ...crossed].map(({ cert }) => readCertificate(cert));
    const begin = performance.now();
    expect(subjects(findPath(chain, trust, NOW))).toBe('too-complex');
    expect(performance.now() - begin).toBeLessThan(500);
  });
});
