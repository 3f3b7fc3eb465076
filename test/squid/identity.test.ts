import { describe, expect, test } from 'vitest';
import { readIdentity } from '../../src/squid/identity.ts';
import { importLines, verdictOf } from '../support/squid-policy.ts';

describe('auth_param', () => {
  test('with a password file is taken over', async () => {
    const { config } = await importLines(
      'http_port 3128',
      'auth_param basic realm The Office',
      'auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/users',
      'acl k proxy_auth REQUIRED',
      'http_access allow k',
    );
    expect(config.auth?.basic).toEqual({ htpasswd: '/etc/squid/users', realm: 'The Office' });
  });

  test.each([
    'negotiate program /usr/lib/squid/negotiate_kerberos_auth',
    'basic program /usr/lib/squid/basic_ldap_auth -b dc=x host',
    'ntlm program /usr/bin/ntlm_auth',
  ])('%s lets nobody in', async (line) => {
    const { policy, said } = await importLines(
      'http_port 3128',
      `auth_param ${line}`,
      'acl k proxy_auth REQUIRED',
      'http_access deny !k',
      'http_access allow all',
    );
    expect(said).toContain('stricter auth_param');
    expect(verdictOf(policy, { client: '10.0.0.1', url: 'http://a.test/', user: 'ann' })).toBe('deny');
  });

  test('is called with the lines it is for', () => {
    expect(readIdentity).toHaveLength(2);
  });
});
