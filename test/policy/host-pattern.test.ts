import { describe, expect, test } from 'vitest';
import { EVERY_HOST, type HostPattern, matchLabels, parseHostPattern } from '../../src/policy/host-pattern.ts';

function parse(text: string): HostPattern {
  const pattern = parseHostPattern(text);
  if (!pattern.ok) throw new Error(pattern.message);
  return pattern.value;
}

describe('a host pattern', () => {
  test.each([
    ['example.com', 'exact', 'name', 'example.com', 'example.com'],
    ['EXAMPLE.Com.', 'exact', 'name', 'example.com', 'example.com'],
    ['localhost', 'exact', 'name', 'localhost', 'localhost'],
    ['_dmarc.example.com', 'exact', 'name', '_dmarc.example.com', '_dmarc.example.com'],
    ['.example.com', 'tree', 'name', 'example.com', '.example.com'],
    ['*.example.com', 'below', 'name', 'example.com', '*.example.com'],
    ['.com', 'tree', 'name', 'com', '.com'],
    ['192.0.2.7', 'exact', 'ipv4', '192.0.2.7', '192.0.2.7'],
    ['[2001:DB8:0::1]', 'exact', 'ipv6', '2001:db8::1', '[2001:db8::1]'],
    ['Bücher.example', 'exact', 'name', 'xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['.bücher.example', 'tree', 'name', 'xn--bcher-kva.example', '.xn--bcher-kva.example'],
    ['例え.テスト', 'exact', 'name', 'xn--r8jz45g.xn--zckzah', 'xn--r8jz45g.xn--zckzah'],
    ['API-*.Example.com', 'exact', 'name', 'example.com', 'api-*.example.com'],
    ['.api-*.example.com', 'tree', 'name', 'example.com', '.api-*.example.com'],
    ['*.api-*.b.example.com', 'below', 'name', 'b.example.com', '*.api-*.b.example.com'],
    ['a.*-b.example.com', 'exact', 'name', 'example.com', 'a.*-b.example.com'],
    ['api-*.bücher.example.', 'exact', 'name', 'xn--bcher-kva.example', 'api-*.xn--bcher-kva.example'],
    ['web-*', 'exact', 'name', '', 'web-*'],
    ['*-api.internal', 'exact', 'name', 'internal', '*-api.internal'],
  ])('%s is read as %s of kind %s at %s, in canonical spelling %s', (text, scope, kind, suffix, canonical) => {
    expect(parse(text)).toMatchObject({ scope, kind, suffix, text: canonical });
  });

  test('a star alone is every host', () => {
    expect(parse('*')).toBe(EVERY_HOST);
  });

  test.each([
    ['api-*.example.com', ['api-eu'], true],
    ['api-*.example.com', ['x', 'api-eu'], false],
    ['api-*.example.com', ['web-eu'], false],
    ['api-*.example.com', [], false],
    ['.api-*.example.com', ['api-eu'], true],
    ['.api-*.example.com', ['x', 'y', 'api-eu'], true],
    ['*.api-*.example.com', ['api-eu'], false],
    ['*.api-*.example.com', ['x', 'api-eu'], true],
    ['a.b-*.example.com', ['a', 'b-1'], true],
    ['a.b-*.example.com', ['c', 'b-1'], false],
    ['a.b-*.example.com', ['b-1'], false],
  ])('%s takes %j in front of its suffix: %s', (text, before, expected) => {
    expect(matchLabels(parse(text), before)).toBe(expected);
  });

  test.each([
    ['', 'host pattern "": empty host', undefined],
    ['.', 'host pattern ".": empty host', undefined],
    ['*.', 'host pattern "*.": empty host', undefined],
    ['..example.com', 'host pattern "..example.com": empty label in host', undefined],
    ['a..example.com', 'host pattern "a..example.com": empty label in host', undefined],
    ['example.com..', 'host pattern "example.com..": empty label in host', undefined],
    ['http://example.com', 'host pattern "http://example.com" has a scheme', 'write "example.com", or move it to urls'],
    ['https://a.test:1/x', 'host pattern "https://a.test:1/x" has a scheme', 'write "a.test", or move it to urls'],
    ['example.com/x', 'host pattern "example.com/x" has a path', 'write "example.com", or move it to urls'],
    ['example.com:443', 'host pattern "example.com:443" has a port', 'write "example.com" and "ports: [443]"'],
    ['[::1]:443', 'host pattern "[::1]:443" has a port', 'write "[::1]" and "ports: [443]"'],
    ['::1', 'host pattern "::1" is IPv6 without brackets', 'write "[::1]"'],
    ['10.0.0.0/8', 'host pattern "10.0.0.0/8" is a range of addresses, not a host', undefined],
    ['2001:db8::/32', 'host pattern "2001:db8::/32" is a range of addresses, not a host', undefined],
    ['10.0.0.*', 'host pattern "10.0.0.*": an address cannot have a star in it', undefined],
    ['10.0.0.1*', 'host pattern "10.0.0.1*": an address cannot have a star in it', undefined],
    ['.10.0.0.1', 'host pattern ".10.0.0.1": nothing is below an address', undefined],
    ['127.1', 'host pattern "127.1": host is an address in a spelling that is not canonical', undefined],
    ['[::1', 'host pattern "[::1": malformed IPv6 address', undefined],
    ['user@example.com', 'host pattern "user@example.com": character not allowed in host', undefined],
    ['exa mple.com', 'host pattern "exa mple.com": character not allowed in host', undefined],
    ['^example\\.com$', 'host pattern "^example\\.com$": character not allowed in host', undefined],
    ['(a|b).example.com', 'host pattern "(a|b).example.com": character not allowed in host', undefined],
    ['{a,b}.example.com', 'host pattern "{a,b}.example.com": character not allowed in host', undefined],
    ['[ab].example.com', 'host pattern "[ab].example.com": malformed IPv6 address', undefined],
    ['!example.com', 'host pattern "!example.com": character not allowed in host', undefined],
    ['a?.example.com', 'host pattern "a?.example.com": character not allowed in host', undefined],
    ['a。example.com', 'host pattern "a。example.com": "a。example" has no ASCII form', undefined],
    ['bü*.example', 'host pattern "bü*.example": "bü*" has no ASCII form', undefined],
    [
      'a**.example.com',
      'host pattern "a**.example.com": "**" in "a**" is more than a segment: only "/**/" may cross segments',
      undefined,
    ],
    [
      'a*b*c*.example.com',
      'host pattern "a*b*c*.example.com": "a*b*c*" has 3 stars, one segment may have 2',
      undefined,
    ],
    [
      `${'a'.repeat(64)}.test`,
      `host pattern "${'a'.repeat(64)}.test": label longer than 63 characters in host`,
      undefined,
    ],
  ])('%j is refused', (text, message, suggestion) => {
    expect(parseHostPattern(text)).toEqual({ ok: false, message, ...(suggestion ? { suggestion } : {}) });
  });

  test.each(['a.*.example.com', '*.*.example.com', 'example.*', '.*'])(
    '%s is refused: a star that is a whole label stands at the left only',
    (text) => {
      expect(parseHostPattern(text)).toMatchObject({
        ok: false,
        message: `host pattern "${text}": a label that is only a star may stand at the very left only`,
      });
    },
  );

  test.each([
    ['*azure.com', 'evilazure.com', '.azure.com'],
    ['*localhost.test.', 'evillocalhost.test.', '.localhost.test.'],
  ])('%s is refused, since it would match %s', (text, evil, mend) => {
    expect(parseHostPattern(text)).toEqual({
      ok: false,
      message: `host pattern "${text}" would also match ${evil}`,
      suggestion: `write "${mend}"`,
    });
  });
});
