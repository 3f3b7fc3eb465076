import { describe, expect, test } from 'vitest';
import { homesOf, keysAt } from '../../src/config/known-keys.ts';
import type { Path } from '../../src/config/wording.ts';

const ACCESS_LOG = ['path', 'format', 'when', 'unless', 'rotate', 'onFull', 'waiting', 'tags'];

describe('the keys that are known', () => {
  test.each<[string, Path, readonly string[]]>([
    [
      'at the root',
      [],
      'version listen workers admin ca auth upstream resolver via tls policy contact pages log limits'.split(' '),
    ],
    ['in a section with a default', ['tls'], ['default', 'http2', 'onClientCert', 'onReject', 'exceptions']],
    ['in a section with a transform', ['ca'], ['cert', 'key', 'passphraseFile', 'previous']],
    ['in the item of a list', ['listen', 3], ['address', 'port', 'names', 'proxyProtocol', 'transparent']],
    ['in a section that may be left out', ['listen', 0, 'proxyProtocol'], ['from']],
    ['in a section that may be a word', ['listen', 0, 'transparent'], ['httpsPort', 'httpPort']],
    [
      'in a rule',
      ['policy', 'rules', 0],
      [
        'name',
        'scheme',
        'clients',
        'users',
        'groups',
        'authenticated',
        'hosts',
        'urls',
        'methods',
        'ports',
        'upgrades',
        'action',
        'tls',
        'refuse',
        'onClientCert',
        'message',
        'redirect',
      ],
    ],
    ['in a section that may be left out', ['auth'], ['basic', 'tokens', 'groups', 'groupFile', 'clientCertificates']],
    ['in a section within it', ['auth', 'clientCertificates'], ['trust', 'crl', 'mode', 'user']],
    ['in one access log', ['log', 'access'], ACCESS_LOG],
    ['in one of several', ['log', 'access', 0], ACCESS_LOG],
    ['below a value', ['version', 'x'], []],
    ['where any key may stand', ['resolver', 'hosts'], []],
    ['below an unknown key', ['nope', 'x'], []],
    ['below a name that every object has', ['constructor', 'prototype'], []],
  ])('%s', (_, path, keys) => {
    expect(keysAt(path)).toEqual(keys);
  });
});

test.each([
  ['mode', ['under auth.clientCertificates', 'under policy']],
  ['tls', ['at the top level', 'under policy.rules']],
  ['path', ['under log.access', 'under log.audit']],
  [
    'hosts',
    [
      'under upstream.clientCertificates',
      'under upstream.routes',
      'under resolver',
      'under policy.rules',
      'under log.access.when',
      'under log.access.unless',
    ],
  ],
  ['nope', []],
  ['constructor', []],
])('%s stands %j', (key, homes) => {
  expect(homesOf(key)).toEqual(homes);
});
