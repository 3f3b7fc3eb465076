// What --client and --method take, and what they say to the rest.

import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import { clientAddress, requestMethod, userName } from '../../src/cli/option-value.ts';

describe('--client', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ])('takes %s as %s', (text, address) => {
    expect(clientAddress(text)).toBe(address);
  });

  test.each(['', 'localhost', '192.0.2', '10.0.0.0/8', '192.0.2.1:80'])('refuses %j', (text) => {
    expect(() => clientAddress(text)).toThrow(new InvalidArgumentError('It is not an IP address.'));
  });
});

describe('--method', () => {
  test.each(['GET', 'PROPFIND', 'X-OWN'])('takes %s', (text) => {
    expect(requestMethod(text)).toBe(text);
  });

  test.each([
    ['get', /upper case.*write "GET"\.$/],
    ['GTE', /write "GET"\.$/],
    ['A B', /single words/],
    ['', /single words/],
    ['CONNECT', /^A CONNECT comes before every https URL/],
    ['connect', /^A CONNECT comes before every https URL/],
  ])('refuses %j', (text, message) => {
    expect(() => requestMethod(text)).toThrow(message);
    expect(() => requestMethod(text)).toThrow(InvalidArgumentError);
  });
});

test('a user is any name that one may have', () => {
  expect(userName('DOMAIN\\alice')).toBe('DOMAIN\\alice');
  expect(() => userName('')).toThrow('It cannot be the name of a user: it is empty.');
});
