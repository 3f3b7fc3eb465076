// The words for a person: what a rejection means, and a rule that can be pasted as it stands.

import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';
import type { Authority } from '../../src/core/authority.ts';
import { meaningOf, signOf, spliceRule, spliceText } from '../../src/exceptions/wording.ts';
import { compilePolicy } from '../../src/policy/policy.ts';

describe('what a rejection means', () => {
  test.each([
    ['unknown_ca', /does not know our authority/],
    ['bad_certificate', /Go says it so/],
    ['certificate_unknown', /Java says it so/],
    ['certificate_expired', /clock/],
    ['unsupported_certificate', /^alert unsupported_certificate$/],
    ['none', /closed without a word.*pins another/],
    ['closed', /broke off the handshake/],
    ['reset', /broke off the handshake/],
  ])('%s is told in words', (alert, words) => {
    expect(meaningOf(alert)).toMatch(words);
    const recent = [{ time: 1, alert, confidence: 'certain' }] as const;
    expect(signOf({ client: '10.0.0.5', host: 'ok.test', port: 443, rule: 'all', recent, count: 1 })).toMatch(words);
  });
});

test('the rule that would splice is for the users whose programs reject, where the rule that decided was for users', () => {
  const users = ['alice', "o'hara"];
  expect(spliceRule({ client: '10.0.0.5', host: 'ok.test', port: 443, users })).toBe(
    "- { name: 'unread ok.test', clients: ['10.0.0.5'], users: ['alice', 'o''hara'], hosts: ['ok.test'], ports: [443], action: allow, tls: splice }",
  );
  expect(spliceText({ client: '10.0.0.5', host: 'ok.test', port: 443 }).users).toBeUndefined();
});

describe('the rule that would splice', () => {
  test.each([
    ['10.0.0.5', 'ok.test', 443, 'name'],
    ['10.0.0.5', 'ok.test', 8443, 'name'],
    ['2001:db8::5', '2001:db8::1', 443, 'ipv6'],
    ['fe80::5%eth0', 'a_b.xn--p1ai', 443, 'name'],
    ['10.0.0.5', `${'a'.repeat(60)}.${'b'.repeat(60)}.test`, 443, 'name'],
    ['10.0.0.5', '192.0.2.1', 443, 'ipv4'],
  ] as const)('for %s to %s port %d is valid YAML that does what it says', (client, host, port, kind) => {
    const rule = spliceRule({ client, host, port });
    expect(rule).not.toContain('\n');
    const text = `version: 1\npolicy:\n  connectPorts: [443, 8443]\n  rules:\n    ${rule}\n    - { name: all, action: allow }\n`;
    const parsed = parseConfig(text, '/c.yaml');
    if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
    const compiled = compilePolicy(parsed.config.policy);
    if (!compiled.ok) throw new Error('it does not compile');
    const authority = { kind, host, port };
    const decide = (from: string, to: Authority = authority) =>
      compiled.policy.decideConnect({ client: from, authority: to });
    expect(decide(client.replace(/%.*/, ''))).toMatchObject({ action: 'allow', tls: 'splice' });
    expect(decide('192.0.2.77')).toMatchObject({ rule: 'all', tls: 'bump' });
    const otherPort = { ...authority, port: port === 443 ? 8443 : 443 };
    expect(decide(client.replace(/%.*/, ''), otherPort)).toMatchObject({ rule: 'all', tls: 'bump' });
  });
});
