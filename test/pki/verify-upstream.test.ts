import { describe, expect, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import { parseAuthority } from '../../src/core/authority.ts';
import { checkNames, describeChainError } from '../../src/pki/verify-upstream.ts';

function authority(text: string): Authority {
  const parsed = parseAuthority(text, 443);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.reason}`);
  return parsed.value;
}

const v4 = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const check = (dnsNames: readonly string[], host: string, ipAddresses: readonly Uint8Array[] = []) =>
  checkNames({ dnsNames, ipAddresses }, authority(host));

describe('names', () => {
  test.each([
    ['ok.test', 'ok.test'],
    ['OK.Test', 'ok.test'],
    ['ok.test', 'ok.test:8443'],
    ['*.wild.test', 'x.wild.test'],
    ['*.WILD.test', 'x.wild.test'],
    ['*.wild.test', '_x.wild.test'],
    ['*.wild.test', 'xn--bcher-kva.wild.test'],
    ['_a.b_c.test', '_a.b_c.test'],
    ['localhost', 'localhost'],
  ])('%s is for %s', (name, host) => {
    expect(check(['other.test', name], host)).toEqual({ ok: true });
  });

  test.each([
    ['other.test', 'ok.test'],
    ['ok.test', 'www.ok.test'],
    ['www.ok.test', 'ok.test'],
    ['ok.test.', 'ok.test'],
    ['.ok.test', 'ok.test'],
    ['', 'ok.test'],
    ['*', 'ok.test'],
    ['*', 'localhost'],
    ['*.test', 'ok.test'],
    ['*.', 'ok.test'],
    ['*.*', 'ok.test'],
    ['f*.wild.test', 'foo.wild.test'],
    ['*o.wild.test', 'foo.wild.test'],
    ['f*o.wild.test', 'foo.wild.test'],
    ['*.*.wild.test', 'a.b.wild.test'],
    ['**.wild.test', 'x.wild.test'],
    ['a.*.test', 'a.b.test'],
    ['*.wild.test', 'wild.test'],
    ['*.wild.test', 'x.y.wild.test'],
    ['*.wild.test', 'xwild.test'],
    ['*..wild.test', 'x.wild.test'],
    ['*.wild.test.', 'x.wild.test'],
    ['xn--*.wild.test', 'xn--bcher-kva.wild.test'],
    ['ok.test\0.evil.test', 'ok.test'],
    ['ok.test\0', 'ok.test'],
    ['ok.test\n', 'ok.test'],
    ['ok.test, DNS:x.test', 'ok.test'],
    ['"ok.test"', 'ok.test'],
    [' ok.test', 'ok.test'],
    ['DNS:ok.test', 'ok.test'],
    ['ok.test:443', 'ok.test'],
    // Folds to "k" where case is folded the Unicode way.
    ['o\u212a.test', 'ok.test'],
    ['127.0.0.2', '127.0.0.2'],
    ['*.0.0.2', '127.0.0.2'],
    ['::1', '[::1]'],
  ])('%j is not for %s', (name, host) => {
    expect(check([name], host)).toMatchObject({ ok: false, reason: expect.stringContaining('not for') });
  });
});

describe('addresses', () => {
  const loopback6 = Buffer.concat([Buffer.alloc(15), Buffer.of(1)]);

  test.each([
    ['127.0.0.2', v4(127, 0, 0, 2)],
    ['[::1]', loopback6],
    ['[0:0::1]', loopback6],
  ])('%s by its bytes', (host, address) => {
    expect(check([], host, [v4(9, 9, 9, 9), address])).toEqual({ ok: true });
  });

  test.each([
    ['another address', '127.0.0.2', v4(127, 0, 0, 3)],
    ['a prefix', '127.0.0.2', v4(127, 0, 0)],
    ['a network with its mask', '127.0.0.2', v4(127, 0, 0, 2, 255, 255, 255, 255)],
    ['the text of the address', '127.0.0.2', Buffer.from('127.0.0.2')],
    ['the text of an IPv6 address', '[::1]', Buffer.from('::1')],
    ['IPv4 inside IPv6', '127.0.0.2', Buffer.from('00000000000000000000ffff7f000002', 'hex')],
    ['no bytes', '127.0.0.2', v4()],
  ])('%s is not enough', (_, host, address) => {
    expect(check([], host, [address])).toMatchObject({ ok: false });
  });

  test('an address of four bytes is no name of four characters', () => {
    expect(check([], 'abcd', [Buffer.from('abcd')])).toMatchObject({ ok: false });
  });
});

describe('reasons', () => {
  test.each([
    [['a.test'], [], 'The certificate is for a.test, not for ok.test.'],
    [['a.test', 'b.test'], [v4(192, 0, 2, 1)], 'The certificate is for a.test, b.test, 192.0.2.1, not for ok.test.'],
    [['a', 'b', 'c', 'd', 'e'], [], 'The certificate is for a, b, c and 2 more, not for ok.test.'],
    [[], [], 'The certificate has no subjectAltName, so it is not for ok.test: issue it again with one.'],
    [['a\0\r\nb\x7f\xff c'], [], 'The certificate is for a???b???c, not for ok.test.'],
    [['n'.repeat(5000)], [], `The certificate is for ${'n'.repeat(80)}..., not for ok.test.`],
    [[], [v4(1, 2)], 'The certificate is for address of 2 bytes, not for ok.test.'],
    [[], [Buffer.alloc(16)], 'The certificate is for 0000:0000:0000:0000:0000:0000:0000:0000, not for ok.test.'],
  ])('%j and %j', (dnsNames, addresses, reason) => {
    expect(check(dnsNames, 'ok.test', addresses)).toEqual({ ok: false, reason });
  });

  test('ten thousand names are searched in no time', () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `*.h${index}.${'a.'.repeat(100)}test`);
    const started = performance.now();
    expect(check(names, 'ok.test')).toMatchObject({ ok: false });
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('verdicts on a chain', () => {
  test.each([
    ['CERT_HAS_EXPIRED', /has expired/],
    ['CERT_NOT_YET_VALID', /not valid yet/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /self-signed/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /root of its chain is not trusted/],
    ['UNABLE_TO_GET_ISSUER_CERT', /an intermediate is not enough/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /intermediate certificate.*upstream\.trust/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /intermediate certificate.*upstream\.trust/],
    ['CERT_SIGNATURE_FAILURE', /damaged or forged/],
    ['CERT_REVOKED', /revoked/],
    ['INVALID_PURPOSE', /not for servers.*no CA/],
    ['INVALID_CA', /without being a CA/],
    ['PATH_LENGTH_EXCEEDED', /more CAs/],
  ])('%s has the name that Squid gives it, and a sentence', (code, sentence) => {
    const described = describeChainError(code);
    expect(described.squid).toBe(`X509_V_ERR_${code}`);
    expect(described.sentence).toMatch(sentence);
    expect(described.sentence).toMatch(/^[A-Z].*\.$/);
  });

  test.each([
    ['EE certificate key too weak', 'EE_KEY_TOO_SMALL'],
    ['CA signature digest algorithm too weak', 'CA_MD_TOO_WEAK'],
    ['excluded subtree violation', 'EXCLUDED_VIOLATION'],
    ['constructor', 'UNSPECIFIED'],
    ['<script>', 'UNSPECIFIED'],
  ])('what Node leaves unspecified is known by its message: %s', (message, name) => {
    const described = describeChainError('UNSPECIFIED', message);
    expect(described.squid).toBe(`X509_V_ERR_${name}`);
    expect(described.sentence).not.toContain(message);
    expect(describeChainError('CERT_HAS_EXPIRED', message).squid).toBe('X509_V_ERR_CERT_HAS_EXPIRED');
  });

  test.each(['SOMETHING_NEW', 'UNSPECIFIED'])('%s, which is not in the table, is shown as it is', (code) => {
    const described = describeChainError(code);
    expect(described.squid).toBe('X509_V_ERR_UNSPECIFIED');
    expect(described.sentence).toContain(`(${code})`);
  });

  test.each(['', 'constructor', '__proto__', 'toString', 'A\r\nB', '<script>', 'A'.repeat(65)])(
    '%j does not get into the sentence',
    (code) => {
      expect(describeChainError(code)).toEqual({
        squid: 'X509_V_ERR_UNSPECIFIED',
        sentence: 'Its certificate chain could not be verified.',
      });
    },
  );
});
