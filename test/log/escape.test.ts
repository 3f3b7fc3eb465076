// The spellings of outside text in log lines: what stays, what is escaped, that it can be undone, where it is cut.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asciiJson, CUT_MARK, cap, escapeField, escapeQuoted, escapeUrl } from '../../src/log/escape.ts';

/** Text as Node's HTTP parser hands it over: one character per byte. */
const wireText = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const percentDecode = (text: string): string =>
  text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

test('a field is escaped character by character in the same way, however long it is', () => {
  const escaped = (code: number): string => {
    const one = String.fromCharCode(code);
    return /["%\\[\]]|[^\x21-\x7e]/.test(one) ? `%${code.toString(16).padStart(2, '0')}` : one;
  };
  for (let code = 0; code < 0x100; code += 1) {
    for (const rest of ['', 'a'.repeat(31), 'a'.repeat(32), 'a'.repeat(33)]) {
      expect(escapeField(rest + String.fromCharCode(code))).toBe(rest + escaped(code));
    }
  }
});

const HOSTILE: readonly (readonly [name: string, raw: string, url: string, field: string, quoted: string])[] = [
  ['carriage return', 'a\rb', 'a%0Db', 'a%0db', 'a\\rb'],
  ['line feed', 'a\nb', 'a%0Ab', 'a%0ab', 'a\\nb'],
  ['an encoded line break', 'a%0d%0ab', 'a%0d%0ab', 'a%250d%250ab', 'a%0d%0ab'],
  ['tab', 'a\tb', 'a%09b', 'a%09b', 'a\\tb'],
  ['escape', 'a\x1b[31mb', 'a%1B[31mb', 'a%1b%5b31mb', 'a\\x1b[31mb'],
  ['bell', 'a\x07b', 'a%07b', 'a%07b', 'a\\x07b'],
  ['NUL', 'a\0b', 'a%00b', 'a%00b', 'a\\x00b'],
  ['DEL', 'a\x7fb', 'a%7Fb', 'a%7fb', 'a\\x7fb'],
  ['a C1 control', 'a\x9bb', 'a%9Bb', 'a%9bb', 'a\\x9bb'],
  ['line separator as Unicode', 'a\u2028b', 'a%E2%80%A8b', 'a%e2%80%a8b', 'a\\xe2\\x80\\xa8b'],
  ['line separator as bytes', 'a\xe2\x80\xa8b', 'a%E2%80%A8b', 'a%e2%80%a8b', 'a\\xe2\\x80\\xa8b'],
  ['a byte that is no UTF-8', 'a\xffb', 'a%FFb', 'a%ffb', 'a\\xffb'],
  ['beyond the basic plane', 'a\u{1f600}b', 'a%F0%9F%98%80b', 'a%f0%9f%98%80b', 'a\\xf0\\x9f\\x98\\x80b'],
  ['half a surrogate pair', 'a\ud83db', 'a%EF%BF%BDb', 'a%ef%bf%bdb', 'a\\xef\\xbf\\xbdb'],
  ['space', 'a b', 'a%20b', 'a%20b', 'a b'],
  ['quote', 'a"b', 'a%22b', 'a%22b', 'a\\"b'],
  ['backslash', 'a\\b', 'a%5Cb', 'a%5cb', 'a\\\\b'],
  ['stray percent', 'a%b%zz%4', 'a%25b%25zz%254', 'a%25b%25zz%254', 'a%b%zz%4'],
  ['brackets', '[a]', '[a]', '%5ba%5d', '[a]'],
  [
    'nothing to escape',
    "a!#$&'()*+,-./:;<=>?@^_`{|}~",
    "a!#$&'()*+,-./:;<=>?@^_`{|}~",
    "a!#$&'()*+,-./:;<=>?@^_`{|}~",
    "a!#$&'()*+,-./:;<=>?@^_`{|}~",
  ],
];

describe('escaping', () => {
  test.each(HOSTILE)('%s is spelled the way of each field', (_name, raw, url, field, quoted) => {
    expect({ url: escapeUrl(raw), field: escapeField(raw), quoted: escapeQuoted(raw) }).toEqual({ url, field, quoted });
  });

  test('any bytes of a field come back by percent-decoding', () => {
    fc.assert(fc.property(wireText, (raw) => percentDecode(escapeField(raw)) === raw));
  });

  test('an escaped URL is a URL for the same bytes', () => {
    fc.assert(fc.property(wireText, (raw) => percentDecode(escapeUrl(raw)) === percentDecode(raw)));
  });

  test('any bytes of a header value come back by undoing the backslashes', () => {
    const undo = (text: string): string =>
      text.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, one: string | undefined) =>
        hex === undefined
          ? ({ r: '\r', n: '\n', t: '\t' }[one ?? ''] ?? one ?? '')
          : String.fromCharCode(Number.parseInt(hex, 16)),
      );
    fc.assert(fc.property(wireText, (raw) => undo(escapeQuoted(raw)) === raw));
  });

  test('every escape is printable ASCII, and only the quoted one has spaces', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        expect(escapeUrl(raw)).toMatch(/^[\x21-\x7e]*$/);
        expect(escapeField(raw)).toMatch(/^[\x21-\x7e]*$/);
        expect(escapeQuoted(raw)).toMatch(/^(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\\"rnt]|\\x[0-9a-f]{2})*$/);
      }),
    );
  });
});

describe('asciiJson', () => {
  test('JSON means the same and is ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        const json = asciiJson(JSON.stringify(raw));
        expect(json).toMatch(/^[\x20-\x7e]*$/);
        expect(JSON.parse(json)).toBe(raw);
      }),
    );
  });
});

describe('cap', () => {
  test.each([
    ['as long as allowed', 'abcdefgh', 8, 'abcdefgh'],
    ['one too long', 'abcdefghi', 8, 'abcd%...'],
    ['within a triplet, after the percent', 'abc%41%41', 8, 'abc%...'],
    ['within a triplet, before its last digit', 'ab%41%41x', 8, 'ab%...'],
    ['after a triplet', 'a%41%41xx', 8, 'a%41%...'],
    ['within a hex escape', 'ab\\x41xxxx', 9, 'ab%...'],
    ['after an escaped backslash', 'ab\\\\xxxxx', 8, 'ab\\\\%...'],
    ['within an escaped backslash', 'abc\\\\xxxx', 8, 'abc%...'],
    ['within an escaped quote', 'abc\\"xxxx', 8, 'abc%...'],
  ])('cuts %s', (_name, escaped, max, expected) => {
    expect(cap(escaped, max)).toBe(expected);
  });

  test('the mark cannot be forged in a URL or a field', () => {
    expect(escapeUrl(CUT_MARK)).toBe('%25...');
    expect(escapeField(CUT_MARK)).toBe('%25...');
  });
});
