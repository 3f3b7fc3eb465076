// Every spelling of a host or a port has one canonical form or one reason for refusal.

import { lookup } from 'node:dns/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Authority,
  formatAuthority,
  formatHost,
  parseAuthority,
  parseHost,
  parsePort,
  sameAuthority,
} from '../../src/core/authority.ts';

const refused = (reason: string) => ({ ok: false, reason });
const NOT_ALLOWED = 'character not allowed in host';
const OTHER_SPELLING = 'host is an address in a spelling that is not canonical';
const MALFORMED_IPV6 = 'malformed IPv6 address';
const BAD_PORT = 'port is not a number from 1 to 65535';

/** A name of exactly `length` characters in labels of at most 63. */
const nameOf = (length: number): string =>
  `${'a'.repeat(63)}.`
    .repeat(4)
    .slice(0, length - 1)
    .concat('b');

describe('a host', () => {
  test('that is canonical as it stands reads as it does in capitals, which goes the long way', () => {
    const label = fc.string({ unit: fc.constantFrom(...'az09-_.'), maxLength: 66 });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 5 }), (labels) => {
        const text = labels.join('.');
        // Without a letter there are no capitals, and no quick way either.
        fc.pre(/[az]/.test(text));
        expect(parseHost(text)).toEqual(parseHost(text.replace(/[az]/, (letter) => letter.toUpperCase())));
      }),
    );
  });

  test.each([
    ['OK.Test', 'name', 'ok.test'],
    ['ok.test.', 'name', 'ok.test'],
    ['localhost', 'name', 'localhost'],
    ['LOCALHOST.', 'name', 'localhost'],
    ['_dmarc.my_bucket.test', 'name', '_dmarc.my_bucket.test'],
    ['-a-.test', 'name', '-a-.test'],
    ['1.2.3.4.test', 'name', '1.2.3.4.test'],
    ['1password.com', 'name', '1password.com'],
    ['x0x7f', 'name', 'x0x7f'],
    ['0xcafe.test', 'name', '0xcafe.test'],
    ['0xg', 'name', '0xg'],
    ['XN--BCHER-KVA.test', 'name', 'xn--bcher-kva.test'],
    [`${'a'.repeat(63)}.test`, 'name', `${'a'.repeat(63)}.test`],
    [`test.${'a'.repeat(63)}`, 'name', `test.${'a'.repeat(63)}`],
    [nameOf(253), 'name', nameOf(253)],
    [`${nameOf(253)}.`, 'name', nameOf(253)],
    [`${'a.'.repeat(126)}a`, 'name', `${'a.'.repeat(126)}a`],
    ['127.0.0.1', 'ipv4', '127.0.0.1'],
    ['255.255.255.255', 'ipv4', '255.255.255.255'],
    ['0.0.0.0', 'ipv4', '0.0.0.0'],
    ['[::]', 'ipv6', '::'],
    ['[::1]', 'ipv6', '::1'],
    ['[0:0:0:0:0:0:0:1]', 'ipv6', '::1'],
    ['[::0001]', 'ipv6', '::1'],
    ['[2001:DB8::A]', 'ipv6', '2001:db8::a'],
    ['[2001:db8:0:0:1:0:0:1]', 'ipv6', '2001:db8::1:0:0:1'],
    ['[2001:db8:0:1:1:1:1:1]', 'ipv6', '2001:db8:0:1:1:1:1:1'],
    ['[::ffff:127.0.0.1]', 'ipv6', '::ffff:7f00:1'],
    ['[::127.0.0.1]', 'ipv6', '::7f00:1'],
    ['[64:ff9b::127.0.0.1]', 'ipv6', '64:ff9b::7f00:1'],
  ])('%s is a host of kind %s, %s', (text, kind, canonical) => {
    expect(parseHost(text)).toEqual({ ok: true, value: { kind, text: canonical } });
  });

  test.each([
    ['', 'empty host'],
    ['.', 'empty host'],
    ['..', 'empty label in host'],
    ['ok.test..', 'empty label in host'],
    ['.ok.test', 'empty label in host'],
    ['ok..test', 'empty label in host'],
    [`${'a'.repeat(64)}.test`, 'label longer than 63 characters in host'],
    [`test.${'a'.repeat(64)}`, 'label longer than 63 characters in host'],
    [nameOf(254), 'host longer than 253 characters'],
    [`${nameOf(254)}.`, 'host longer than 253 characters'],
    ['a'.repeat(1_000_000), 'host longer than 253 characters'],
    ['allo%77ed.test', NOT_ALLOWED],
    ['ok%2etest', NOT_ALLOWED],
    ['ok.test%00.evil.test', NOT_ALLOWED],
    ['ok.test%23', NOT_ALLOWED],
    ['ok.test\0', NOT_ALLOWED],
    ['ok.test\n', NOT_ALLOWED],
    ['ok.test\r\n', NOT_ALLOWED],
    [' ok.test', NOT_ALLOWED],
    ['ok.test ', NOT_ALLOWED],
    ['ok.test@blocked.test', NOT_ALLOWED],
    ['blocked.test\\.ok.test', NOT_ALLOWED],
    ['blocked.test#.ok.test', NOT_ALLOWED],
    ['blocked.test?.ok.test', NOT_ALLOWED],
    ['blocked.test/.ok.test', NOT_ALLOWED],
    ['blocked.test;.ok.test', NOT_ALLOWED],
    ['*.test', NOT_ALLOWED],
    ['../../x', 'empty label in host'],
    ['"ok.test"', NOT_ALLOWED],
    ['ok.test,evil.test', NOT_ALLOWED],
    ['[ok.test]', MALFORMED_IPV6],
    ['[]', MALFORMED_IPV6],
    ['[', MALFORMED_IPV6],
    ['[::1', MALFORMED_IPV6],
    ['[::1]]', MALFORMED_IPV6],
    ['[[::1]]', MALFORMED_IPV6],
    ['[::1%25eth0]', MALFORMED_IPV6],
    ['[fe80::1%eth0]', MALFORMED_IPV6],
    ['[127.0.0.1]', MALFORMED_IPV6],
    ['[::127.1]', MALFORMED_IPV6],
    ['[::0177.0.0.1]', MALFORMED_IPV6],
    ['[1:2:3:4:5:6:7]', MALFORMED_IPV6],
    ['[1:2:3:4:5:6:7:8:9]', MALFORMED_IPV6],
    ['[1::2::3]', MALFORMED_IPV6],
    ['[12345::]', MALFORMED_IPV6],
    ['[v1.fe80::a]', MALFORMED_IPV6],
    ['::1', NOT_ALLOWED],
  ])('%j is refused: %s', (text, reason) => {
    expect(parseHost(text)).toEqual(refused(reason));
  });
});

describe('beyond ASCII', () => {
  test.each([
    ['an umlaut', 'b\u00fccher.test'],
    ['full width', '\uff4f\uff4b.test'],
    ['a full-width stop', 'ok\uff0etest'],
    ['an ideographic stop', 'ok\u3002test'],
    ['a half-width ideographic stop', 'ok\uff61test'],
    ['a soft hyphen', 'o\u00adk.test'],
    ['zero width', 'o\u200bk.test'],
    ['a zero-width joiner', 'o\u200dk.test'],
    ['a Cyrillic look-alike', '\u043ek.test'],
    ['a Kelvin sign, whose lower case is a plain k', 'o\u212a.test'],
    ['a dotted capital I', '\u0130.test'],
    ['a sharp s', 'stra\u00dfe.test'],
    ['circled letters', '\u24de\u24da.test'],
    ['full-width digits', '\uff11\uff12\uff17.0.0.1'],
    ['Arabic digits', '\u0661\u0662\u0667.0.0.1'],
    ['a byte order mark', '\ufeffok.test'],
    ['a line separator', 'ok.test\u2028'],
  ])('%s is refused raw', (_what, text) => {
    expect(parseHost(text)).toEqual(refused(NOT_ALLOWED));
  });

  test.each(['xn--bcher-kva.test', 'xn--k-jlc.test', 'xn--strae-oqa.test'])(
    'the A-label form %s is its own name',
    (text) => {
      expect(parseHost(text)).toEqual({ ok: true, value: { kind: 'name', text } });
    },
  );

  test('no character but letters, digits, hyphen and underscore can be in a name', () => {
    const allowed: string[] = [];
    for (let code = 0; code <= 0xffff; code += 1) {
      const character = String.fromCharCode(code);
      if (character !== '.' && parseHost(`a${character}b.test`).ok) allowed.push(character);
    }
    expect(allowed.join('')).toBe('-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz');
  });
});

describe('the spellings of loopback', () => {
  test.each([
    ['127.1', OTHER_SPELLING],
    ['127.0.1', OTHER_SPELLING],
    ['2130706433', OTHER_SPELLING],
    ['0x7f.1', OTHER_SPELLING],
    ['0x7f000001', OTHER_SPELLING],
    ['0X7F000001', OTHER_SPELLING],
    ['0x7f.0x0.0x0.0x1', OTHER_SPELLING],
    ['0177.0.0.1', OTHER_SPELLING],
    ['017700000001', OTHER_SPELLING],
    ['127.0.0.01', OTHER_SPELLING],
    ['127.0.0.1.', OTHER_SPELLING],
    ['0', OTHER_SPELLING],
    ['0x', OTHER_SPELLING],
    ['1.2.3.4.5', OTHER_SPELLING],
    ['256.0.0.1', OTHER_SPELLING],
    ['ok.test.1', OTHER_SPELLING],
  ])('%s is refused', (text, reason) => {
    expect(parseHost(text)).toEqual(refused(reason));
  });

  test.each([
    ['127.0.0.1', 'ipv4', '127.0.0.1'],
    ['127.255.255.254', 'ipv4', '127.255.255.254'],
    ['[::]', 'ipv6', '::'],
    ['[::1]', 'ipv6', '::1'],
    ['[::ffff:127.0.0.1]', 'ipv6', '::ffff:7f00:1'],
    ['[::ffff:7f00:1]', 'ipv6', '::ffff:7f00:1'],
    ['[::127.0.0.1]', 'ipv6', '::7f00:1'],
    ['localhost', 'name', 'localhost'],
    ['localhost.', 'name', 'localhost'],
  ])('%s is taken for what it is, for the address guard to judge', (text, kind, canonical) => {
    expect(parseHost(text)).toEqual({ ok: true, value: { kind, text: canonical } });
  });

  test('what the C library resolves as an address is never taken for a name', async () => {
    const spellings = ['127.1', '2130706433', '0x7f.1', '0177.0.0.1', '017700000001', '0x7f000001', '0'];
    for (const text of spellings) {
      expect(await lookup(text)).toMatchObject({ family: 4 });
      expect(parseHost(text).ok).toBe(false);
    }
  });
});

describe('a port', () => {
  test.each([
    ['1', 1],
    ['443', 443],
    ['65535', 65_535],
  ])('%s is a port', (text, port) => {
    expect(parsePort(text)).toEqual({ ok: true, value: port });
  });

  test.each([
    '',
    '0',
    '00',
    '65536',
    '99999',
    '100000',
    '+443',
    '-1',
    ' 443',
    '443 ',
    '0443',
    '443x',
    '0x1bb',
    '4e2',
    '443.0',
    '\uff14',
    '443\n',
  ])('%j is none', (text) => {
    expect(parsePort(text)).toEqual(refused(BAD_PORT));
  });
});

describe('an authority', () => {
  const at = (kind: Authority['kind'], host: string, port: number) => ({ ok: true, value: { kind, host, port } });

  test.each([
    ['OK.test.:443', undefined, at('name', 'ok.test', 443)],
    ['127.0.0.1:80', undefined, at('ipv4', '127.0.0.1', 80)],
    ['[::1]:3128', undefined, at('ipv6', '::1', 3128)],
    ['ok.test', 443, at('name', 'ok.test', 443)],
    ['ok.test:8443', 443, at('name', 'ok.test', 8443)],
    ['[::1]', 80, at('ipv6', '::1', 80)],
    ['ok.test', undefined, refused('port is missing')],
    ['[::1]', undefined, refused('port is missing')],
    ['ok.test:', undefined, refused(BAD_PORT)],
    ['ok.test:', 443, refused(BAD_PORT)],
    ['ok.test:0', 443, refused(BAD_PORT)],
    ['ok.test:443:443', undefined, refused(BAD_PORT)],
    ['ok.test:80@blocked.test', undefined, refused(BAD_PORT)],
    ['ok.test:80@blocked.test:443', undefined, refused(BAD_PORT)],
    ['ok.test@blocked.test:443', undefined, refused(NOT_ALLOWED)],
    ['ok.test:443/', undefined, refused(BAD_PORT)],
    ['ok.test:443\n', undefined, refused(BAD_PORT)],
    ['http://ok.test:443', undefined, refused(BAD_PORT)],
    ['/:443', undefined, refused(NOT_ALLOWED)],
    [':443', undefined, refused('empty host')],
    ['', 443, refused('empty host')],
    ['::1:443', undefined, refused('empty host')],
    ['2001:db8::1', 443, refused(OTHER_SPELLING)],
    ['[::1]443', 443, refused(MALFORMED_IPV6)],
    ['[::1]x:443', undefined, refused(MALFORMED_IPV6)],
    ['[::1', 443, refused(MALFORMED_IPV6)],
    ['x[::1]:443', undefined, refused(NOT_ALLOWED)],
    ['[ok.test]:443', undefined, refused(MALFORMED_IPV6)],
  ])('%j with default port %s', (text, defaultPort, expected) => {
    expect(parseAuthority(text, defaultPort)).toEqual(expected);
  });

  test('is written with brackets and without the default port', () => {
    const authority: Authority = { kind: 'ipv6', host: '::1', port: 443 };
    expect(formatHost(authority)).toBe('[::1]');
    expect(formatAuthority(authority)).toBe('[::1]:443');
    expect(formatAuthority(authority, 443)).toBe('[::1]');
    expect(formatAuthority({ kind: 'name', host: 'ok.test', port: 80 }, 443)).toBe('ok.test:80');
  });

  test('is the same when host, port and kind are', () => {
    const authority: Authority = { kind: 'name', host: 'ok.test', port: 443 };
    expect(sameAuthority(authority, { ...authority })).toBe(true);
    expect(sameAuthority(authority, { ...authority, port: 80 })).toBe(false);
    expect(sameAuthority(authority, { ...authority, host: 'sub.ok.test' })).toBe(false);
    expect(sameAuthority(authority, { ...authority, kind: 'ipv4' })).toBe(false);
  });
});

describe('for any text', () => {
  const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
  const host = fc.oneof(
    fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.')),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
    fc.domain(),
    fc.string(),
    fc.stringMatching(/^[[\]:.0-9a-fx%@]{0,30}$/),
  );
  const port = fc.oneof(fc.integer({ min: 0, max: 70_000 }).map(String), fc.string({ maxLength: 4 }));

  test('what is parsed and written parses to the same again', () => {
    let parsed = 0;
    fc.assert(
      fc.property(host, port, (hostText, portText) => {
        const first = parseAuthority(`${hostText}:${portText}`);
        if (!first.ok) return;
        parsed += 1;
        expect(parseAuthority(formatAuthority(first.value))).toEqual(first);
        expect(parseAuthority(formatAuthority(first.value, first.value.port), first.value.port)).toEqual(first);
        expect(formatAuthority(first.value)).toMatch(/^[a-z0-9_.:[\]-]+$/);
      }),
      { numRuns: 2_000 },
    );
    expect(parsed).toBeGreaterThan(200);
  });

  test('case and one trailing dot make no difference', () => {
    fc.assert(
      fc.property(host, (text) => {
        const plain = parseHost(text.toLowerCase());
        if (!plain.ok || plain.value.kind !== 'name' || text.endsWith('.')) return;
        if (/^[\0-\x7f]*$/.test(text)) expect(parseHost(`${text.toUpperCase()}.`)).toEqual(plain);
      }),
    );
  });
});
