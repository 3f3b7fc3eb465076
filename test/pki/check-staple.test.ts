import { afterAll, describe, expect, test } from 'vitest';
import type { OcspFacts } from '../../src/core/certificate-facts.ts';
import { checkStaple } from '../../src/pki/check-staple.ts';
import { readOcspResponse } from '../../src/wire/ocsp-response.ts';
import { Workshop } from '../support/chain-workshop.ts';
import { readCertificate } from '../support/read-chain.ts';

const shop = new Workshop();
afterAll(() => shop.close());

const middle = await shop.middle('rsa', { key: 'RSA-2048' });
const leaf = await shop.issue(middle, {});
const signer = await shop.issue(middle, {
  subject: '/CN=ocsp',
  keyName: 'ocsp',
  extensions: ['extendedKeyUsage=OCSPSigning'],
});
const [readLeaf, readMiddle, readSigner] = [leaf, middle, signer].map(({ cert }) => readCertificate(cert));
if (!readLeaf || !readMiddle || !readSigner) throw new Error('not made');

async function response(wish: { by?: typeof middle; revoked?: boolean } = {}): Promise<OcspFacts> {
  const { by = middle, revoked = false } = wish;
  const read = readOcspResponse(await shop.ocspResponse({ leaf, issuer: middle, signer: by, revoked }));
  if (!read.ok) throw new Error(read.reason);
  return read.value;
}

const judge = (facts: OcspFacts, delegates: readonly (typeof readSigner)[] = [], now = Date.now()) =>
  checkStaple({ response: facts, delegates }, readLeaf, readMiddle, now);
const DAY = 86_400_000;

describe('a staple', () => {
  test('that its issuer or its delegate has signed proves it good', async () => {
    expect(judge(await response())).toBe('good');
    expect(judge(await response({ by: signer }), [readSigner])).toBe('good');
  });

  test('proves nothing without the signer, before its time and after it', async () => {
    const facts = await response();
    expect(judge(await response({ by: signer }))).toBe('nothing');
    expect(judge(facts, [], Date.now() - DAY)).toBe('nothing');
    expect(judge(facts, [], Date.now() + DAY)).toBe('nothing');
  });

  test.each<[string, (facts: OcspFacts) => OcspFacts]>([
    [
      'a signature that was changed',
      (facts) => ({ ...facts, signatureValue: facts.signatureValue.map((octet) => octet ^ 1) }),
    ],
    ['another signature algorithm', (facts) => ({ ...facts, signature: { scheme: 'ecdsa', hash: 'sha256' } })],
    ['SHA-1', (facts) => ({ ...facts, signature: { scheme: 'rsa', hash: 'sha1' } })],
    ['Ed25519 named for an RSA key', (facts) => ({ ...facts, signature: { scheme: 'ed25519', hash: 'none' } })],
    ['other signed bytes', (facts) => ({ ...facts, signed: facts.signed.subarray(1) })],
    ['an answer about another serial number', (facts) => withAnswer(facts, { serial: Uint8Array.of(9) })],
    ['an answer about another issuer', (facts) => withAnswer(facts, { issuerKeyHash: Uint8Array.of(9) })],
    ['an answer about another name', (facts) => withAnswer(facts, { issuerNameHash: Uint8Array.of(9) })],
    ['a hash that nobody knows', (facts) => withAnswer(facts, { hash: 'other' })],
    ['an unknown status', (facts) => withAnswer(facts, { status: 'unknown' })],
    ['no answer', (facts) => ({ ...facts, answers: [] })],
  ])('proves nothing with %s', async (_, bend) => {
    expect(judge(bend(await response()))).toBe('nothing');
  });

  test('that says revoked is believed without a proof, if it is about this certificate', async () => {
    const facts = await response({ revoked: true });
    expect(judge(facts)).toBe('revoked');
    expect(judge({ ...facts, signatureValue: new Uint8Array(8) })).toBe('revoked');
    expect(judge(withAnswer(facts, { serial: Uint8Array.of(9) }))).toBe('nothing');
  });
});

function withAnswer(facts: OcspFacts, over: Partial<OcspFacts['answers'][number]>): OcspFacts {
  return { ...facts, answers: facts.answers.map((answer) => ({ ...answer, ...over })) };
}
