// What of a message's fields may be logged.

import { describe, expect, test } from 'vitest';
import { elementOf, loggedField, loggedFields, wholeUrl } from '../../src/log/logged-field.ts';

describe('LOG-07: a field', () => {
  test.each([
    'Authorization',
    'proxy-authorization',
    'COOKIE',
    'Set-Cookie',
    'X-Api-Key',
    'X-Auth-Token',
    'X-Amz-Security-Token',
    'Client_Secret',
  ])('%s is masked', (name) => {
    expect(loggedField([name, 'secret'], name.toLowerCase())).toBe('***');
    expect(loggedFields([name, 'secret'])).toBe(`${name}: ***\r\n`);
  });

  test.each(['Accept', 'User-Agent', 'X-Request-Id', 'Tokenizer', 'X-Keyboard'])('%s is not', (name) => {
    expect(loggedField([name, 'value'], name.toLowerCase())).toBe('value');
  });

  test('that holds a URL loses its query and its user', () => {
    expect(loggedField(['Referer', 'https://u:p@h.test/a?token=1'], 'referer')).toBe('https://h.test/a?');
    expect(loggedField(['Location', 'https://h.test/a?code=1'], 'location')).toBe('https://h.test/a?');
  });

  test('that comes twice is one list, and one that is not there nothing', () => {
    expect(loggedField(['a', '1', 'b', '2', 'A', '3'], 'a')).toBe('1, 3');
    expect(loggedField(['a', '1'], 'b')).toBeUndefined();
    expect(loggedFields([])).toBeUndefined();
  });
});

describe('an element', () => {
  test.each([
    ['max-age=5, private', 'max-age', ',', '5'],
    ['max-age=5, private', 'PRIVATE', ',', 'private'],
    ['max-age=5', 'max', ',', undefined],
    ['text/html; charset=utf-8', 'charset', ';', 'utf-8'],
    ['', 'a', ',', undefined],
  ])('of %j', (value, element, separator, expected) => {
    expect(elementOf(value, element, separator)).toBe(expected);
  });
});

describe('a whole URL', () => {
  test.each([
    ['https://h/p?a=1&sig=x&access_token=y&api_key=z', 'https://h/p?a=1&sig=***&access_token=***&api_key=***'],
    ['https://u:p@h/p?code=1', 'https://h/p?code=***'],
    ['https://h/p?token', 'https://h/p?token'],
    ['https://h/p#access_token=1', 'https://h/p#'],
    ['https://h/p?a=1#token=2', 'https://h/p?a=1'],
    ['https://h/p', 'https://h/p'],
  ])('%s', (url, logged) => {
    expect(wholeUrl(url, 'url')).toBe(logged);
  });
});
