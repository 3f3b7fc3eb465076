// What the audit log says of two configs: what is other, and no secret.

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { changedKeys, configChanges } from '../../src/supervisor/config-changes.ts';

function config(...lines: readonly string[]): Config {
  const parsed = parseConfig(['version: 1', ...lines, ''].join('\n'), resolve('/etc/c.yaml'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

const rules = (...all: readonly string[]): string => `policy: { rules: [${all.join(', ')}] }`;
const A = '{ name: a, hosts: [a.test], action: allow }';
const B = '{ name: b, hosts: [b.test], action: deny }';
const parent = (password: string): string =>
  `upstream: { parents: [{ name: p, url: "http://10.0.0.1:3128", user: u, password: ${password} }], routes: [{ via: [p] }] }`;

test.each<[sentence: string, before: string, after: string, keys: string[], changes: object[]]>([
  ['nothing', rules(A), rules(A), [], []],
  ['a value', 'via: one', 'via: two', ['via'], [{ key: 'via', from: '"one"', to: '"two"' }]],
  ['a value that is gone', 'via: one', 'via: off', ['via'], [{ key: 'via', from: '"one"' }]],
  [
    'one within a section',
    'limits: { headerTimeout: 1s }',
    'limits: { headerTimeout: 2s }',
    ['limits'],
    [{ key: 'limits.headerTimeout', from: '1000', to: '2000' }],
  ],
  [
    'a list as a whole',
    'policy: { connectPorts: [443] }',
    'policy: { connectPorts: [443, 8443] }',
    ['policy'],
    [{ key: 'policy.connectPorts', from: '[443]', to: '[443,8443]' }],
  ],
  [
    'a rule by its name, wherever it stands',
    rules(B, A),
    rules(A, B.replace('deny', 'allow')),
    ['policy'],
    [{ key: 'policy.rules[b].action', from: '"deny"', to: '"allow"' }],
  ],
  [
    'a rule that is new',
    rules(A),
    rules(A, B),
    ['policy'],
    [
      { key: 'policy.rules[b].name', to: '"b"' },
      { key: 'policy.rules[b].hosts', to: '["b.test"]' },
      { key: 'policy.rules[b].action', to: '"deny"' },
    ],
  ],
  ['a line that has only moved', rules(A), `\n${rules(A)}`, ['policy'], []],
  [
    'a password, without it',
    parent('hunter1'),
    parent('hunter2'),
    ['upstream'],
    [{ key: 'upstream.parents[p].password', from: '"***"', to: '"***"' }],
  ],
])('%s', (_, before, after, keys, changes) => {
  expect(changedKeys(config(before), config(after))).toEqual(keys);
  expect(configChanges(config(before), config(after))).toEqual(changes);
});

test('a password is in no value that is told as a whole either', () => {
  const told = JSON.stringify(configChanges(config(), config(parent('hunter2'))));
  expect(told).toContain('10.0.0.1');
  expect(told).not.toContain('hunter2');
});

test('neither a long value nor many of them fill the log', () => {
  const many = Array.from({ length: 300 }, (_, at) => `{ name: n${at}, hosts: [n${at}.test], action: allow }`);
  expect(configChanges(config(), config(rules(...many)))).toHaveLength(100);
  const hosts = Array.from({ length: 300 }, (_, at) => `n${at}.test`).join(', ');
  const [change] = configChanges(config(rules(A)), config(rules(A.replace('a.test', hosts))));
  expect(change?.to).toHaveLength(203);
});
