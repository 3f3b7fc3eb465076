import { describe, expect, test } from 'vitest';
import { identityKey } from '../../src/pki/leaf-identity.ts';
import { host } from './fixtures.ts';

const key = (keyType: 'ec' | 'rsa', ...hosts: string[]): string => identityKey({ keyType, hosts: hosts.map(host) });

describe('the key of an identity', () => {
  test.each([
    ['another spelling of the same host', key('ec', 'OK.test.'), key('ec', 'ok.test')],
    [
      'further hosts in another order',
      key('ec', 'a.test', 'b.test', 'c.test'),
      key('ec', 'a.test', 'c.test', 'b.test'),
    ],
    ['a host that is named twice', key('ec', 'a.test', 'a.test', 'b.test', 'b.test'), key('ec', 'a.test', 'b.test')],
  ])('%s is the same', (_, one, other) => {
    expect(one).toBe(other);
  });

  test.each([
    ['another host', key('ec', 'a.test'), key('ec', 'b.test')],
    ['another key type', key('ec', 'a.test'), key('rsa', 'a.test')],
    ['another first host, which is the subject', key('ec', 'a.test', 'b.test'), key('ec', 'b.test', 'a.test')],
    ['one more host', key('ec', 'a.test'), key('ec', 'a.test', 'b.test')],
  ])('%s is different', (_, one, other) => {
    expect(one).not.toBe(other);
  });
});
