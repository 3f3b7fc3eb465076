import { describe, expect, test } from 'vitest';
import { cutLine } from '../../src/squid/conf-line.ts';

const plain = (text: string) => ({ text, quoted: false });

describe('a line of squid.conf', () => {
  test.each([
    ['is cut at blanks and tabs', ' acl  a\tsrc 10.0.0.1 ', ['acl', 'a', 'src', '10.0.0.1'].map(plain)],
    ['ends where a word begins with #', 'acl a port 80 # http', ['acl', 'a', 'port', '80'].map(plain)],
    ['keeps a # within a word', 'acl a url_regex x#y', ['acl', 'a', 'url_regex', 'x#y'].map(plain)],
    [
      'keeps what is in quotes together',
      'acl a dstdomain "/x y/z"',
      [...['acl', 'a', 'dstdomain'].map(plain), { text: '/x y/z', quoted: true }],
    ],
    ['takes a backslash in quotes off', '"a\\"b"', [{ text: 'a"b', quoted: true }]],
    ['may be empty', '   ', []],
  ])('%s', (_, line, words) => {
    expect(cutLine(line)).toEqual({ ok: true, words });
  });

  test('with an open quote is refused, and every prefix of a good one is read', () => {
    expect(cutLine('acl a "x')).toEqual({ ok: false, reason: 'a quote is not closed' });
    const line = 'acl a dstdomain "list" b # c';
    for (let end = 0; end <= line.length; end += 1) expect(cutLine(line.slice(0, end)).ok).toBe(end < 17 || end > 21);
  });
});
