import { expect, test } from 'vitest';
import { hostPattern } from '../../src/squid/hosts.ts';
import { ruleOptions, ruleValue } from '../../src/squid/rule-text.ts';

const hosts = [hostPattern('.a.test') ?? []].flat();

test('a denial says what it has to say', () => {
  const [first] = hosts;
  const line = { file: 'squid.conf', line: 3, name: 'deny_info', words: [], rest: '', lists: new Map() };
  const denial = { lines: [], action: 'deny', box: { hosts } } as const;
  const redirect = { redirect: 'http://why.test/', line };
  const options = ruleOptions({ ...denial, words: redirect }, 'n', 'bump');
  expect(ruleValue(options, redirect)).toEqual({
    name: 'n',
    hosts: [first?.text],
    action: 'deny',
    redirect: redirect.redirect,
  });
  const words = { closes: true, line } as const;
  expect(ruleOptions({ ...denial, words }, 'n', 'bump')).toMatchObject({ action: 'deny', tls: 'terminate' });
  expect(ruleOptions({ ...denial, words, scheme: 'http' }, 'n', 'bump')).not.toHaveProperty('tls');
});

test('a rule says no more than it has to', () => {
  const line = { lines: [], action: 'allow' } as const;
  expect(ruleOptions({ ...line, box: { hosts }, tls: 'splice' }, 'n', 'splice')).toEqual({
    name: 'n',
    hosts: ['.a.test'],
    action: 'allow',
  });
  expect(
    ruleOptions({ ...line, box: { hosts, users: 'known' }, tls: 'splice', scheme: 'connect' }, 'n', 'bump'),
  ).toEqual({ name: 'n', scheme: 'connect', authenticated: true, hosts: ['.a.test'], action: 'allow', tls: 'splice' });
  const url = { scheme: 'https', hosts, port: 8443, path: '/x' } as const;
  const options = ruleOptions(
    { ...line, box: { urls: [url], methods: ['GET'] }, tls: 'bump', scheme: 'https' },
    'n',
    'splice',
  );
  expect(options).toEqual({ name: 'n', urls: ['https://.a.test:8443/x'], methods: ['GET'], action: 'allow' });
  expect(Object.keys(ruleValue(options))).toEqual(['name', 'urls', 'methods', 'action']);
});
