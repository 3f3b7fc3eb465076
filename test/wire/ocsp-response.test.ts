import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { readOcspResponse } from '../../src/wire/ocsp-response.ts';
import { Workshop } from '../support/chain-workshop.ts';
import { readCertificate } from '../support/read-chain.ts';

const shop = new Workshop();
afterAll(() => shop.close());
const root = await shop.root();
const leaf = await shop.issue(root, { serial: '0A0B' });
const good = await shop.ocspResponse({ leaf, issuer: root, signer: root });
const revoked = await shop.ocspResponse({ leaf, issuer: root, signer: root, revoked: true });

describe('a response by openssl', () => {
  test.each([
    ['good', good],
    ['revoked', revoked],
  ] as const)('that says %s is read', (status, bytes) => {
    expect(readOcspResponse(bytes)).toMatchObject({
      ok: true,
      value: {
        signature: { scheme: 'ecdsa', hash: 'sha256' },
        answers: [{ hash: 'sha1', serial: Uint8Array.of(10, 11), status, nextUpdate: expect.any(Number) }],
      },
    });
  });

  test('brings the certificate of its signer along', () => {
    const read = readOcspResponse(good);
    const [sent] = read.ok ? read.value.certificates : [];
    expect(readCertificate(Buffer.from(sent ?? [])).certificate.subject).toBe('CN=root');
  });
});

describe('hostile bytes', () => {
  test.each([
    ['an error', Buffer.from('30030a0106', 'hex'), 'OCSP response tells of an error'],
    [
      'success without an answer',
      Buffer.from('30030a0100', 'hex'),
      'OCSP response has no responseBytes where it belongs',
    ],
    ['nothing', Buffer.alloc(0), 'OCSP response has no OCSP response where it belongs'],
    ['bytes behind it', Buffer.concat([good, Buffer.of(0)]), 'OCSP response has bytes left over'],
  ])('%s is told', (_, bytes, reason) => {
    expect(readOcspResponse(bytes)).toEqual({ ok: false, reason });
  });

  test('every prefix is malformed', () => {
    for (let end = 0; end < good.length; end += 1) expect(readOcspResponse(good.subarray(0, end)).ok).toBe(false);
  });

  test('no change of bytes makes it throw', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 5 });
    fc.assert(
      fc.property(changes, (list) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of list) bytes[at % bytes.length] = value;
        readOcspResponse(bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});
