import { afterAll, expect, test } from 'vitest';
import { OwnCa } from '../../src/pki/own-ca.ts';
import { CA, Workshop } from '../support/chain-workshop.ts';
import { readCertificate } from '../support/read-chain.ts';

const shop = new Workshop();
afterAll(() => shop.close());

const root = await shop.root();
const ours = await shop.middle('ours');
const { certificate, facts } = readCertificate(ours.cert);
const own = new OwnCa({
  certificate,
  subject: Buffer.from(facts.subject),
  keyId: Buffer.from(facts.subjectKeyId ?? []),
});
const isIn = (...pems: string[]): boolean => own.isIn(pems.map((pem) => readCertificate(pem).facts));

test('our CA is in a chain with itself, with its leaf, and with its key under another name', async () => {
  const leaf = await shop.issue(ours, {});
  const bare = await shop.issue(ours, { extensions: ['extendedKeyUsage=serverAuth', 'subjectAltName=DNS:ok.test'] });
  const renamed = await shop.issue(root, { subject: '/CN=renamed', keyName: 'ours', extensions: CA });
  const good = await shop.issue(root, {});
  expect(isIn(ours.cert)).toBe(true);
  expect(isIn(leaf.cert)).toBe(true);
  expect(isIn(bare.cert)).toBe(true);
  expect(isIn(good.cert, renamed.cert)).toBe(true);
});

test('it is not in one of our issuer, nor in one of a namesake', async () => {
  const good = await shop.issue(root, {});
  const namesake = await shop.issue(root, { subject: '/CN=ours', keyName: 'namesake', extensions: CA });
  const below = await shop.issue(namesake, {});
  expect(isIn(good.cert, root.cert)).toBe(false);
  expect(isIn(below.cert, namesake.cert)).toBe(false);
});
