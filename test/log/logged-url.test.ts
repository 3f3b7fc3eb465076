// No user, password, query or fragment in a logged URL, and nothing else taken away.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loggedUrl } from '../../src/log/logged-url.ts';

describe('loggedUrl', () => {
  test.each([
    ['no query', 'https://h.test/p', 'https://h.test/p'],
    ['a query', 'https://h.test/p?a=b&c=d', 'https://h.test/p?'],
    ['an empty query', 'https://h.test/p?', 'https://h.test/p?'],
    ['several question marks', 'https://h.test/p?a?b', 'https://h.test/p?'],
    ['a query right after the host', 'https://h.test?token=x', 'https://h.test?'],
    ['a fragment', 'https://h.test/p#access_token=x', 'https://h.test/p#'],
    ['an encoded question mark', 'https://h.test/p%3Fa', 'https://h.test/p%3Fa'],
    ['a user', 'https://joe@h.test/p', 'https://h.test/p'],
    ['a user and password', 'https://joe:secret@h.test:8443/p', 'https://h.test:8443/p'],
    ['an at sign in the password', 'https://joe:se@cret@h.test/p', 'https://h.test/p'],
    ['an at sign in the path', 'https://h.test/@scope/pkg', 'https://h.test/@scope/pkg'],
    ['an at sign in the query', 'https://h.test/p?m=joe@x.test', 'https://h.test/p?'],
    ['IPv6', 'https://joe:x@[2001:db8::1]:8443/p', 'https://[2001:db8::1]:8443/p'],
    ['another scheme', 'ftp://joe:x@h.test/p', 'ftp://h.test/p'],
    ['no scheme, but a user', 'joe:secret@h.test/p', 'h.test/p'],
    ['a text that is no URL', 'error:transaction-end-before-headers', 'error:transaction-end-before-headers'],
    ['a path alone', '/p@x?y', '/p@x?'],
    ['nothing', '', ''],
  ])('with %s', (_name, raw, expected) => {
    expect(loggedUrl(raw)).toBe(expected);
  });

  test.each([
    ['host and port', 'h.test:443', 'h.test:443'],
    ['a user before them', 'joe:secret@h.test:443', 'h.test:443'],
    ['a query, which it cannot have', 'h.test/p?token=x:443', 'h.test/p?'],
    ['a query with an at sign', 'h.test/p?m=joe@token=x', '?'],
    ['a question mark in the password', 'joe:se?cret@h.test:443', '?'],
    ['a whole URL', 'https://joe:secret@h.test/p?m=a@b', 'https://h.test/p?'],
    ['a slash before an at sign', 'joe:a/b@h.test:443', 'h.test:443'],
    ['nothing', '', ''],
  ])('of a CONNECT with %s', (_name, raw, expected) => {
    expect(loggedUrl(raw, 'authority')).toBe(expected);
  });

  test('whatever the password and the query, they are not in it', () => {
    const secret = fc.stringMatching(/^[A-Z!$&'()*+,;=:@-]{4,20}$/);
    fc.assert(
      fc.property(secret, secret, (password, query) => {
        expect(loggedUrl(`https://joe:${password}@h.test/p?${query}`)).toBe('https://h.test/p?');
      }),
    );
  });
});
