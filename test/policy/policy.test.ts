import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Authority, parseAuthority } from '../../src/core/authority.ts';
import type { Decision, Permit, TlsAction } from '../../src/core/decision.ts';
import { normalisePath, parseAbsoluteTarget, type RequestTarget } from '../../src/core/target.ts';
import { compilePolicy, type Policy, type PolicyOptions, type RuleOptions } from '../../src/policy/policy.ts';
import { api, connectCases, noPost, packages, requestCases, sites } from './decision-cases.ts';
import { naiveMatch } from './naive-match.ts';

const CLIENT = '10.20.3.4';

const BASE: PolicyOptions = {
  mode: 'enforce',
  default: 'deny',
  connectPorts: [443],
  httpPorts: [80, 443, '1025-65535'],
  tls: 'bump',
  refuse: 'connect',
  rules: [],
};

function policyOf(rules: readonly RuleOptions[], options: Partial<PolicyOptions> = {}): Policy {
  const compiled = compilePolicy({ ...BASE, ...options, rules });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

function authority(text: string): Authority {
  const parsed = parseAuthority(text, 443);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

function target(url: string): RequestTarget {
  const parsed = parseAbsoluteTarget(url);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

const connect = (policy: Policy, to: string, client = CLIENT): Decision =>
  policy.decideConnect({ client, authority: authority(to) });

const request = (policy: Policy, url: string, method = 'GET', client = CLIENT): Decision =>
  policy.decideRequest({ client, method, target: target(url) });

/** A decision in one line: what, by which rule, why. */
function told(decision: Decision): string {
  const { rule, reason } = decision;
  if (decision.action === 'deny') return `deny by ${decision.refuseBy} | ${rule} | ${reason}`;
  const marks = `${decision.deferred ? ' deferred' : ''}${decision.wouldDeny ? ' wouldDeny' : ''}`;
  return `${decision.tls}${marks} | ${rule} | ${reason}`;
}

describe('the decision on a CONNECT', () => {
  test.each(connectCases)('%s', (_name, rules, to, expected) => {
    expect(told(connect(policyOf(rules), to))).toBe(expected);
  });

  test('the verdict carries its step and its authority', () => {
    expect(connect(policyOf([sites]), 'A.example.com.')).toMatchObject({
      step: 'connect',
      authority: { kind: 'name', host: 'a.example.com', port: 443 },
    });
  });

  test('a client that comes as IPv4 in IPv6 is the IPv4 client', () => {
    const policy = policyOf([{ ...sites, clients: ['10.20.0.0/16'] }]);
    expect(connect(policy, 'a.example.com', '::ffff:10.20.9.9').action).toBe('allow');
    expect(connect(policy, 'a.example.com', '::ffff:10.21.9.9').action).toBe('deny');
  });

  test.each([
    ['allow', 'splice', [], 'splice | default | no rule matches a.test:443, and the default is allow'],
    [
      'allow',
      'splice',
      [noPost],
      'bump deferred | default | the default may allow requests to a.test:443: each one is decided on its own',
    ],
    ['allow', 'terminate', [], 'terminate | default | no rule matches a.test:443, and the default is to terminate TLS'],
    ['deny', 'splice', [], 'deny by connect | default | no rule matches a.test:443'],
  ] as const)('the default %s with TLS %s', (fallback, tls, rules, expected) => {
    expect(told(connect(policyOf(rules, { default: fallback, tls }), 'a.test'))).toBe(expected);
  });
});

describe('the decision on a ClientHello', () => {
  const permit = (to: string, mode: 'enforce' | 'report' = 'enforce'): [Policy, Permit] => {
    const policy = policyOf([{ name: 'all', action: 'allow', tls: 'splice' }], { mode });
    const decision = connect(policy, to);
    if (decision.action === 'deny') throw new Error(decision.reason);
    return [policy, decision];
  };

  test.each([
    ['ok.test', 'ok.test'],
    ['ok.test', 'OK.Test.'],
    ['192.0.2.7', undefined],
    ['192.0.2.7', '192.0.2.7'],
    ['[2001:db8::1]', '2001:db8:0::1'],
    ['[2001:db8::1]', '[2001:db8::1]'],
  ])('a CONNECT to %s with the server name %s stands', (to, serverName) => {
    const [policy, granted] = permit(to);
    expect(policy.decideHello(granted, serverName)).toBe(granted);
  });

  test('without a server name, a tunnel to a name is let through only when it is decrypted', () => {
    const [policy, spliced] = permit('ok.test');
    expect(policy.decideHello(spliced, undefined)).toMatchObject({
      action: 'deny',
      rule: 'serverName',
      reason: 'there is no server name in the ClientHello, and the tunnel is not decrypted',
    });
    const bumped: Permit = { ...spliced, tls: 'bump' };
    expect(policy.decideHello(bumped, undefined)).toBe(bumped);
  });

  test('an encrypted hello is nothing, unless it hides behind a name that is known for it', () => {
    const [policy, granted] = permit('ok.test');
    expect(policy.decideHello(granted, 'ok.test', true)).toBe(granted);
    const [covered, cover] = permit('cloudflare-ech.com');
    expect(covered.decideHello(cover, 'cloudflare-ech.com')).toBe(cover);
    for (const [it, one] of [
      [covered, cover],
      [policy, granted],
    ] as const) {
      expect(it.decideHello(one, 'Cloudflare-ECH.com', true)).toMatchObject({
        action: 'deny',
        reason:
          'the server name "cloudflare-ech.com" covers another one that is encrypted: turn Encrypted Client Hello off at the client',
      });
    }
  });

  const mismatches: [to: string, serverName: string, reason: string][] = [
    ['ok.test', 'evil.test', 'the server name "evil.test" is not the host of the CONNECT, ok.test'],
    ['ok.test', 'sub.ok.test', 'the server name "sub.ok.test" is not the host of the CONNECT, ok.test'],
    ['ok.test', '192.0.2.7', 'the server name "192.0.2.7" is not the host of the CONNECT, ok.test'],
    ['192.0.2.7', 'ok.test', 'the server name "ok.test" is not the host of the CONNECT, 192.0.2.7'],
    ['192.0.2.7', '192.0.2.8', 'the server name "192.0.2.8" is not the host of the CONNECT, 192.0.2.7'],
    ['[2001:db8::1]', '2001:db8::2', 'the server name "2001:db8::2" is not the host of the CONNECT, [2001:db8::1]'],
    ['ok.test', '', 'the server name "" (empty host) is not the host of the CONNECT, ok.test'],
    [
      'ok.test',
      'ok.test:443',
      'the server name "ok.test:443" (character not allowed in host) is not the host of the CONNECT, ok.test',
    ],
    [
      'ok.test',
      'ok.test\0.evil',
      'the server name "ok.test\\x00.evil" (character not allowed in host) is not the host of the CONNECT, ok.test',
    ],
    ['ok.test', 'ok..test', 'the server name "ok..test" (empty label in host) is not the host of the CONNECT, ok.test'],
  ];
  test.each(mismatches)(
    'a CONNECT to %s with the server name %j is refused, in report mode too',
    (to, name, reason) => {
      for (const mode of ['enforce', 'report'] as const) {
        const [policy, granted] = permit(to, mode);
        expect(policy.decideHello(granted, name)).toEqual({
          action: 'deny',
          step: 'hello',
          authority: authority(to),
          rule: 'serverName',
          reason,
          refuseBy: 'close',
        });
      }
    },
  );
});

describe('the decision on a request', () => {
  test.each(requestCases)('%s', (_name, rules, method, url, expected) => {
    const decision = request(policyOf(rules), url, method);
    expect(told(decision)).toBe(expected);
    expect(decision.step).toBe('request');
  });
});

describe('report mode', () => {
  const report = (rules: RuleOptions[], tls: TlsAction): Policy => policyOf(rules, { mode: 'report', tls });

  test.each([
    ['bump', 'bump wouldDeny | default | no rule matches a.test:443'],
    ['splice', 'splice wouldDeny | default | no rule matches a.test:443'],
    ['terminate', 'bump wouldDeny | default | no rule matches a.test:443'],
  ] as const)('lets through with %s by default what would be denied', (tls, expected) => {
    expect(told(connect(report([], tls), 'a.test'))).toBe(expected);
  });

  test('lets a port through that is in no list', () => {
    expect(told(connect(report([], 'bump'), 'a.test:22'))).toBe(
      'bump wouldDeny | connectPorts | port 22 is not in connectPorts (443)',
    );
  });

  test('lets a request through and names the rule that denies it', () => {
    expect(told(request(report([noPost], 'splice'), 'https://a.test/x', 'POST'))).toBe(
      'bump wouldDeny | no-post | rule "no-post" denies requests to a.test:443',
    );
  });

  test('closes nothing: a termination is a denial that would be', () => {
    const policy = report([{ ...sites, tls: 'terminate' }], 'splice');
    const reason = 'rule "sites" terminates TLS to a.example.com:443';
    expect(told(connect(policy, 'a.example.com'))).toBe(`splice wouldDeny | sites | ${reason}`);
    expect(told(request(policy, 'https://a.example.com/x'))).toBe(`bump wouldDeny | sites | ${reason}`);
  });

  test('changes nothing about what is allowed', () => {
    expect(told(connect(report([packages], 'bump'), 'ubuntu.com'))).toBe(
      'splice | packages | rule "packages" allows requests to ubuntu.com:443',
    );
    expect(connect(report([api], 'bump'), 'api.example.com')).toMatchObject({ deferred: true, wouldDeny: false });
  });
});

describe('a policy with problems', () => {
  test('is not made; each problem has its place in the options', () => {
    const compiled = compilePolicy({
      ...BASE,
      connectPorts: [443, 0],
      httpPorts: ['80-70'],
      rules: [
        { name: 'all', action: 'allow' },
        { name: 'lost', hosts: ['a.test'], action: 'deny' },
        { name: 'broken', hosts: ['a.test', '10.0.0.0/8'], action: 'deny' },
        { name: 'unknown-ports', ports: [22], clients: ['10.0.0.0/8'], hosts: ['b.test'], action: 'deny' },
      ],
    });
    expect(compiled.ok ? [] : compiled.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([
      'connectPorts.1: "0" is not a port from 1 to 65535, nor a range of ports such as 1025-65535',
      'httpPorts.0: the port range "80-70" runs backwards',
      'rules.2.hosts.1: host pattern "10.0.0.0/8" is a range of addresses, not a host',
      'rules.1: rule "lost" can never match: rule "all" above it takes all its hosts',
      'rules.3: rule "unknown-ports" can never match: rule "all" above it takes all its hosts',
    ]);
  });

  test('a policy without rules, or without ports, is sound', () => {
    expect(compilePolicy(BASE).ok).toBe(true);
    expect(told(connect(policyOf([], { connectPorts: [] }), 'a.test'))).toBe(
      'deny by connect | connectPorts | port 443 is not in connectPorts (none)',
    );
  });
});

describe('the index over all rules', () => {
  const labels = ['a', 'b', 'api-1', 'api-eu', 'test'];
  const host = fc.array(fc.constantFrom(...labels), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
  const pattern = fc.oneof(
    host,
    host.map((name) => `.${name}`),
    host.map((name) => `*.${name}`),
    host.map((name) => `api-*.${name}`),
    host.map((name) => `*.api-*.${name}`),
    fc.constant('*'),
    fc.constant('192.0.2.7'),
  );
  const path = fc.constantFrom('', '/', '/x', '/x/**', '/*', '/**/y');
  const url = fc.tuple(fc.constantFrom('http', 'https', '*'), pattern, path).map(([scheme, name, glob]) => {
    return `${scheme}://${name}${glob}`;
  });
  const some = <T>(of: fc.Arbitrary<T>) => fc.uniqueArray(of, { minLength: 1, maxLength: 3 });
  const rule = fc.record(
    {
      action: fc.constantFrom<'allow' | 'deny'>('allow', 'deny'),
      hosts: some(pattern),
      urls: some(url),
      methods: some(fc.constantFrom('GET', 'POST')),
      clients: some(fc.constantFrom('10.20.0.0/16', '192.0.2.1')),
      ports: some(fc.constantFrom(80, 443)),
    },
    { requiredKeys: ['action'] },
  );
  type Written = Omit<RuleOptions, 'name'>;
  const rules = fc
    .array(rule, { maxLength: 6 })
    .map((list) =>
      list.map(({ urls, hosts, ...rest }): Written => ({ ...rest, ...(hosts ? { hosts } : urls ? { urls } : {}) })),
    );
  const asked = fc.record({
    client: fc.constantFrom('10.20.0.1', '::ffff:10.20.0.1', '192.0.2.9'),
    method: fc.constantFrom('GET', 'POST'),
    scheme: fc.constantFrom('http', 'https'),
    host: fc.oneof(host, fc.constant('192.0.2.7')),
    path: fc.constantFrom('/', '/x', '/x/y', '/y'),
  });

  /** Only sets of rules that the compiler takes are of use; a shadowed rule is left out, as it decides nothing. */
  function soundPolicy(written: readonly Written[], fallback: 'allow' | 'deny'): [Policy, RuleOptions[]] | undefined {
    let named: RuleOptions[] = written.map((one, index) => ({ name: `r${index}`, ...one }));
    for (;;) {
      const compiled = compilePolicy({
        ...BASE,
        connectPorts: [80, 443],
        httpPorts: [80, 443],
        default: fallback,
        rules: named,
      });
      if (compiled.ok) return [compiled.policy, named];
      const bad = new Set(compiled.problems.map((problem) => problem.path[1]));
      named = named.filter((_one, index) => !bad.has(index));
    }
  }

  test('answers as a walk through the rules would', () => {
    fc.assert(
      fc.property(rules, fc.constantFrom<'allow' | 'deny'>('allow', 'deny'), asked, (written, fallback, facts) => {
        const made = soundPolicy(written, fallback);
        if (!made) return;
        const [policy, kept] = made;
        const first = kept.find((one) => naiveMatch(one, facts));
        const decision = request(policy, `${facts.scheme}://${facts.host}${facts.path}`, facts.method, facts.client);
        expect([decision.action, decision.rule]).toEqual([first?.action ?? fallback, first?.name ?? 'default']);
      }),
      { numRuns: 1_500 },
    );
  });

  test('never says at the CONNECT what it would not say of a request inside', () => {
    fc.assert(
      fc.property(rules, fc.constantFrom<'allow' | 'deny'>('allow', 'deny'), asked, (written, fallback, facts) => {
        const made = soundPolicy(written, fallback);
        if (!made) return;
        const [policy] = made;
        const outer = connect(policy, `${facts.host}:443`, facts.client);
        const inner = request(policy, `https://${facts.host}${facts.path}`, facts.method, facts.client);
        if (outer.action === 'deny') expect(inner.action).toBe('deny');
        else if (!outer.deferred) expect([inner.action, inner.rule]).toEqual(['allow', outer.rule]);
        else expect(outer.tls).toBe('bump');
      }),
      { numRuns: 1_500 },
    );
  });
});

describe('an offer to leave HTTP', () => {
  const outcome = (policy: Policy, url: string, offered: string[]): unknown[] => {
    const facts = { client: '192.0.2.9', method: 'GET', target: target(url) };
    const granted = policy.decideRequest(facts);
    if (granted.action === 'deny') throw new Error(granted.reason);
    const { decision, protocols } = policy.decideUpgrade(facts, granted, offered);
    const wouldDeny = decision.action === 'allow' && decision.wouldDeny;
    return [decision.action, decision.rule, protocols, ...(wouldDeny ? ['would deny'] : [])];
  };
  const rules: RuleOptions[] = [
    { name: 'exec', urls: ['https://k.test/exec/**'], action: 'allow', upgrades: ['spdy/3.1', 'WebSocket'] },
    { name: 'none', hosts: ['n.test'], action: 'allow', upgrades: [] },
    { name: 'rest', hosts: ['.test'], action: 'allow' },
  ];

  test.each<[string, string, string[], unknown[]]>([
    ['of WebSocket goes on', 'http://a.test/', ['websocket'], ['allow', 'rest', ['websocket']]],
    ['of what the rule permits goes on', 'https://k.test/exec/1', ['SPDY/3.1'], ['allow', 'exec', ['SPDY/3.1']]],
    ['of it elsewhere does not', 'https://k.test/x', ['SPDY/3.1'], ['deny', 'upgrades', []]],
    ['where the rule permits none does not', 'http://n.test/', ['websocket'], ['deny', 'upgrades', []]],
    ['of h2c is passed over', 'http://n.test/', ['h2c'], ['allow', 'none', []]],
    ['of h2c beside another loses it', 'http://a.test/', ['h2c', 'websocket'], ['allow', 'rest', ['websocket']]],
  ])('%s: %s, %j', (_name, url, offered, expected) => {
    expect(outcome(policyOf(rules), url, offered)).toEqual(expected);
  });

  test.each<[string, string, RuleOptions[], Partial<PolicyOptions>, boolean]>([
    ['where a rule permits one', 'k.test:443', rules, {}, true],
    ['where the default of upgrades permits one', 'a.test:443', rules, {}, true],
    ['not where no rule of the host does', 'n.test:443', rules.slice(1, 2), {}, false],
    ['where the default allows and permits one', 'else.example:443', [], { default: 'allow' }, true],
    ['not where nothing is allowed', 'else.example:443', rules, {}, false],
    ['in report mode', 'n.test:443', rules.slice(1, 2), { mode: 'report' }, true],
  ])('of a WebSocket is worth making %s', (_name, to, list, options, expected) => {
    expect(policyOf(list, options).mayOpenWebSocket(authority(to))).toBe(expected);
  });

  test('is let through and told in report mode, but for what would hide requests', () => {
    const compiled = compilePolicy({ ...BASE, mode: 'report', rules });
    if (!compiled.ok) throw new Error('these rules are sound');
    const offered = ['tcp', 'h2c'];
    expect(outcome(compiled.policy, 'http://a.test/', offered)).toEqual(['allow', 'upgrades', ['tcp'], 'would deny']);
  });
});

describe('the normal form', () => {
  test('whatever is in the path, the pattern that was written from it matches it', () => {
    const raw = fc
      .array(fc.constantFrom('/', 'a', 'B', '.', '..', '%41', '%2f', '%7e', '~', '(', ')', '$', '+', '@', ';', '%5B'), {
        maxLength: 12,
      })
      .map((parts) => `/${parts.join('')}`)
      .filter((text) => normalisePath(text).ok && !/[@!+]\(/.test(text));
    fc.assert(
      fc.property(raw, (text) => {
        const policy = policyOf([{ name: 'this', urls: [`https://a.test${text}`], action: 'allow' }]);
        expect(request(policy, `https://a.test${text}`).rule).toBe('this');
      }),
    );
  });
});
