import { describe, expect, test } from 'vitest';
import { homesOf, keysAt } from '../../src/config/known-keys.ts';
import type { Path } from '../../src/config/wording.ts';

describe('the keys that are known', () => {
  test.each<[string, Path, readonly string[]]>([
    [
      'at the root',
      [],
      ['version', 'listen', 'workers', 'ca', 'upstream', 'resolver', 'via', 'tls', 'policy', 'log', 'limits'],
    ],
    ['in a section with a default', ['tls'], ['default', 'http2']],
    ['in a section with a transform', ['ca'], ['cert', 'key', 'passphraseFile']],
    ['in the item of a list', ['listen', 3], ['address', 'port', 'names']],
    [
      'in a rule',
      ['policy', 'rules', 0],
      ['name', 'clients', 'hosts', 'urls', 'methods', 'ports', 'upgrades', 'action', 'tls', 'refuse'],
    ],
    ['in one access log', ['log', 'access'], ['path', 'format']],
    ['in one of several', ['log', 'access', 0], ['path', 'format']],
    ['below a value', ['version', 'x'], []],
    ['where any key may stand', ['resolver', 'hosts'], []],
    ['below an unknown key', ['nope', 'x'], []],
    ['below a name that every object has', ['constructor', 'prototype'], []],
  ])('%s', (_, path, keys) => {
    expect(keysAt(path)).toEqual(keys);
  });
});

test.each([
  ['mode', ['under policy']],
  ['tls', ['at the top level', 'under policy.rules']],
  ['path', ['under log.access']],
  ['hosts', ['under resolver', 'under policy.rules']],
  ['nope', []],
  ['constructor', []],
])('%s stands %j', (key, homes) => {
  expect(homesOf(key)).toEqual(homes);
});
