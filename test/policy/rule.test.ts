import { describe, expect, test } from 'vitest';
import { compileRules, type RuleOptions } from '../../src/policy/compile-rules.ts';
import { PortRanges } from '../../src/policy/port-ranges.ts';
import type { Problem } from '../../src/policy/problem.ts';
import { Client, looksAtRequests, missOfConnect, missOfRequest, type Rule } from '../../src/policy/rule.ts';

const every = new PortRanges([{ first: 1, last: 65_535 }]);

function compile(options: Omit<RuleOptions, 'name' | 'action'>): Rule {
  const problems: Problem[] = [];
  const context = { tls: 'bump', refuse: 'connect', ports: { http: every, https: every } } as const;
  const [rule] = compileRules([{ name: 'rule', action: 'allow', ...options }], context, problems);
  if (!rule || problems.length > 0) throw new Error(problems[0]?.message);
  return rule;
}

const inside = new Client('10.20.3.4');

describe('which key of a rule a CONNECT fails on', () => {
  test.each([
    ['no key at all', {}, 443, undefined],
    ['the client in range', { clients: ['10.20.0.0/16'] }, 443, undefined],
    ['the client out of range', { clients: ['10.30.0.0/16'] }, 443, 'client'],
    ['a port of the rule', { ports: ['8000-8999'] }, 8443, undefined],
    ['a port not of the rule', { ports: ['8000-8999'] }, 443, 'port'],
    ['a method, which is not known yet', { methods: ['GET'] }, 443, undefined],
    ['a path, which is not known yet', { urls: ['https://ok.test/x'] }, 443, undefined],
    ['a URL of http only', { urls: ['http://ok.test/x'] }, 443, 'scheme'],
    ['a URL of both schemes', { urls: ['*://ok.test/x'] }, 443, undefined],
    ['a URL of another port', { urls: ['https://ok.test:8443/x'] }, 443, 'port'],
    ['a URL of that port', { urls: ['https://ok.test:8443/x'] }, 8443, undefined],
    ['the client before the port', { clients: ['10.30.0.0/16'], ports: [80] }, 443, 'client'],
  ])('%s: %j on port %d misses by %s', (_name, options, port, expected) => {
    const rule = compile(options);
    expect(missOfConnect({ rule, url: rule.urls?.[0] }, inside, port)).toBe(expected);
  });
});

describe('which key of a rule a request fails on', () => {
  test.each([
    [
      'everything given',
      { methods: ['GET'], urls: ['https://ok.test/x'], clients: ['10.0.0.0/8'] },
      'GET',
      '/x',
      undefined,
    ],
    ['another path', { urls: ['https://ok.test/x'] }, 'GET', '/y', 'path'],
    ['another method', { methods: ['GET', 'HEAD'] }, 'POST', '/x', 'method'],
    ['a method in lower case', { methods: ['GET'] }, 'get', '/x', 'method'],
    ['another scheme', { urls: ['http://ok.test:443/x'] }, 'GET', '/x', 'scheme'],
    ['another port', { urls: ['https://ok.test:444/x'] }, 'GET', '/x', 'port'],
    ['another client', { clients: ['192.0.2.1'] }, 'GET', '/x', 'client'],
  ])('%s: %j misses %s %s by %s', (_name, options, method, path, expected) => {
    const rule = compile(options);
    const authority = { kind: 'name', host: 'ok.test', port: 443 } as const;
    const target = { scheme: 'https', authority, path, query: '?x' } as const;
    expect(missOfRequest({ rule, url: rule.urls?.[0] }, inside, method, target)).toBe(expected);
  });
});

test.each([
  ['http', 'scheme', undefined, 'scheme'],
  ['https', undefined, 'scheme', undefined],
  ['connect', undefined, 'scheme', 'scheme'],
] as const)(
  'a rule with scheme %s misses a CONNECT by %s, a plain request by %s, one for https by %s',
  (scheme, connect, http, https) => {
    const rule = compile({ scheme });
    const authority = { kind: 'name', host: 'ok.test', port: 443 } as const;
    const miss = (own: 'http' | 'https') =>
      missOfRequest({ rule, url: undefined }, inside, 'GET', { scheme: own, authority, path: '/', query: '' });
    expect([missOfConnect({ rule, url: undefined }, inside, 443), miss('http'), miss('https')]).toEqual([
      connect,
      http,
      https,
    ]);
  },
);

test('a client that is no address is in no range', () => {
  const { clients } = compile({ clients: ['0.0.0.0/0', '::/0'] });
  expect(clients && new Client('').isIn(clients)).toBe(false);
  expect(clients && new Client('10.0.0.1').isIn(clients)).toBe(true);
});

test('rules with URLs or methods look at requests, others do not', () => {
  expect(looksAtRequests(compile({ urls: ['https://ok.test'] }))).toBe(true);
  expect(looksAtRequests(compile({ methods: ['GET'] }))).toBe(true);
  expect(looksAtRequests(compile({ hosts: ['ok.test'], ports: [443], clients: ['10.0.0.1'] }))).toBe(false);
});
