// Request targets: one normal form for all spellings of a URL, and a reason for each that has none.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import {
  DEFAULT_PORT,
  formatTarget,
  normalisePath,
  parseAbsoluteTarget,
  parseOriginTarget,
} from '../../src/core/target.ts';

const refused = (reason: string) => ({ ok: false, reason });
const PATH_CHARACTER = 'character not allowed in the path';
const QUERY_CHARACTER = 'character not allowed in the query';
const HOST_CHARACTER = 'character not allowed in host';
const NOT_ABSOLUTE = 'target is not an absolute http or https URL';
const MALFORMED_PERCENT = 'malformed percent-encoding in the path';
const CONTROL = 'encoded control character or backslash in the path';
const HIDDEN_DOTS = 'hidden dot segment in the path';
const OVERLONG = 'overlong UTF-8 in the path';
const TOO_DEEP = 'percent-encoding within percent-encoding in the path, too often';
const ok = (value: unknown) => ({ ok: true, value });

describe('a path', () => {
  test.each([
    ['/', '/'],
    ['/api', '/api'],
    ['/API', '/API'],
    ['/%61pi', '/api'],
    ['/%41%5a%61%7A%30%2D%2e%5f%7e', '/AZaz0-._~'],
    ['/a%2fb', '/a%2Fb'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/caf%e9', '/caf%E9'],
    ['/%e0%a4%a4%f0%9f%98%80', '/%E0%A4%A4%F0%9F%98%80'],
    ['/a%20b', '/a%20b'],
    ['/a%3Fb%23c', '/a%3Fb%23c'],
    ['/100%25', '/100%25'],
    ['/100%25zz', '/100%25zz'],
    ['/job/feature%252Fx', '/job/feature%252Fx'],
    ['/a%252eb', '/a%252eb'],
    ['/a%252520b', '/a%252520b'],
    ['/@scope%2fname', '/@scope%2Fname'],
    ["/!$&'()*+,;=:@", "/!$&'()*+,;=:@"],
    ['/a|b[c]{d}^"`', '/a|b[c]{d}^"`'],
    ['/a;v=1/b', '/a;v=1/b'],
    ['/...', '/...'],
    ['/.a/..b/c.', '/.a/..b/c.'],
  ])('%s has the normal form %s', (raw, path) => {
    expect(normalisePath(raw)).toEqual(ok(path));
  });

  test.each([
    ['/.', '/'],
    ['/..', '/'],
    ['/../..', '/'],
    ['/./a', '/a'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/b/../c', '/a/c'],
    ['/a/b/c/./../../g', '/a/g'],
    ['/mid/content=5/../6', '/mid/6'],
    ['/../../etc', '/etc'],
    ['/api/../admin', '/admin'],
    ['/api/%2e%2e/admin', '/admin'],
    ['/api/.%2E/admin', '/admin'],
    ['/api/%2e/admin', '/api/admin'],
    ['/api;x/..', '/'],
    ['//api', '//api'],
    ['//', '//'],
    ['/a//b', '/a//b'],
    ['/a//../b', '/a/b'],
    ['//..', '/'],
    ['/.//a', '//a'],
    ['/a%2Fb/../c', '/c'],
  ])('%s resolves its dot segments to %s', (raw, path) => {
    expect(normalisePath(raw)).toEqual(ok(path));
  });

  test.each([
    ['', 'path does not start with a slash'],
    ['*', 'path does not start with a slash'],
    ['a/../b', 'path does not start with a slash'],
    ['/a b', PATH_CHARACTER],
    ['/a\tb', PATH_CHARACTER],
    ['/a\0b', PATH_CHARACTER],
    ['/a\r\nb', PATH_CHARACTER],
    ['/a\n', PATH_CHARACTER],
    ['/a\x7f', PATH_CHARACTER],
    ['/caf\xe9', PATH_CHARACTER],
    ['/\u2025/x', PATH_CHARACTER],
    ['/api\\..', PATH_CHARACTER],
    ['/a#b', PATH_CHARACTER],
    ['/a?b', PATH_CHARACTER],
    ['/a<b>', PATH_CHARACTER],
    ['/%', MALFORMED_PERCENT],
    ['/%4', MALFORMED_PERCENT],
    ['/%zz', MALFORMED_PERCENT],
    ['/%u002e', MALFORMED_PERCENT],
    ['/api%00', CONTROL],
    ['/api%0d%0a', CONTROL],
    ['/api%1F', CONTROL],
    ['/api%7f', CONTROL],
    ['/api%5c..', CONTROL],
    ['/api%255c..', CONTROL],
    ['/api%2500', CONTROL],
    ['/api/..%2fadmin', HIDDEN_DOTS],
    ['/api/..%2Fadmin/..', HIDDEN_DOTS],
    ['/api%2f../admin', HIDDEN_DOTS],
    ['/api%2F..%2Fadmin', HIDDEN_DOTS],
    ['/api%2f%2e', HIDDEN_DOTS],
    ['/api/%252e%252e/admin', HIDDEN_DOTS],
    ['/api/.%252e/admin', HIDDEN_DOTS],
    ['/api/%25%32%65/admin', HIDDEN_DOTS],
    ['/api/%25252e%25252e/admin', HIDDEN_DOTS],
    ['/api/..%252fadmin', HIDDEN_DOTS],
    ['/api/..;/admin', HIDDEN_DOTS],
    ['/api/..;x=1/admin', HIDDEN_DOTS],
    ['/api/.;', HIDDEN_DOTS],
    ['/api/..%3b/admin', HIDDEN_DOTS],
    ['/api/%252e%252e%253bx/admin', HIDDEN_DOTS],
    ['/api/%c0%ae%c0%ae/admin', OVERLONG],
    ['/api/%e0%80%ae/admin', OVERLONG],
    ['/api/%f0%80%80%ae/admin', OVERLONG],
    ['/api%c0%afx', OVERLONG],
    ['/api%25c0%25af', OVERLONG],
    ['/%25252525252e', TOO_DEEP],
  ])('%j is refused: %s', (raw, reason) => {
    expect(normalisePath(raw)).toEqual(refused(reason));
  });
});

describe('for any path', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '%25',
      '%5c',
      '%00',
      ';',
      '\\',
      '%c0%ae',
      'a',
      'B',
      '%61',
      '2e',
      '2f',
    ),
    fc.string({ maxLength: 3 }),
  );
  const anyPath = fc.array(piece, { maxLength: 14 }).map((pieces) => `/${pieces.join('')}`);
  const normal = (raw: string): string | undefined => {
    const path = normalisePath(raw);
    return path.ok ? path.value : undefined;
  };
  /** Decodes as often as there is something to decode, which no origin outdoes. */
  const deepest = (path: string): string => {
    const once = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return once === path ? path : deepest(once);
  };

  test('the normal form is its own normal form and has no dot segment at any depth of decoding', () => {
    let normalised = 0;
    fc.assert(
      fc.property(anyPath, (raw) => {
        const path = normal(raw);
        if (path === undefined) return;
        normalised += 1;
        expect(normal(path)).toBe(path);
        expect(path).toMatch(/^\/[\x21-\x7e]*$/);
        expect(deepest(path).split('/')).not.toEqual(expect.arrayContaining(['.']));
        expect(deepest(path).split('/')).not.toEqual(expect.arrayContaining(['..']));
        expect(deepest(path)).not.toMatch(/[\0-\x1f\x7f\\]/);
      }),
      { numRuns: 5_000 },
    );
    expect(normalised).toBeGreaterThan(300);
  });

  test('its normal form is the one of the WHATWG URL parser, but for what that leaves encoded', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('/', '.', '..', '%2e', 'a', 'b;c', '%2F', '%C3%A9'), { maxLength: 10 }),
        (pieces) => {
          const raw = `/${pieces.join('')}`;
          const path = normal(raw);
          const reference = new URL(`http://ok.test${raw}`).pathname.replaceAll(/%2e/gi, '.');
          if (path !== undefined) expect(path).toBe(reference);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test.each(['%', '%25', '/.', '/..', '%2f', '..%2f', '%c0', ';', '/..;', '%2525'])(
    '128 KB of %s are judged at once',
    (unit) => {
      const raw = `/${unit.repeat(Math.ceil(2 ** 17 / unit.length))}`;
      const start = performance.now();
      const path = normalisePath(raw);
      expect(performance.now() - start).toBeLessThan(1_500);
      if (path.ok) expect(path.value.length).toBeLessThanOrEqual(raw.length);
    },
  );
});

describe('an absolute target', () => {
  const at = (scheme: string, host: string, port: number, path: string, query = '') =>
    ok({ scheme, authority: { kind: 'name', host, port }, path, query });

  test.each([
    ['http://ok.test/', at('http', 'ok.test', 80, '/')],
    ['http://ok.test', at('http', 'ok.test', 80, '/')],
    ['https://ok.test', at('https', 'ok.test', 443, '/')],
    ['HTTP://OK.Test.:80/%61', at('http', 'ok.test', 80, '/a')],
    ['http://ok.test:8080/a?b=c', at('http', 'ok.test', 8080, '/a', '?b=c')],
    ['http://ok.test?q', at('http', 'ok.test', 80, '/', '?q')],
    ['http://ok.test/?', at('http', 'ok.test', 80, '/', '?')],
    ['http://ok.test/a?/../%2e%zz\\?', at('http', 'ok.test', 80, '/a', '?/../%2e%zz\\?')],
    ['http://ok.test//x', at('http', 'ok.test', 80, '//x')],
    ['http://ok.test/*', at('http', 'ok.test', 80, '/*')],
    ['http://blocked.test?.ok.test', at('http', 'blocked.test', 80, '/', '?.ok.test')],
    ['http://ok.test/http://blocked.test/', at('http', 'ok.test', 80, '/http://blocked.test/')],
  ])('%s is read', (text, expected) => {
    expect(parseAbsoluteTarget(text)).toEqual(expected);
  });

  test.each([
    ['', NOT_ABSOLUTE],
    ['/', NOT_ABSOLUTE],
    ['*', NOT_ABSOLUTE],
    ['ok.test:443', NOT_ABSOLUTE],
    ['ftp://ok.test/', NOT_ABSOLUTE],
    ['http:/ok.test/', NOT_ABSOLUTE],
    ['http:ok.test', NOT_ABSOLUTE],
    ['http:\\\\ok.test\\', NOT_ABSOLUTE],
    [' http://ok.test/', NOT_ABSOLUTE],
    ['http://', 'empty host'],
    ['http:///a', 'empty host'],
    ['http://user@ok.test/', HOST_CHARACTER],
    ['http://user:pass@ok.test/', 'port is not a number from 1 to 65535'],
    ['http://ok.test:80@blocked.test/', 'port is not a number from 1 to 65535'],
    ['http://ok.test:/', 'port is not a number from 1 to 65535'],
    ['http://ok.test:0/', 'port is not a number from 1 to 65535'],
    ['http://blocked.test\\.ok.test/', HOST_CHARACTER],
    ['http://blocked.test\\@ok.test/', HOST_CHARACTER],
    ['http://allo%77ed.test/', HOST_CHARACTER],
    ['http://ok .test/', HOST_CHARACTER],
    ['http://ok.test\t/', HOST_CHARACTER],
    ['http://0x7f.1/', 'host is an address in a spelling that is not canonical'],
    ['http://[ok.test]/', 'malformed IPv6 address'],
    ['http://blocked.test#.ok.test/', PATH_CHARACTER],
    ['http://ok.test/a#b', PATH_CHARACTER],
    ['http://ok.test/a b', PATH_CHARACTER],
    ['http://ok.test/?a b', QUERY_CHARACTER],
    ['http://ok.test/?a#b', QUERY_CHARACTER],
    ['http://ok.test/?a\tb', QUERY_CHARACTER],
    ['http://ok.test/?caf\xe9', QUERY_CHARACTER],
    ['http://ok.test/?a\n', QUERY_CHARACTER],
    ['http://ok.test/\n', PATH_CHARACTER],
  ])('%j is refused: %s', (text, reason) => {
    expect(parseAbsoluteTarget(text)).toEqual(refused(reason));
  });
});

describe('an origin target', () => {
  const authority: Authority = { kind: 'ipv6', host: '::1', port: 8443 };

  test('belongs to the authority it was sent to', () => {
    expect(parseOriginTarget('/a/../b?c', 'https', authority)).toEqual(
      ok({ scheme: 'https', authority, path: '/b', query: '?c' }),
    );
  });

  test.each(['', '*', 'a', '?q', 'http://ok.test/', '\\a'])('%j is refused: it does not start with a slash', (text) => {
    expect(parseOriginTarget(text, 'https', authority)).toEqual(refused('target does not start with a slash'));
  });
});

describe('a target as text', () => {
  test.each([
    ['HTTP://OK.test:80/%7ea?b', 'http://ok.test/~a?b'],
    ['https://ok.test:443', 'https://ok.test/'],
    ['http://ok.test:443/', 'http://ok.test:443/'],
    ['https://[0:0::1]:8443/', 'https://[::1]:8443/'],
  ])('%s is written %s, and reads the same again', (text, expected) => {
    const target = parseAbsoluteTarget(text);
    if (!target.ok) throw new Error(target.reason);
    expect(formatTarget(target.value)).toBe(expected);
    expect(parseAbsoluteTarget(expected)).toEqual(target);
  });

  test('leaves out the default port of its scheme only', () => {
    expect(DEFAULT_PORT).toEqual({ http: 80, https: 443 });
  });
});
