import { describe, expect, test } from 'vitest';
import { indirectFrom } from '../../src/squid/indirect.ts';
import { importLines, verdictOf } from '../support/squid-policy.ts';

const LINES = ['http_port 3128', 'acl lb src 10.0.0.5', 'acl office src 10.0.0.0/24', 'acl guests src 10.9.0.0/16'];
const FOLLOW = ['follow_x_forwarded_for allow lb', 'follow_x_forwarded_for deny all'];

const decided = async (...lines: string[]) => {
  const { policy, said } = await importLines(...LINES, ...lines);
  const verdicts = ['10.0.0.5', '10.0.0.6', '10.9.0.1'].map((client) =>
    verdictOf(policy, { client, url: 'http://a.test/' }),
  );
  return [...verdicts, said.includes('unsafe follow_x_forwarded_for')];
};

describe('X-Forwarded-For that Squid believed', () => {
  test.each<[string, string[], (string | boolean)[]]>([
    [
      'lets nobody in by address',
      [...FOLLOW, 'http_access allow office', 'http_access deny all'],
      ['deny', 'allow', 'deny', true],
    ],
    [
      'keeps all out that may be meant',
      [...FOLLOW, 'http_access deny guests', 'http_access allow all'],
      ['deny', 'allow', 'deny', true],
    ],
    ['leaves "all" what it is', [...FOLLOW, 'http_access allow all'], ['allow', 'allow', 'allow', true]],
    [
      'is nothing where ACLs do not use it',
      [...FOLLOW, 'acl_uses_indirect_client off', 'http_access allow office'],
      ['allow', 'allow', 'deny', false],
    ],
    [
      'is nothing where nobody is believed',
      ['follow_x_forwarded_for deny all', 'http_access allow office'],
      ['allow', 'allow', 'deny', false],
    ],
    [
      'of whom cannot be said may be anybody',
      ['acl t time 10:00-11:00', 'follow_x_forwarded_for allow t', 'http_access allow office'],
      ['deny', 'deny', 'deny', true],
    ],
  ])('%s', async (_, lines, verdicts) => {
    expect(await decided(...lines)).toEqual(verdicts);
    expect(indirectFrom).toHaveLength(3);
  });
});
