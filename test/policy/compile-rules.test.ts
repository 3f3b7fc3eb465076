import { describe, expect, test } from 'vitest';
import type { TlsAction } from '../../src/core/decision.ts';
import { compileRules, OWN_NAMES, type RuleOptions } from '../../src/policy/compile-rules.ts';
import { PortRanges } from '../../src/policy/port-ranges.ts';
import type { Problem } from '../../src/policy/problem.ts';
import type { Rule } from '../../src/policy/rule.ts';

const ports = {
  https: new PortRanges([{ first: 443, last: 443 }]),
  http: new PortRanges([
    { first: 80, last: 80 },
    { first: 1025, last: 65_535 },
  ]),
};

function compile(rules: readonly RuleOptions[], tls: TlsAction = 'bump'): { rules: Rule[]; problems: Problem[] } {
  const problems: Problem[] = [];
  return { rules: compileRules(rules, { tls, refuse: 'connect', ports }, problems), problems };
}

const allow = (options: Partial<RuleOptions>): RuleOptions => ({ name: 'rule', action: 'allow', ...options });

describe('a rule that has problems', () => {
  const cases: [name: string, options: RuleOptions, problem: Problem][] = [
    [
      'an empty list of hosts',
      allow({ hosts: [] }),
      {
        path: ['rules', 0, 'hosts'],
        message: 'the list "hosts" is empty, so the rule can never match',
        suggestion: 'leave "hosts" out to match all',
      },
    ],
    [
      'a bad host',
      allow({ hosts: ['ok.test', 'http://ok.test'] }),
      {
        path: ['rules', 0, 'hosts', 1],
        message: 'host pattern "http://ok.test" has a scheme',
        suggestion: 'write "ok.test", or move it to urls',
      },
    ],
    [
      'a scheme beside URLs',
      allow({ urls: ['https://ok.test'], scheme: 'https' }),
      {
        path: ['rules', 0, 'scheme'],
        message: '"scheme" has no effect beside "urls", which name theirs',
        suggestion: 'leave it out',
      },
    ],
    [
      'methods of what is no request',
      allow({ methods: ['GET'], scheme: 'connect' }),
      {
        path: ['rules', 0, 'scheme'],
        message: 'a rule with "methods" is for requests, and "scheme: connect" for what comes before them',
        suggestion: 'write "scheme: https"',
      },
    ],
    [
      'a bad URL',
      allow({ urls: ['https://ok.test/{a,b}'] }),
      {
        path: ['rules', 0, 'urls', 0],
        message: 'URL pattern "https://ok.test/{a,b}" has no valid path: braces mean nothing in a pattern',
        suggestion: 'write one pattern for each',
      },
    ],
    [
      'a bad client',
      allow({ clients: ['10.0.0.0/8', '10.1.0.0/8'] }),
      {
        path: ['rules', 0, 'clients', 1],
        message: '"10.1.0.0/8" has bits set beyond its prefix length',
        suggestion: 'write "10.0.0.0/8"',
      },
    ],
    [
      'a bad method',
      allow({ methods: ['GET', 'PSOT'] }),
      { path: ['rules', 0, 'methods', 1], message: '"PSOT" is not a known method', suggestion: 'write "POST"' },
    ],
    [
      'a bad port',
      allow({ ports: [443, '90-80'] }),
      {
        path: ['rules', 0, 'ports', 1],
        message: 'the port range "90-80" runs backwards',
        suggestion: 'write "80-90"',
      },
    ],
    [
      'hosts beside URLs',
      allow({ hosts: ['ok.test'], urls: ['https://ok.test'] }),
      {
        path: ['rules', 0, 'urls'],
        message: 'a rule has either "hosts" or "urls", since it would be unclear whether both must match',
        suggestion: 'split it into two rules',
      },
    ],
    [
      'ports that nothing can reach',
      allow({ ports: [22, '444-1024'] }),
      {
        path: ['rules', 0, 'ports'],
        message: 'the ports 22, 444-1024 are neither in connectPorts (443) nor in httpPorts (80, 1025-65535)',
        suggestion: 'add them there',
      },
    ],
    [
      'an https URL on a port that CONNECT cannot reach',
      allow({ urls: ['https://ok.test', 'https://ok.test:8443'] }),
      {
        path: ['rules', 0, 'urls', 1],
        message: 'URL pattern "https://ok.test:8443" can never match: port 8443 is not in connectPorts (443)',
        suggestion: 'add it there',
      },
    ],
    [
      'a URL of both schemes on a port that neither can reach',
      allow({ urls: ['*://ok.test:22'] }),
      {
        path: ['rules', 0, 'urls', 0],
        message:
          'URL pattern "*://ok.test:22" can never match: port 22 is not in httpPorts (80, 1025-65535) and port 22 is not in connectPorts (443)',
        suggestion: 'add it there',
      },
    ],
    [
      'a URL whose port the rule leaves out',
      allow({ urls: ['http://ok.test'], ports: [443] }),
      {
        path: ['rules', 0, 'urls', 0],
        message: 'URL pattern "http://ok.test" can never match: its port is not among the ports of the rule (443)',
      },
    ],
    [
      'https URLs that a splice would hide',
      allow({ urls: ['https://ok.test'], tls: 'splice' }),
      {
        path: ['rules', 0, 'tls'],
        message: 'a rule with "urls" must see the requests inside TLS, and "tls: splice" does not show them',
        suggestion: 'write "tls: bump", or replace "urls" by "hosts"',
      },
    ],
    [
      'methods that a terminated TLS never shows',
      allow({ hosts: ['ok.test'], methods: ['GET'], tls: 'terminate' }),
      {
        path: ['rules', 0, 'tls'],
        message: 'a rule with "methods" must see the requests inside TLS, and "tls: terminate" does not show them',
        suggestion: 'write "tls: bump", or replace "methods" by "hosts"',
      },
    ],
    [
      'a way to refuse beside a closed connection',
      { name: 'rule', action: 'deny', tls: 'terminate', refuse: 'page' },
      {
        path: ['rules', 0, 'refuse'],
        message: '"refuse: page" has no effect beside "tls: terminate", which closes the connection without a word',
        suggestion: 'leave one of the two out',
      },
    ],
    [
      'a name that no header could carry',
      allow({ name: 'règle' }),
      {
        path: ['rules', 0, 'name'],
        message: 'a rule name is 1 to 64 printable ASCII characters, not a space at either end',
      },
    ],
  ];
  test.each(cases)('%s', (_name, options, problem) => {
    expect(compile([options]).problems).toEqual([problem]);
  });

  test.each(['', ' a', 'a ', 'a\nb', 'x'.repeat(65)])('the name %j is refused', (name) => {
    expect(compile([allow({ name })]).problems).toMatchObject([{ path: ['rules', 0, 'name'] }]);
  });

  test.each(OWN_NAMES)('the name %s is taken', (name) => {
    expect(compile([allow({ name })]).problems).toEqual([
      {
        path: ['rules', 0, 'name'],
        message: `"${name}" is a name that the policy itself uses`,
        suggestion: 'give it another name',
      },
    ]);
  });

  test('a second rule of one name is told where the first stands', () => {
    const { problems } = compile([allow({ name: 'a' }), allow({ name: 'b' }), allow({ name: 'a' })]);
    expect(problems).toEqual([
      {
        path: ['rules', 2, 'name'],
        message: 'rule 1 is called "a" already',
        suggestion: 'give each rule its own name',
      },
    ]);
  });

  test('all that is wrong is told at once', () => {
    const { problems } = compile([allow({ hosts: ['a b'], methods: ['get'] }), allow({ name: 'x', clients: ['y'] })]);
    expect(problems.map(({ path }) => path.join('.'))).toEqual([
      'rules.0.hosts.0',
      'rules.0.methods.0',
      'rules.1.clients.0',
    ]);
  });

  test('one mistake in the ports draws no second complaint about the ports', () => {
    expect(compile([allow({ ports: ['https'] })]).problems).toMatchObject([{ path: ['rules', 0, 'ports', 0] }]);
  });
});

describe('a rule that is sound', () => {
  test.each<[hosts: string[], byName: boolean]>([
    [['ok.test', 'intranet', '192.0.2.1', '[2001:db8::1]'], true],
    [['.ok.test', '*.ok.test', 'api-*.ok.test', '*.eu-*.ok.test'], true],
    [['.test'], false],
    [['*.test'], false],
    [['ok.test', '.test'], false],
    [['api-*.test'], false],
    [['.ok-*.test'], false],
    [['ok.t*'], false],
    [['*'], false],
  ])('with hosts %j names them, and not whoever has a name there: %s', (hosts, byName) => {
    const { rules, problems } = compile([allow({ hosts })]);
    expect([problems, rules.map((rule) => rule.byName)]).toEqual([[], [byName]]);
  });

  test.each([
    ['its own', allow({ tls: 'splice' }), 'bump', 'splice'],
    ['the default', allow({}), 'splice', 'splice'],
    ['bump where it has URLs', allow({ urls: ['https://ok.test'] }), 'splice', 'bump'],
    ['bump where it has methods', allow({ methods: ['GET'] }), 'terminate', 'bump'],
  ] as const)('has as its TLS action %s', (_name, options, fallback, expected) => {
    const { rules, problems } = compile([options], fallback);
    expect(problems).toEqual([]);
    expect(rules[0]?.tls).toBe(expected);
  });

  test.each([
    ['its own', { name: 'a', action: 'deny', refuse: 'page' }, 'page'],
    ['the default', { name: 'a', action: 'deny' }, 'connect'],
    ['to close, where TLS is terminated', { name: 'a', action: 'deny', tls: 'terminate' }, 'close'],
    ['to close, said twice', { name: 'a', action: 'deny', tls: 'terminate', refuse: 'close' }, 'close'],
  ] as const)('has as its way to refuse %s', (_name, options, expected) => {
    const { rules, problems } = compile([options]);
    expect(problems).toEqual([]);
    expect(rules[0]?.refuseBy).toBe(expected);
  });

  test.each([
    ['http URLs beside a splice, which they never meet', allow({ urls: ['http://ok.test'], tls: 'splice' })],
    ['methods of http URLs beside a splice', allow({ urls: ['http://ok.test'], methods: ['GET'], tls: 'splice' })],
    ['ports of which one can be reached', allow({ ports: [22, 443] })],
    ['a URL of both schemes of which one can be reached', allow({ urls: ['*://ok.test:8080'] })],
  ])('%s', (_name, options) => {
    expect(compile([options]).problems).toEqual([]);
  });
});
