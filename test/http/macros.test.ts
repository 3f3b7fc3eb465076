// Squid's %-macros: what each says, what it says when there is nothing to say, and that no value leaves its place.

import { describe, expect, test } from 'vitest';
import { expandMacros, HTML, PLAIN, URL_PART } from '../../src/http/macros.ts';
import type { Asker, Refusal } from '../../src/http/refusal.ts';

const asker: Asker = {
  client: '10.0.0.7',
  user: 'alice',
  method: 'GET',
  httpVersion: '1.1',
  scheme: 'https',
  host: 'a.test',
  port: 8443,
  path: '/x/y',
  local: { address: '10.0.0.1', port: 3128 },
  peer: '192.0.2.1',
  languages: [],
};
const refusal: Refusal = {
  code: 'denied',
  status: 403,
  sentence: 'No.',
  detail: 'no rule matches',
  rule: 'default',
  squid: 'ERR_ACCESS_DENIED',
  url: 'https://a.test:8443/x/y?',
  id: 'abc-1',
  at: { file: '/etc/p.yaml', line: 3 },
  mends: [{ where: 'anywhere', line: '- { name: x }', block: '- name: x' }],
  message: 'Ask first.',
  asker,
  style: { proxy: 'gate', host: 'gate.test', contact: 'it@corp.test', custom: undefined },
};
const DATE = /\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/;

describe('on a page', () => {
  test.each([
    ['%a', 'alice', '-'],
    ['%A', '10.0.0.1', '[unknown]'],
    ['%b', '3128', '[unknown]'],
    ['%B', 'https://a.test:8443/x/y?', '[no URL]'],
    ['%c', 'ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED'],
    ['%D', 'no rule matches', '[No Error Detail]'],
    ['%e', '0', '0'],
    ['%E', '[No Error]', '[No Error]'],
    ['%f', 'nothing', 'nothing'],
    ['%F', 'nothing', 'nothing'],
    ['%g', '', ''],
    ['%h', 'gate.test', '[unknown]'],
    ['%H', 'a.test', '[unknown host]'],
    ['%i', '10.0.0.7', '[unknown]'],
    ['%I', '192.0.2.1', '[unknown]'],
    ['%L', 'it@corp.test', '[not available]'],
    ['%m', '[not available]', '[not available]'],
    ['%M', 'GET', '[unknown method]'],
    ['%o', 'Ask first.', '[not available]'],
    ['%O', 'Ask first.', '[not available]'],
    ['%p', '8443', '[unknown port]'],
    ['%P', 'https', '[unknown protocol]'],
    ['%R', 'GET /x/y HTTP/1.1', '[no request]'],
    ['%s', 'sallyport', 'sallyport'],
    ['%u', 'https://a.test:8443/x/y?', '[no URL]'],
    ['%U', 'https://a.test:8443/x/y?', '[no URL]'],
    ['%w', 'it@corp.test', '[unknown]'],
    ['%x', 'denied', 'denied'],
    ['%z', '[unknown]', '[unknown]'],
    ['%Z', 'no rule matches', '[unknown]'],
    ['%%', '%', '%'],
    ['%{id}', 'abc-1', 'abc-1'],
    ['%{rule}', 'default', ''],
    ['%{at}', 'p.yaml:3', ''],
    ['%{reason}', 'no rule matches', ''],
    ['%{sentence}', 'No.', 'No.'],
    ['%{code}', 'denied', 'denied'],
    ['%{status}', '403 Forbidden', '403 Forbidden'],
    ['%{message}', 'Ask first.', ''],
    ['%{contact}', 'it@corp.test', ''],
    ['%{allow}', '- name: x', ''],
    ['%{where}', 'anywhere', ''],
  ])('%s says %j, or where there is nothing %j', (macro, said, otherwise) => {
    expect(expandMacros(`<${macro}>`, refusal, HTML)).toBe(`<${said}>`);
    const { code, status, sentence, squid, id } = refusal;
    const bare: Refusal = {
      code,
      status,
      sentence,
      squid,
      id,
      detail: '',
      rule: undefined,
      url: 'error:invalid-request',
    };
    expect(expandMacros(`<${macro}>`, bare, HTML)).toBe(`<${otherwise}>`);
  });

  test.each(['%d', '%q', '%1', '% ', '%', '100% sure', '%{nothing}', '%{', '%{id', '%é', '%{constructor}'])(
    '%j is no macro, and stays',
    (text) => {
      expect(expandMacros(text, refusal, HTML)).toBe(text);
      expect(expandMacros(text, refusal, PLAIN)).toBe(text);
    },
  );

  test('the time is told in both ways', () => {
    expect(expandMacros('%T', refusal, HTML)).toMatch(new RegExp(`^${DATE.source}$`));
    expect(expandMacros('%t', refusal, HTML)).toMatch(/^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}$/);
  });

  test('style and signature are markup', () => {
    expect(expandMacros('<style>%l</style>', refusal, HTML)).toContain('body{');
    expect(expandMacros('%S', refusal, HTML)).toMatch(/^<p>Generated .* by gate\.test \(sallyport\)<\/p>$/);
  });

  test('a mail is addressed and filled in, without header fields of the request', () => {
    const link = expandMacros('<a href="mailto:%w%W">', refusal, HTML);
    expect(link).toMatch(
      /^<a href="mailto:it@corp\.test\?subject=ERR_ACCESS_DENIED%20at%20gate\.test&amp;body=Error%3A/,
    );
    expect(link).toContain('abc-1');
  });

  test('a failure of the origin has its error and what the name servers said', () => {
    const failed: Refusal = { ...refusal, code: 'dns-failed', squid: 'ERR_DNS_FAIL', detail: 'ENOTFOUND a.test' };
    expect(expandMacros('%E|%z', failed, HTML)).toBe('ENOTFOUND a.test|ENOTFOUND a.test');
  });

  test('a refused login says why', () => {
    expect(expandMacros('%m', { ...refusal, status: 407, detail: 'wrong' }, HTML)).toBe('wrong');
  });
});

describe('hostile values', () => {
  const attack = '"><script>alert(1)</script>%U%{id}&\r\n';
  const hostile: Refusal = {
    ...refusal,
    url: `http://a.test/${attack}`,
    detail: attack,
    message: attack,
    rule: attack,
    asker: { ...asker, user: attack, host: attack, method: attack, path: attack },
  };
  const all = [...'aAbBcDeEfFgHiIlLmMopPRsuUxzZ'].map((letter) => `%${letter}`).join('|');

  test('are text in HTML, and no macros again', () => {
    const page = expandMacros(`${all}%{rule}%{reason}%{message}`, hostile, HTML);
    expect(page).not.toMatch(/<script|"></);
    expect(page).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;%U%{id}&amp;');
  });

  test('are one value in a URL', () => {
    const url = expandMacros('https://help.test/?u=%u&user=%a&o=%o&rule=%{rule}#%H', hostile, URL_PART);
    expect(url).toMatch(/^[\x21-\x7e]+$/);
    expect(url).not.toMatch(/["<>\r\n]/);
    const parsed = new URL(url);
    expect(parsed.host).toBe('help.test');
    expect(parsed.searchParams.get('u')).toBe(hostile.url);
    expect(parsed.searchParams.get('user')).toBe(attack);
    expect([...parsed.searchParams.keys()]).toEqual(['u', 'user', 'o', 'rule']);
  });

  test('that are no web addresses are in no link', () => {
    expect(expandMacros('<a href="%U">', { ...refusal, url: 'javascript:alert(1)' }, HTML)).toBe('<a href="[no URL]">');
    expect(expandMacros('%u', { ...refusal, url: 'a.test:443' }, HTML)).toBe('a.test:443');
    expect(expandMacros('%u', { ...refusal, url: '[2001:db8::1]:443' }, HTML)).toBe('[2001:db8::1]:443');
  });
});

describe('in the URL of a redirect', () => {
  test.each([
    ['%u', 'https%3A%2F%2Fa.test%3A8443%2Fx%2Fy%3F'],
    ['%s', 'https%3A%2F%2Fa.test%3A8443%2Fx%2Fy%3F'],
    ['%R', '/x/y'],
    ['%i-%M-%p', '10.0.0.7-GET-8443'],
    ['%%', '%25'],
    ['%c%B%l%L%m%g%f%F%W%z%Z%D', ''],
    ['%o', 'Ask%20first.'],
    ['%S', 'sallyport'],
    ['%20', '%20'],
  ])('%s is %j', (text, expanded) => {
    expect(expandMacros(text, refusal, URL_PART)).toBe(expanded);
  });

  test('what is not known is empty', () => {
    expect(expandMacros('a=%a&h=%H&R=%R', { ...refusal, asker: undefined }, URL_PART)).toBe('a=&h=&R=/');
  });
});

test('a message is expanded as it is, to be escaped where it is shown', () => {
  expect(expandMacros('%a may not use %H <b>', refusal, PLAIN)).toBe('alice may not use a.test <b>');
});
