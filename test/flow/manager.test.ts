// Who may ask for the manager's reports.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MANAGER_CLIENTS, type ManagerOptions } from '../../src/core/manager-options.ts';
import { Manager } from '../../src/flow/manager.ts';
import { readManagerTarget } from '../../src/http/manager-target.ts';

const BY_PATH = '/squid-internal-mgr/info';
const BY_SCHEME = 'cache_object://localhost/info';

function admit(
  { client = '127.0.0.1', target = BY_PATH, headers = ['Host', '127.0.0.1:3128'] as readonly string[] },
  options: Partial<ManagerOptions> = {},
) {
  const manager = new Manager({ clients: MANAGER_CLIENTS, ...options }, ['proxy.test'], async () => 'text');
  const read = readManagerTarget(target);
  if (!read) throw new Error(`no target of the manager: ${target}`);
  const admission = manager.admit(client, read, headers);
  return typeof admission === 'object' ? admission.why : admission;
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('the manager answers', () => {
  test.each([
    ['this machine', {}],
    ['this machine by IPv6', { client: '::1', headers: ['Host', '[::1]:3128'] }],
    ['by the name localhost', { headers: ['Host', 'localhost:3128'] }],
    ['by a name of the proxy', { headers: ['Host', 'proxy.test:3128'] }],
    ['HTTP/1.0 without a Host', { headers: [] }],
    ['a cache_object: of any host', { target: BY_SCHEME, headers: ['Host', 'whatever.test'] }],
  ])('%s', (_name, asked) => {
    expect(admit(asked)).toBe('in');
  });
});

describe('the manager does not answer', () => {
  test.each([
    ['another machine', { client: '10.0.0.1' }, 'The manager does not answer 10.0.0.1.'],
    [
      'a web page',
      { headers: ['Host', 'localhost', 'Origin', 'http://localhost'] },
      'The manager does not answer web pages.',
    ],
    [
      'under a name that somebody else has given our address',
      { headers: ['Host', 'rebound.test:3128'] },
      'The manager is asked by address, or by a name of this proxy.',
    ],
  ])('%s', (_name, asked, why) => {
    expect(admit(asked)).toBe(why);
  });
});

test('the clients of the config take the place of this machine', () => {
  const options = { clients: ['10.0.0.0/8'] };
  expect([admit({ client: '10.9.9.9' }, options), admit({}, options)]).toEqual([
    'in',
    'The manager does not answer 127.0.0.1.',
  ]);
});

describe('where there is a password', () => {
  const options = { password: 'sesame' };

  test.each([
    ['it may stand behind the name', { target: `${BY_SCHEME}@sesame` }, 'in'],
    ['in Authorization', { headers: ['Authorization', basic('any:sesame')] }, 'in'],
    ['or in Proxy-Authorization', { headers: ['Proxy-Authorization', basic(':sesame')] }, 'in'],
    ['and is wanted', {}, 'password'],
    ['whole', { target: `${BY_SCHEME}@sesam` }, 'password'],
    ['and no more', { target: `${BY_SCHEME}@sesame2` }, 'password'],
    ['in its letter case', { headers: ['Authorization', basic('any:Sesame')] }, 'password'],
    ['as Basic credentials', { headers: ['Authorization', 'Bearer sesame'] }, 'password'],
    [
      'of the clients only',
      { client: '10.0.0.1', target: `${BY_SCHEME}@sesame` },
      'The manager does not answer 10.0.0.1.',
    ],
  ])('%s', (_name, asked, expected) => {
    expect(admit(asked, options)).toBe(expected);
  });

  test('it may be in a file, by its first line', () => {
    const passwordFile = join(mkdtempSync(join(tmpdir(), 'manager-')), 'password');
    writeFileSync(passwordFile, 'sesame\nand more\n', { mode: 0o600 });
    expect(admit({ target: `${BY_SCHEME}@sesame` }, { passwordFile })).toBe('in');
    expect(admit({}, { passwordFile })).toBe('password');
  });
});

test('a password file that cannot be read is told', () => {
  expect(() => admit({}, { passwordFile: '/nowhere/password' })).toThrow('/nowhere/password cannot be read');
});
