import { describe, expect, test } from 'vitest';
import type { Formula } from '../../src/squid/formula.ts';
import { hostRegexBounds, urlRegexBounds } from '../../src/squid/regex-bounds.ts';

/** The patterns of a formula; `all` and `none`. */
function said(formula: Formula): string {
  if (formula.is === 'not') return `not ${said(formula.of)}`;
  if (formula.is !== 'box')
    return formula.of.length === 0 ? (formula.is === 'all' ? 'all' : 'none') : formula.of.map(said).join(' ');
  const { hosts, urls } = formula.box;
  if (hosts) return hosts.map(({ text }) => text).join(' ');
  return (urls ?? [])
    .flatMap((url) => url.hosts.map(({ text }) => `${url.scheme}://${text}:${url.port}${url.path}`))
    .join(' ');
}

describe('a regular expression for hosts', () => {
  test.each([
    ['\\.a\\.test$', '*.a.test', '*.a.test'],
    ['^a\\.test$', 'a.test', 'a.test'],
    ['a\\.test$', '.*a.test', '.*a.test'],
    ['^a.test$', 'a.test', 'a.test a*test'],
    ['^a.b.test$', 'a.b.test', 'a.b.test a*b.test a.b*test a*b*test'],
    ['^a.b.c.d.e.test$', 'a.b.c.d.e.test', 'all'],
    ['.a\\.test$', '*.a.test', '*.a.test .*a.test'],
    ['a\\.test', '.*a.test', 'all'],
    ['^a\\.', 'none', 'all'],
    ['[a-z]+', 'none', 'all'],
    ['.', 'none', 'all'],
  ])('%s is at least %s and at most %s', (source, lower, upper) => {
    const bounds = hostRegexBounds(source, false);
    expect([said(bounds.lower), said(bounds.upper)]).toEqual([lower, upper]);
  });

  test('with capitals matches nothing, unless case does not count', () => {
    expect(said(hostRegexBounds('^A\\.test$', false).upper)).toBe('none');
    expect(said(hostRegexBounds('^A\\.test$', true).upper)).toBe('a.test');
  });
});

describe('a regular expression for URLs', () => {
  test.each([
    ['^https://a\\.test/v2/', 'https://a.test:443/v2/ https://a.test:443/v2/*/**', 'https://a.test:443/v2*/**'],
    ['^https://a\\.test/', 'https://a.test:443', 'https://a.test:443'],
    ['^https://a\\.test:8443/', 'https://a.test:8443', 'https://a.test:8443'],
    ['^http://a\\.test/', 'none', 'none'],
    ['^https://a\\.test', 'https://a.test:443', 'all'],
    ['^https://a\\.test/x$', 'none', 'https://a.test:443/x*/**'],
    ['a\\.test', 'none', 'all'],
    ['^https://.*\\.a\\.test/', 'https://*.a.test:443', 'all'],
    ['^https://a\\.test/x%20y', 'none', 'https://a.test:443/x*/**'],
  ])('%s is at least %s and at most %s', (source, lower, upper) => {
    const bounds = urlRegexBounds(source, false, 'https');
    expect([said(bounds.lower), said(bounds.upper)]).toEqual([lower, upper]);
  });

  test('of a CONNECT, which has no scheme, cannot hold a slash', () => {
    expect(said(urlRegexBounds('^https://a/', false, 'connect').upper)).toBe('none');
    expect(said(urlRegexBounds('casino', false, 'connect').upper)).toBe('all');
  });
});
