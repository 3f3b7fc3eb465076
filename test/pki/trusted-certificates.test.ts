import { afterAll, expect, test } from 'vitest';
import { TrustedCertificates } from '../../src/pki/trusted-certificates.ts';
import { CA, Workshop } from '../support/chain-workshop.ts';
import { readCertificate } from '../support/read-chain.ts';

const shop = new Workshop();
afterAll(() => shop.close());

const root = await shop.root('Root');
const twin = await shop.issue(undefined, { subject: '/CN=Root', keyName: 'twin', extensions: CA });
const middle = await shop.middle('middle', {}, root);
const leaf = await shop.issue(middle, {});
const direct = await shop.issue(root, {});
const [readRoot, readTwin, readMiddle, readLeaf, readDirect] = [root, twin, middle, leaf, direct].map(({ cert }) =>
  readCertificate(cert),
);
if (!readRoot || !readTwin || !readMiddle || !readLeaf || !readDirect) throw new Error('not made');
const trust = new TrustedCertificates([readRoot, readTwin, readMiddle]);

test('only what has issued itself ends a path, the others help to build one', () => {
  expect(trust.helpers).toEqual([readMiddle]);
  expect(trust.has(readCertificate(root.cert))).toBe(true);
  expect(trust.has(readMiddle)).toBe(false);
  expect(trust.has(readLeaf)).toBe(false);
});

test('an issuer is found by name and key identifier', () => {
  expect(trust.issuersOf(readDirect, false)).toEqual([readRoot]);
  expect(trust.issuersOf(readLeaf, false)).toEqual([]);
});

test('a name in another spelling is found only when asked for', () => {
  const spelled = { ...readDirect, facts: { ...readDirect.facts, issuer: Buffer.from('other bytes') } };
  expect(trust.issuersOf(spelled, false)).toEqual([]);
  expect(trust.issuersOf(spelled, true)).toEqual([readRoot]);
});
