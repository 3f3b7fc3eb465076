// Rules for users: whom they are for, and whom the policy asks.

import { describe, expect, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import type { Identity } from '../../src/core/identity.ts';
import { compilePolicy, type PolicyOptions, type RuleOptions } from '../../src/policy/policy.ts';
import type { Problem } from '../../src/policy/problem.ts';
import { compileWho, missOfWho } from '../../src/policy/who.ts';

const known = (user: string, ...groups: string[]): Identity => ({ user, groups: new Set(groups), by: 'password' });
const ALICE = known('alice', 'ops');
const BOB = known('bob');

function policyOf(rules: readonly RuleOptions[], options: Partial<PolicyOptions> = {}) {
  const compiled = compilePolicy({
    mode: 'enforce',
    default: 'deny',
    connectPorts: [443],
    httpPorts: [80],
    tls: 'bump',
    refuse: 'connect',
    rules,
    ...options,
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

const at = (host: string): Authority => ({ kind: 'name', host, port: 443 });
const connect = (rules: readonly RuleOptions[], identity?: Identity, host = 'a.test', options = {}) => {
  const decision = policyOf(rules, options).decideConnect({ client: '10.0.0.1', authority: at(host), identity });
  return decision.action === 'deny' ? `deny ${decision.rule} ${decision.refuseBy}` : `allow ${decision.rule}`;
};

describe('a rule is for', () => {
  test.each([
    ['everybody without a word of users', {}, undefined, undefined],
    ['one user', { users: ['alice'] }, ALICE, undefined],
    ['one of several users', { users: ['bob', 'alice'] }, ALICE, undefined],
    ['no other user', { users: ['alice'] }, BOB, 'user'],
    ['no user in another spelling', { users: ['Alice'] }, ALICE, 'user'],
    ['a group', { groups: ['dev', 'ops'] }, ALICE, undefined],
    ['nobody outside of it', { groups: ['ops'] }, BOB, 'user'],
    ['a user in a group', { users: ['alice'], groups: ['ops'] }, ALICE, undefined],
    ['not a user outside of it', { users: ['alice', 'bob'], groups: ['ops'] }, BOB, 'user'],
    ['anybody who is known', { authenticated: true }, BOB, undefined],
    ['and asks who it is', { authenticated: true }, undefined, 'nobody'],
    ['and asks who it is, for a user', { users: ['alice'] }, undefined, 'nobody'],
  ] as const)('%s', (_name, options, identity, miss) => {
    const problems: Problem[] = [];
    expect(missOfWho(compileWho(options, [], problems), identity)).toBe(miss);
    expect(problems).toEqual([]);
  });
});

describe('the policy', () => {
  const allow = (name: string, rest: Partial<RuleOptions>): RuleOptions => ({
    name,
    hosts: ['a.test'],
    action: 'allow',
    ...rest,
  });
  const ops = allow('ops', { groups: ['ops'] });
  const url: RuleOptions = { name: 'x', urls: ['https://a.test/x'], users: ['alice'], action: 'allow' };

  test.each([
    ['asks where a rule for users would decide', [ops], undefined, 'deny ops authenticate'],
    ['lets in who is meant', [ops], ALICE, 'allow ops'],
    ['denies who is not, without asking again', [ops], BOB, 'deny default connect'],
    [
      'asks for the sake of a denial too',
      [allow('not bob', { users: ['bob'], action: 'deny' }), allow('all', {})],
      undefined,
      'deny not bob authenticate',
    ],
    [
      'goes on below for who is not meant',
      [allow('not bob', { users: ['bob'], action: 'deny' }), allow('all', {})],
      ALICE,
      'allow all',
    ],
    [
      'asks nobody whom a rule above has let in',
      [allow('all', {}), { ...ops, hosts: ['a.test', 'b.test'] }],
      undefined,
      'allow all',
    ],
    [
      'asks nobody whom another key keeps out',
      [allow('net', { groups: ['ops'], clients: ['192.0.2.0/24'] })],
      undefined,
      'deny default connect',
    ],
    [
      'asks nobody for another port',
      [allow('port', { groups: ['ops'], ports: [80] })],
      undefined,
      'deny default connect',
    ],
    ['asks for a URL rule at the CONNECT', [url], undefined, 'deny x authenticate'],
    ['lets in whom a URL rule may allow', [url], ALICE, 'allow x'],
    ['keeps out whom no URL rule can allow', [url], BOB, 'deny default connect'],
  ])('%s', (_name, rules, identity, verdict) => {
    expect(connect(rules, identity)).toBe(verdict);
  });

  test('asks nobody on a port that is closed to all', () => {
    const authority = { ...at('a.test'), port: 25 };
    expect(policyOf([ops]).decideConnect({ client: '10.0.0.1', authority })).toMatchObject({
      rule: 'connectPorts',
      refuseBy: 'connect',
    });
  });

  test('lets all pass in report mode, and says what it would have asked', () => {
    const decision = policyOf([ops], { mode: 'report' }).decideConnect({ client: '10.0.0.1', authority: at('a.test') });
    expect(decision).toMatchObject({ action: 'allow', rule: 'ops', wouldDeny: true });
  });

  test('asks on a request where method and path match, and not where they do not', () => {
    const policy = policyOf([
      { name: 'x', urls: ['http://a.test/x/**'], methods: ['POST'], users: ['alice'], action: 'allow' },
      { name: 'y', urls: ['http://a.test/**'], action: 'allow' },
    ]);
    const ask = (method: string, path: string, identity?: Identity) => {
      const target = { scheme: 'http', authority: { ...at('a.test'), port: 80 }, path, query: '' } as const;
      const decision = policy.decideRequest({ client: '10.0.0.1', method, target, identity });
      return `${decision.action} ${decision.rule}`;
    };
    expect(ask('POST', '/x/1')).toBe('deny x');
    expect(ask('POST', '/x/1', ALICE)).toBe('allow x');
    expect(ask('POST', '/x/1', BOB)).toBe('allow y');
    expect(ask('GET', '/x/1')).toBe('allow y');
    expect(ask('POST', '/z')).toBe('allow y');
  });

  test('does not take a rule below one for users for dead', () => {
    expect(connect([ops, allow('all', {})], BOB)).toBe('allow all');
  });
});

test.each([
  ['an empty list', { users: [] }, 'the list "users" is empty, so the rule can never match'],
  ['an empty list of groups', { groups: [] }, 'the list "groups" is empty, so the rule can never match'],
  ['an empty name', { users: ['alice', ''] }, '"" cannot be a name: it is empty'],
  [
    'what has no effect',
    { users: ['alice'], authenticated: true },
    '"authenticated" has no effect beside "users", which is for known users already',
  ],
] as const)('%s is a mistake', (_name, options, message) => {
  const problems: Problem[] = [];
  compileWho(options, ['rules', 3], problems);
  expect(problems).toMatchObject([
    { path: ['rules', 3, expect.any(String), ...(message.startsWith('""') ? [1] : [])], message },
  ]);
});
