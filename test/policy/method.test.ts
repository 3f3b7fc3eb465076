import { describe, expect, test } from 'vitest';
import { parseMethod } from '../../src/policy/method.ts';

describe('a method in a rule', () => {
  test.each(['GET', 'PATCH', 'PROPFIND', 'PURGE', 'MKCALENDAR', 'COPY', 'LINK', 'X-SYNC', 'BREW'])(
    '%s is taken as it stands',
    (text) => {
      expect(parseMethod(text)).toEqual({ ok: true, value: text });
    },
  );

  test.each([
    ['get', 'method "get" is not in upper case, and methods are case-sensitive', 'write "GET"'],
    ['Gte', 'method "Gte" is not in upper case, and methods are case-sensitive', 'write "GET"'],
    ['brew', 'method "brew" is not in upper case, and methods are case-sensitive', 'write "BREW"'],
    ['GTE', '"GTE" is not a known method', 'write "GET"'],
    ['PSOT', '"PSOT" is not a known method', 'write "POST"'],
    ['OPTION', '"OPTION" is not a known method', 'write "OPTIONS"'],
    ['*', '"*" is not a method', 'leave "methods" out to match all of them'],
    ['', '"" is not a method: methods are single words such as GET', undefined],
    ['GET POST', '"GET POST" is not a method: methods are single words such as GET', undefined],
    ['GET,POST', '"GET,POST" is not a method: methods are single words such as GET', undefined],
  ])('%j is refused', (text, message, suggestion) => {
    expect(parseMethod(text)).toEqual({ ok: false, message, ...(suggestion ? { suggestion } : {}) });
  });

  test.each(['CONNECT', 'connect'])('%s is refused with an explanation', (text) => {
    expect(parseMethod(text)).toEqual({
      ok: false,
      message:
        'CONNECT cannot be named in a rule: it opens a tunnel, and the methods of a rule are those of the requests in it',
      suggestion: 'leave CONNECT out; limit tunnels with "hosts", "ports" and "clients"',
    });
  });
});
