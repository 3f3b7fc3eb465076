// The smallest change that would allow what was denied: pasted where it says it belongs, it does, and it allows little else.

import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';
import { parseAuthority } from '../../src/core/authority.ts';
import type { Denial } from '../../src/core/decision.ts';
import type { Identity } from '../../src/core/identity.ts';
import { parseAbsoluteTarget, type RequestTarget } from '../../src/core/target.ts';
import { type Mend, mendsOf } from '../../src/policy/mend.ts';
import { compilePolicy, type Policy } from '../../src/policy/policy.ts';

const alice: Identity = { user: 'alice', groups: new Set(['ops']), by: 'password' };

interface Question {
  readonly url: string;
  readonly method?: string;
  readonly client?: string;
  readonly identity?: Identity;
}

function compiled(text: string): Policy {
  const parsed = parseConfig(text, '/etc/proxy.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const policy = compilePolicy(parsed.config.policy);
  if (!policy.ok) throw new Error(JSON.stringify(policy.problems));
  return policy.policy;
}

function targetOf(url: string): RequestTarget {
  const target = parseAbsoluteTarget(url);
  if (!target.ok) throw new Error(target.reason);
  return target.value;
}

/** What becomes of a request as a connection would ask; the denial, or undefined. */
function denialOf(
  policy: Policy,
  { url, method = 'GET', client = '10.0.0.7', identity }: Question,
): Denial | undefined {
  const target = targetOf(url);
  const { authority } = target;
  if (target.scheme === 'https') {
    const atConnect = policy.decideConnect({ client, authority, identity });
    if (atConnect.action === 'deny') return atConnect;
    if (atConnect.tls === 'terminate') return { ...atConnect, action: 'deny', refuseBy: 'close' };
    if (atConnect.tls !== 'bump') return undefined;
  }
  const decision = policy.decideRequest({ client, method, target, identity });
  return decision.action === 'deny' ? decision : undefined;
}

function mendsFor(policy: Policy, question: Question): readonly Mend[] {
  const denial = denialOf(policy, question);
  if (!denial) throw new Error('it is not denied');
  const { url, method = 'GET', client = '10.0.0.7', identity } = question;
  const target = targetOf(url);
  return policy.mends(denial, { client, identity, authority: target.authority, request: { method, target } });
}

/** The rules, a line each, with those of the mends where they say that they belong. */
function linesOf(rules: readonly string[], mends: readonly Mend[]): string[] {
  const lines = [...rules];
  for (const { where, line } of mends) {
    const [, above] = /^above the rule "(.*)" \(proxy\.yaml:\d+\)$/.exec(where) ?? [];
    if (above !== undefined)
      lines.splice(
        lines.findIndex((one) => one.includes(`name: ${above},`)),
        0,
        line,
      );
    else if (where === 'at the top of policy.rules') lines.unshift(line);
    else if (where === 'at the end of policy.rules') lines.push(line);
    else if (!where.startsWith('in place of policy.')) throw new Error(where);
  }
  return lines;
}

/** A config with them, and with the settings that the mends say are to be put in the place of others. */
function config(rules: readonly string[], mends: readonly Mend[] = [], keys: readonly string[] = []): string {
  const lines = linesOf(rules, mends);
  let others = [...keys];
  for (const { where, line } of mends) {
    const [, key] = /^in place of policy\.(\w+)/.exec(where) ?? [];
    if (key !== undefined) others = [...others.filter((one) => !one.startsWith(key)), line];
  }
  const auth = 'auth: { tokens: tokens.txt, groups: { ops: [alice], staff: [bob] } }';
  return `version: 1\n${auth}\npolicy:\n${others.map((one) => `  ${one}\n`).join('')}  rules:\n${lines.map((one) => `    ${one}\n`).join('')}`;
}

const api = "- { name: api, urls: ['https://api.test/v2/**'], methods: [GET], action: allow }";
const none = '- { name: none, hosts: [.none.test], action: deny }';
const staff = '- { name: staff, hosts: [.staff.test], groups: [staff], action: allow }';

describe('pasted where it belongs', () => {
  const cases: [what: string, rules: string[], Question, expected: string][] = [
    [
      'a host that no rule names',
      [api],
      { url: 'https://new.test/x' },
      "at the end of policy.rules: - { name: 'allow new.test', clients: ['10.0.0.7'], hosts: ['new.test'], ports: [443], action: allow }",
    ],
    [
      'another path of a host, in a tunnel',
      [api],
      { url: 'https://api.test/v1/x?y' },
      "at the end of policy.rules: - { name: 'allow api.test', clients: ['10.0.0.7'], urls: ['https://api.test/v1/x'], methods: ['GET'], action: allow }",
    ],
    [
      'another method',
      [api],
      { url: 'https://api.test/v2/x', method: 'DELETE' },
      "at the end of policy.rules: - { name: 'allow api.test', clients: ['10.0.0.7'], urls: ['https://api.test/v2/x'], methods: ['DELETE'], action: allow }",
    ],
    [
      'a plain request of a user, that a rule denies',
      [none],
      { url: 'http://a.none.test:8080/', method: 'POST', identity: alice },
      `above the rule "none" (proxy.yaml:5): - { name: 'allow a.none.test', clients: ['10.0.0.7'], users: ['alice'], urls: ['http://a.none.test:8080/'], methods: ['POST'], action: allow }`,
    ],
    [
      'a CONNECT of a user who is not among those meant',
      [staff],
      { url: 'https://a.staff.test/', identity: alice },
      "at the end of policy.rules: - { name: 'allow a.staff.test', clients: ['10.0.0.7'], users: ['alice'], hosts: ['a.staff.test'], ports: [443], action: allow }",
    ],
    [
      'a name that is taken',
      ["- { name: 'allow new.test', hosts: [new.test], ports: [443], clients: [192.0.2.1], action: allow }"],
      { url: 'https://new.test/' },
      "at the end of policy.rules: - { name: 'allow new.test (2)', clients: ['10.0.0.7'], hosts: ['new.test'], ports: [443], action: allow }",
    ],
    [
      'an IPv6 address from an IPv6 client',
      [api],
      { url: 'https://[2001:db8::1]/', client: 'fe80::7%eth0' },
      "at the end of policy.rules: - { name: 'allow 2001:db8::1', clients: ['fe80::7'], hosts: ['[2001:db8::1]'], ports: [443], action: allow }",
    ],
    [
      'a port that is not for CONNECT, of a host that is allowed',
      ['- { name: all, action: allow }'],
      { url: 'https://new.test:8443/' },
      'in place of policy.connectPorts (proxy.yaml:3): connectPorts: [443, 8443]',
    ],
    [
      'a host that TLS is closed to',
      ['- { name: end, hosts: [end.test], action: allow, tls: terminate }'],
      { url: 'https://end.test/' },
      `above the rule "end" (proxy.yaml:5): - { name: 'allow end.test', clients: ['10.0.0.7'], hosts: ['end.test'], ports: [443], action: allow }`,
    ],
  ];
  test.each(cases)('%s is allowed', (_what, rules, question, expected) => {
    const mends = mendsFor(compiled(config(rules)), question);
    expect(mends.map(({ where, line }) => `${where}: ${line}`)).toEqual([expected]);
    const mended = compiled(config(rules, mends));
    const asked = { ...question, client: (question.client ?? '10.0.0.7').replace(/%.*/, '') };
    expect(denialOf(mended, asked)).toBeUndefined();
    expect(denialOf(mended, { ...asked, client: '192.0.2.9' })?.rule ?? rules[0]).toBeDefined();
  });

  test('a port and a host, when both are missing', () => {
    const rules = [api];
    const keys = ['connectPorts: [443, 8000-8010]'];
    const question = { url: 'https://new.test:9443/' };
    const mends = mendsFor(compiled(config(rules, [], keys)), question);
    expect(mends.map(({ line }) => line)).toEqual([
      'connectPorts: [443, 8000-8010, 9443]',
      "- { name: 'allow new.test', clients: ['10.0.0.7'], hosts: ['new.test'], ports: [9443], action: allow }",
    ]);
    expect(denialOf(compiled(config(rules, mends, keys)), question)).toBeUndefined();
  });

  test('an upgrade, at the top', () => {
    const rules = ['- { name: all, action: allow }'];
    const policy = compiled(config(rules));
    const target = targetOf('http://up.test/x');
    const asked = { client: '10.0.0.7', method: 'GET', target };
    const granted = policy.decideRequest(asked);
    if (granted.action === 'deny') throw new Error(granted.reason);
    const { decision } = policy.decideUpgrade(asked, granted, ['tcp', 'h2c']);
    if (decision.action === 'allow') throw new Error('allowed');
    const refused = { client: '10.0.0.7', authority: target.authority, request: { method: 'GET', target } };
    const mends = policy.mends(decision, { ...refused, upgrades: ['tcp', 'h2c'] });
    expect(mends).toMatchObject([
      { where: 'at the top of policy.rules', line: expect.stringContaining("upgrades: ['tcp'],") },
    ]);
    const mended = compiled(config(rules, mends));
    const now = mended.decideRequest(asked);
    expect(now.action === 'allow' && mended.decideUpgrade(asked, now, ['tcp']).protocols).toEqual(['tcp']);
  });

  test('with TLS closed by default, says that it is decrypted', () => {
    const text = `${config([api])}tls: { default: terminate }\n`;
    const [mend] = mendsFor(compiled(text), { url: 'https://new.test/' });
    expect(mend?.line).toMatch(/action: allow, tls: bump \}$/);
  });
});

describe('a path that looks like a pattern', () => {
  test.each([
    '/a*b/**/c',
    '/a[1]/{x}/y|z',
    '/@(x)/+(y)/!(z)',
    '/a*b*c*d*e/f',
    '//',
    '/',
    '/%2A%5B',
    `/${'x'.repeat(1_500)}/y`,
    `/a/${'b/'.repeat(600)}`,
    `/*/${'*/'.repeat(40)}`,
    '/it\'s/"quoted"',
    '/^`;=,',
  ])('%j has a rule that allows it', (path) => {
    const rules = [none];
    const question = { url: `http://a.none.test${path}` };
    const mends = mendsFor(compiled(config(rules)), question);
    expect(mends).toHaveLength(1);
    const mended = compiled(config(rules, mends));
    expect(denialOf(mended, question)).toBeUndefined();
    expect(denialOf(mended, { ...question, client: '10.0.0.8' })?.rule).toBe('none');
    expect(denialOf(mended, { ...question, method: 'PUT' })?.rule).toBe('none');
    expect(denialOf(mended, { url: 'http://b.none.test/' })?.rule).toBe('none');
  });
});

describe('where the rule that denies it is for one scheme', () => {
  const get = '- { name: get, hosts: [.none.test], methods: [GET], action: allow }';
  const closed = (scheme: string): string => `- { name: none, scheme: ${scheme}, hosts: [.none.test], action: deny }`;

  test('the tunnel alone is allowed, and what comes through it is judged as before', () => {
    const rules = [closed('connect'), get];
    const question = { url: 'https://a.none.test/' };
    const mends = mendsFor(compiled(config(rules)), question);
    expect(mends.map(({ line }) => line)).toEqual([
      "- { name: 'allow a.none.test', clients: ['10.0.0.7'], scheme: connect, hosts: ['a.none.test'], ports: [443], action: allow }",
    ]);
    const mended = compiled(config(rules, mends));
    expect(denialOf(mended, question)).toBeUndefined();
    expect(denialOf(mended, { ...question, method: 'PUT' })?.rule).toBe('default');
    expect(denialOf(mended, { ...question, client: '10.0.0.8' })?.rule).toBe('none');
  });

  test('a host is allowed under that scheme alone', () => {
    const rules = [closed('https')];
    const mends = mendsFor(compiled(config(rules)), { url: 'https://a.none.test/' });
    expect(mends.map(({ line }) => line)).toEqual([
      expect.stringContaining(" scheme: https, hosts: ['a.none.test'], "),
    ]);
    const mended = compiled(config(rules, mends, ['httpPorts: [443]']));
    expect(denialOf(mended, { url: 'https://a.none.test/' })).toBeUndefined();
    expect(denialOf(mended, { url: 'http://a.none.test:443/' })?.rule).toBe('default');
  });

  test('a URL says it already', () => {
    const mends = mendsFor(compiled(config([closed('http')])), { url: 'http://a.none.test/' });
    expect(mends.map(({ line }) => line)).toEqual([expect.not.stringContaining('scheme:')]);
  });
});

describe('nothing is suggested', () => {
  test('where somebody has to say who it is', () => {
    const policy = compiled(config([staff]));
    expect(mendsFor(policy, { url: 'https://a.staff.test/' })).toEqual([]);
  });

  test('where the server name is not that of the tunnel', () => {
    const authority = parseAuthority('a.test:443');
    if (!authority.ok) throw new Error(authority.reason);
    const denial = { action: 'deny', step: 'hello', authority: authority.value, rule: 'serverName' } as const;
    const known = {
      about: () => undefined,
      portsOf: () => '443',
      tls: 'bump',
      isAllowedOtherwise: () => true,
    } as const;
    const refused = { client: '10.0.0.7', authority: authority.value };
    expect(mendsOf({ ...denial, reason: '', refuseBy: 'close' }, refused, known)).toEqual([]);
  });
});

test('a host that cannot be decrypted is passed unread', () => {
  const policy = compiled(config(['- { name: all, action: allow }']));
  const { authority } = targetOf('https://a.test/');
  const denial = { action: 'deny', step: 'connect', authority, rule: 'all', reason: '', refuseBy: 'connect' } as const;
  expect(policy.mends(denial, { client: '10.0.0.7', authority })).toMatchObject([
    { where: 'above the rule "all" (proxy.yaml:5)', line: expect.stringMatching(/action: allow, tls: splice \}$/) },
  ]);
});

describe('over many policies and requests', () => {
  test('what it says is enough, each time', () => {
    let seed = 1;
    const pick = <T>(items: readonly T[]): T => {
      seed = (seed * 48_271) % 2_147_483_647;
      const item = items[seed % items.length];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    };
    const where = [
      'hosts: [a.test]',
      'hosts: [.test]',
      "urls: ['https://a.test/x/**']",
      "urls: ['*://*.test/y']",
      'methods: [GET]',
    ];
    const who = ['', 'clients: [10.0.0.0/24], ', 'users: [alice], ', 'groups: [staff], '];
    let denied = 0;
    for (let round = 0; round < 60; round += 1) {
      const rules = [0, 1, 2].map(
        (index) => `- { name: r${index}, ${pick(who)}${pick(where)}, action: ${pick(['allow', 'deny'])} }`,
      );
      const question = {
        url: `${pick(['http', 'https'])}://${pick(['a.test', 'b.test'])}${pick(['/x/1', '/y', '/'])}`,
        method: pick(['GET', 'POST']),
        client: pick(['10.0.0.7', '10.9.9.9']),
        identity: alice,
      };
      // A rule that can never match is no policy to ask.
      if (!parseConfig(config(rules), '/etc/proxy.yaml').ok) continue;
      let text = config(rules);
      // What would come through a CONNECT is not known when it is denied: a rule may deny that, with words of its own.
      for (let step = 0; step < 2; step += 1) {
        const denial = denialOf(compiled(text), question);
        if (!denial) break;
        denied += 1;
        const mends = mendsFor(compiled(text), question);
        expect(mends).toHaveLength(1);
        rules.splice(0, rules.length, ...linesOf(rules, mends));
        text = config(rules);
        const still = denialOf(compiled(text), question);
        if (still && !(denial.step === 'connect' && still.step === 'request')) throw new Error(text);
      }
      expect(denialOf(compiled(text), question), text).toBeUndefined();
    }
    expect(denied).toBeGreaterThan(30);
  });
});
