import { expect, test } from 'vitest';
import { authSchema } from '../../src/config/auth-schema.ts';
import { checkAuth } from '../../src/config/check-auth.ts';
import { parseConfig } from '../../src/config/parse-config.ts';

const rule = { name: 'a', action: 'allow' } as const;

test('a rule for users asks for a way to be known, and is shown where it stands in the file', () => {
  expect(checkAuth(undefined, [rule, { ...rule, groups: ['ops'] }], [0, 4])).toEqual([
    {
      path: ['policy', 'rules', 4, 'groups'],
      message: 'rule "a" is for known users, and nobody can be known without "auth"',
      hint: 'add "auth" with basic, tokens or clientCertificates',
      side: 'key',
    },
  ]);
});

test('a group must be in the config, unless a file has more of them', () => {
  const groups = { ops: ['alice'], constructor: [] };
  const rules = [{ ...rule, groups: ['ops', 'opz', 'constructor', 'toString'] }];
  const findings = checkAuth(authSchema.parse({ tokens: 't', groups }), rules, [0]);
  expect(findings.map(({ path, hint }) => [path.at(-1), hint])).toEqual([
    [1, 'did you mean "ops"?'],
    [3, 'name its users under auth.groups'],
  ]);
  expect(checkAuth(authSchema.parse({ tokens: 't', groups, groupFile: 'g' }), rules, [0])).toEqual([]);
});

test('every path of the section is made absolute', () => {
  const text = `
version: 1
auth:
  basic: { htpasswd: users }
  tokens: ../tokens
  groups: { ops: [alice] }
  groupFile: /etc/groups
  clientCertificates: { trust: ca.pem, crl: [ca.crl], mode: require, user: san }
`;
  const parsed = parseConfig(text, '/etc/sallyport/proxy.yaml');
  expect(parsed.ok && parsed.config.auth).toEqual({
    basic: { htpasswd: '/etc/sallyport/users', realm: 'Sallyport' },
    tokens: '/etc/tokens',
    groups: { ops: ['alice'] },
    groupFile: '/etc/groups',
    clientCertificates: {
      trust: ['/etc/sallyport/ca.pem'],
      crl: ['/etc/sallyport/ca.crl'],
      mode: 'require',
      user: 'san',
    },
  });
});
