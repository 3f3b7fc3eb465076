// The encodings of a logformat, and that nothing that leaves them is more than one line of ASCII.

import { describe, expect, test } from 'vitest';
import { ENCODINGS, isEncoding } from '../../src/log/squid-encodings.ts';

const ALL = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');

describe('the encodings', () => {
  test.each([
    ['"', 'a"b\\c\r\n\t', 'a\\"b\\\\c\\r\\n\\t'],
    ['[', 'a [b]% c\\d\r\n\x01\xe9', 'a %5bb%5d%25 c\\\\d\\r\\n%01%e9'],
    ['#', 'a b?<c>"%41', 'a%20b?%3Cc%3E%22%2541'],
    ['/', 'plain', 'plain'],
    ['/', 'two words "x"', '"two words \\"x\\""'],
    ["'", 'as "it" is %41 [x] \\', 'as "it" is %41 [x] \\'],
    ['plain', 'a\rb\nc\x7f', 'a%0db%0ac%7f'],
    ['url', 'http://h/a b%41', 'http://h/a%20b%41'],
    ['pass', 'a ("b") [c] %41 %', 'a%20(%22b%22)%20%5Bc%5D%20%41%20%25'],
  ] as const)('%s spells %j', (encoding, text, spelled) => {
    expect(ENCODINGS[encoding](text)).toBe(spelled);
  });

  test.each(Object.keys(ENCODINGS))('%s makes one line of ASCII of every byte', (name) => {
    const spell = Object.entries(ENCODINGS).find(([one]) => one === name)?.[1];
    expect(spell?.(ALL)).toMatch(/^[\x20-\x7e]+$/);
  });

  test('are five', () => {
    expect([...ALL].filter(isEncoding)).toEqual(['"', '#', "'", '/', '[']);
  });
});
