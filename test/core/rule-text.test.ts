// A suggested rule is YAML that says what was meant, whatever stands in its values.

import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { type RuleText, ruleName, spellRule } from '../../src/core/rule-text.ts';

const full: RuleText = {
  name: 'allow a.test',
  clients: ['10.0.0.7'],
  users: ['alice', "o'hara"],
  urls: ['https://a.test/x'],
  methods: ['GET'],
  ports: [443],
  upgrades: ['spdy/3.1'],
  action: 'allow',
  tls: 'bump',
};

test('on one line', () => {
  expect(spellRule(full).line).toBe(
    "- { name: 'allow a.test', clients: ['10.0.0.7'], users: ['alice', 'o''hara'], urls: ['https://a.test/x'], " +
      "methods: ['GET'], ports: [443], upgrades: ['spdy/3.1'], action: allow, tls: bump }",
  );
});

test('with the scheme that it is for alone', () => {
  expect(spellRule({ name: 'x', scheme: 'connect', hosts: ['a.test'], action: 'allow' }).line).toBe(
    "- { name: 'x', scheme: connect, hosts: ['a.test'], action: allow }",
  );
});

test('as a block, without what is not set', () => {
  const { name, clients, action } = full;
  expect(spellRule({ name, clients, action, users: undefined }).block).toBe(
    "- name: 'allow a.test'\n  clients: ['10.0.0.7']\n  action: allow",
  );
});

describe('whatever stands in a value', () => {
  test.each([
    'plain',
    '',
    'yes',
    '123',
    "'",
    '"',
    '\\',
    "' , action: deny }",
    '}\n- { name: evil',
    '# no comment',
    '*alias',
    '&anchor',
    '!tag',
    '[x]',
    '\0\x1b[31m\x7f\x85',
    'é',
    '名前',
    '\u{1f600}',
    '\u2028\u202e\ufeff',
    '\ud800',
  ])('%j comes back from YAML, and leaves the line one of printable ASCII', (text) => {
    const rule: RuleText = { name: text, users: [text, 'other'], action: 'allow' };
    for (const spelled of [spellRule(rule).line, spellRule(rule).block]) {
      const document = parseDocument(spelled, { schema: 'core' });
      expect(document.errors).toEqual([]);
      expect(document.toJS()).toEqual([{ name: text, users: [text, 'other'], action: 'allow' }]);
      expect(spelled).toMatch(/^[\n\x20-\x7e]*$/);
    }
    expect(spellRule(rule).line).not.toContain('\n');
  });
});

test.each([
  ['short', 'short'],
  ['x'.repeat(70), 'x'.repeat(64)],
  [`${'x'.repeat(63)} y`, 'x'.repeat(63)],
])('the name %s is no longer than a rule’s may be', (text, name) => {
  expect(ruleName(text)).toBe(name);
});
