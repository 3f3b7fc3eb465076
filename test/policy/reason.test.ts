import { describe, expect, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import { isTerminated, printable, reasonOf, type Verdict } from '../../src/policy/reason.ts';
import type { Rule } from '../../src/policy/rule.ts';

const ok: Authority = { kind: 'name', host: 'ok.test', port: 443 };
const verdict = (name: string, action: 'allow' | 'deny', tls: Verdict['tls'] = 'bump'): Verdict => ({
  name,
  action,
  tls,
  refuseBy: 'connect',
  byName: true,
  onClientCert: 'refuse',
});

const api: Rule = {
  ...verdict('api', 'allow'),
  index: 0,
  clients: undefined,
  hosts: undefined,
  urls: undefined,
  methods: undefined,
  ports: undefined,
  who: undefined,
  upgrades: [],
};

describe('the reason of a verdict', () => {
  test.each([
    [verdict('api', 'allow'), 'rule "api" allows requests to ok.test:443'],
    [verdict('api', 'deny'), 'rule "api" denies requests to ok.test:443'],
    [verdict('api', 'deny', 'terminate'), 'rule "api" denies requests to ok.test:443'],
    [verdict('api', 'allow', 'terminate'), 'rule "api" terminates TLS to ok.test:443'],
    [verdict('default', 'deny'), 'no rule matches ok.test:443'],
    [verdict('default', 'allow'), 'no rule matches ok.test:443, and the default is allow'],
    [verdict('default', 'allow', 'terminate'), 'no rule matches ok.test:443, and the default is to terminate TLS'],
  ])('%j: %s', (given, expected) => {
    expect(reasonOf(given, ok, undefined)).toBe(expected);
  });

  test.each([
    ['client', 'no rule matches ok.test:443; rule "api" allows it to other clients'],
    ['scheme', 'no rule matches ok.test:443; rule "api" allows it under another scheme'],
    ['port', 'no rule matches ok.test:443; rule "api" allows other ports of this host'],
    ['method', 'no rule matches ok.test:443; rule "api" allows it with other methods'],
    ['path', 'no rule matches ok.test:443; rule "api" allows other paths of this host'],
  ] as const)('the rule that failed on its %s only is named', (miss, expected) => {
    expect(reasonOf(verdict('default', 'deny'), ok, { rule: api, miss })).toBe(expected);
  });

  test('a near miss is of no interest when a rule has decided', () => {
    expect(reasonOf(verdict('no', 'deny'), ok, { rule: api, miss: 'path' })).toBe(
      'rule "no" denies requests to ok.test:443',
    );
  });
});

test('only a verdict that allows can terminate: a denial has its own way to refuse', () => {
  expect(isTerminated(verdict('a', 'allow', 'terminate'))).toBe(true);
  expect(isTerminated(verdict('a', 'deny', 'terminate'))).toBe(false);
  expect(isTerminated(verdict('a', 'allow', 'splice'))).toBe(false);
});

test.each([
  ['ok.test', 'ok.test'],
  ['a\r\nb\0', 'a\\x0d\\x0ab\\x00'],
  ['b\u00fc', 'b\\xfc'],
  ['x'.repeat(300), `${'x'.repeat(253)}...`],
])('%j of a client is printed as %s', (text, expected) => {
  expect(printable(text)).toBe(expected);
});
