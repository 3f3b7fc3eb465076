import { describe, expect, test } from 'vitest';
import { compileRules, type RuleOptions } from '../../src/policy/compile-rules.ts';
import { PortRanges } from '../../src/policy/port-ranges.ts';
import type { Problem } from '../../src/policy/problem.ts';
import { findShadowed, hostPatterns } from '../../src/policy/shadow.ts';

const every = new PortRanges([{ first: 1, last: 65_535 }]);

function shadowsIn(rules: readonly Omit<RuleOptions, 'name' | 'action'>[]): Problem[] {
  const problems: Problem[] = [];
  const named = rules.map((rule, index) => ({ name: `r${index}`, action: 'allow', ...rule }) as const);
  const compiled = compileRules(
    named,
    { tls: 'bump', refuse: 'connect', ports: { http: every, https: every } },
    problems,
  );
  if (problems.length > 0) throw new Error(problems[0]?.message);
  return findShadowed(compiled);
}

const never = (index: number, who: string): Problem => ({
  path: ['rules', index],
  message: `rule "r${index}" can never match: ${who} all its hosts`,
  suggestion: 'move it up, or leave it out',
});

describe('a rule that can never match', () => {
  const cases: [name: string, rules: Omit<RuleOptions, 'name' | 'action'>[], problems: Problem[]][] = [
    ['after one without any key', [{}, { hosts: ['a.test'] }], [never(1, 'rule "r0" above it takes')]],
    ['after one for every host', [{ hosts: ['*'] }, { clients: ['10.0.0.1'] }], [never(1, 'rule "r0" above it takes')]],
    ['after the same host', [{ hosts: ['a.test'] }, { hosts: ['A.test.'] }], [never(1, 'rule "r0" above it takes')]],
    [
      'after everything it names',
      [{ hosts: ['.a.test', 'b.test'] }, { hosts: ['x.a.test', '*.a.test', 'b.test'] }],
      [never(1, 'rule "r0" above it takes')],
    ],
    [
      'after several that cover it together',
      [{ hosts: ['a.test'] }, { hosts: ['.b.test'] }, { hosts: ['a.test', 'b.test'], methods: ['GET'] }],
      [never(2, 'rules "r0", "r1" above it take')],
    ],
    [
      'with URLs of hosts that are taken',
      [{ hosts: ['.a.test'] }, { urls: ['https://x.a.test/y'] }],
      [never(1, 'rule "r0" above it takes')],
    ],
    ['but one host of it is left', [{ hosts: ['a.test'] }, { hosts: ['a.test', 'b.test'] }], []],
    ['but the rule above wants more than the host: a client', [{ clients: ['10.0.0.1'] }, { hosts: ['a.test'] }], []],
    ['but the rule above wants more: a port', [{ hosts: ['a.test'], ports: [443] }, { hosts: ['a.test'] }], []],
    ['but the rule above wants more: a method', [{ methods: ['GET'] }, { hosts: ['a.test'] }], []],
    ['but the rule above wants more: a path', [{ urls: ['https://a.test'] }, { hosts: ['a.test'] }], []],
    ['but the rule above is narrower', [{ hosts: ['x.a.test'] }, { hosts: ['.a.test'] }], []],
    ['but it stands first', [{ hosts: ['x.a.test'] }, {}], []],
  ];
  test.each(cases)('%s', (_name, rules, problems) => {
    expect(shadowsIn(rules)).toEqual(problems);
  });

  test('a hundred thousand rules are looked through in no time', () => {
    const rules = Array.from({ length: 100_000 }, (_, index) => ({ hosts: [`h${index}.example.com`] }));
    expect(shadowsIn([...rules, { hosts: ['h5.example.com'] }])).toEqual([never(100_000, 'rule "r5" above it takes')]);
  });
});

test('the hosts of a rule are those it names, those of its URLs, or all', () => {
  expect(hostPatterns({ hosts: undefined, urls: undefined })).toMatchObject([{ text: '*' }]);
  expect(hostPatterns({ hosts: [], urls: undefined })).toEqual([]);
});
