import { describe, expect, test } from 'vitest';
import { parseUrlPattern, portUnder, type UrlPattern } from '../../src/policy/url-pattern.ts';

function parse(text: string): UrlPattern {
  const pattern = parseUrlPattern(text);
  if (!pattern.ok) throw new Error(pattern.message);
  return pattern.value;
}

describe('a URL pattern', () => {
  test.each([
    ['https://api.example.com/v2/**', ['https'], 'api.example.com', 443, 443],
    ['HTTP://Api.Example.com./x', ['http'], 'api.example.com', 80, 80],
    ['*://example.com', ['http', 'https'], 'example.com', 80, 443],
    ['*://example.com:8080/x', ['http', 'https'], 'example.com', 8080, 8080],
    ['https://*.example.com:8443', ['https'], '*.example.com', 8443, 8443],
    ['https://[::1]:8443/x', ['https'], '[::1]', 8443, 8443],
    ['https://*/x', ['https'], '*', 443, 443],
  ])('%s is read as %j of %s', (text, schemes, host, httpPort, httpsPort) => {
    const pattern = parse(text);
    expect(pattern).toMatchObject({ schemes, host: { text: host } });
    if (schemes.includes('http')) expect(portUnder(pattern, 'http')).toBe(httpPort);
    if (schemes.includes('https')) expect(portUnder(pattern, 'https')).toBe(httpsPort);
  });

  test.each([
    ['https://a.test', '/', true],
    ['https://a.test', '/any/path', true],
    ['https://a.test/', '/', true],
    ['https://a.test/', '/x', false],
    ['https://a.test/x/**', '/x', true],
    ['https://a.test/%61/%7Eb', '/a/~b', true],
    ['https://a.test/a%2fb', '/a%2Fb', true],
    ['https://a.test/x/../y/*', '/y/1', true],
    ['https://a.test/a%5B1%5D', '/a%5B1%5D', true],
    ['https://a.test/a_(b)', '/a_(b)', true],
  ])('the path of %s takes %s: %s', (text, path, expected) => {
    expect(parse(text).path(path)).toBe(expected);
  });

  test.each([
    ['example.com/x', 'has no scheme', 'write "https://example.com/x"'],
    ['//example.com/x', 'has no scheme', 'write "https://example.com/x"'],
    ['', 'has no scheme', 'write "https://"'],
    ['ftp://example.com/', 'has a scheme other than http, https or *', undefined],
    ['**://example.com/', 'has a scheme other than http, https or *', undefined],
    ['https://user@example.com/', 'has a user name in it', undefined],
    ['https:///x', 'has no valid host: host pattern "": empty host', undefined],
    [
      'https://a.*.example.com/',
      'has no valid host: host pattern "a.*.example.com": a label that is only a star may stand at the very left only',
      'give the names one by one',
    ],
    [
      'https://*azure.com/',
      'has no valid host: host pattern "*azure.com" would also match evilazure.com',
      'write ".azure.com"',
    ],
    ['https://a.test:0/', 'has no valid port: port is not a number from 1 to 65535', undefined],
    ['https://a.test:/', 'has no valid port: port is not a number from 1 to 65535', undefined],
    ['https://a.test:*/', 'has no valid port: port is not a number from 1 to 65535', undefined],
    [
      'https://a.test/x?y=1',
      'has no valid path: a "?" begins the query, which is not part of the match',
      'end it before the "?"',
    ],
    [
      'https://a.test?y',
      'has no valid path: a "?" begins the query, which is not part of the match',
      'end it before the "?"',
    ],
    [
      'https://a.test/x#y',
      'has no valid path: a "#" begins a fragment, which never reaches a proxy',
      'end it before the "#"',
    ],
    ['https://a.test/x\\y', 'has no valid path: a backslash stands in no path', 'write "/"'],
    ['https://a.test/{x,y}', 'has no valid path: braces mean nothing in a pattern', 'write one pattern for each'],
    [
      'https://a.test/[xy]',
      'has no valid path: brackets mean nothing in a pattern',
      'write "%5B" and "%5D" for the characters, or "*"',
    ],
    [
      'https://a.test/@(x|y)',
      'has no valid path: extended globs mean nothing in a pattern',
      'write one pattern for each',
    ],
    [
      'https://a.test/!(x)',
      'has no valid path: extended globs mean nothing in a pattern',
      'write one pattern for each',
    ],
    [
      'https://a.test/*(x)',
      'has no valid path: extended globs mean nothing in a pattern',
      'write one pattern for each',
    ],
    [
      'https://a.test/+(x)',
      'has no valid path: extended globs mean nothing in a pattern',
      'write one pattern for each',
    ],
    [
      'https://a.test/(x|y)',
      'has no valid path: extended globs mean nothing in a pattern',
      'write one pattern for each',
    ],
    [
      'https://a.test/x**',
      'has no valid path: "**" in "x**" is more than a segment: only "/**/" may cross segments',
      undefined,
    ],
    ['https://a.test/a b', 'has no valid path: character not allowed in the path', undefined],
    ['https://a.test/ü', 'has no valid path: character not allowed in the path', undefined],
    ['https://a.test/%zz', 'has no valid path: malformed percent-encoding in the path', undefined],
    ['https://a.test/x/*/../y', 'has no valid path: a dot segment takes away a star', undefined],
  ])('%s is refused: it %s', (text, message, suggestion) => {
    expect(parseUrlPattern(text)).toEqual({
      ok: false,
      message: `URL pattern "${text}" ${message}`,
      ...(suggestion ? { suggestion } : {}),
    });
  });

  test('a pattern is at most 1024 characters long and has at most 16 stars', () => {
    const long = `https://a.test/${'x'.repeat(1024)}`;
    expect(parseUrlPattern(long)).toEqual({ ok: false, message: 'the URL pattern is longer than 1024 characters' });
    const stars = `https://a.test/${'*/'.repeat(17)}`;
    expect(parseUrlPattern(stars)).toEqual({ ok: false, message: `URL pattern "${stars}" has more than 16 stars` });
    expect(parseUrlPattern(`https://a.test/${'*/'.repeat(16)}`).ok).toBe(true);
    expect(parseUrlPattern(`https://a.test/${'x'.repeat(1024 - 15)}`).ok).toBe(true);
  });
});
