import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Registry } from '../../src/auth/registry.ts';
import { writeUsers } from '../support/users.ts';

test('all files together say who there is', async () => {
  const { htpasswd, tokens, folder } = writeUsers({ alice: 'x' }, { 'vm-1': 'a-token-of-twenty-letters' });
  const groupFile = join(folder, 'groups');
  writeFileSync(groupFile, 'dev: alice\n');
  const registry = await Registry.read({
    basic: { htpasswd, realm: 'r' },
    tokens,
    groups: { ops: ['alice'] },
    groupFile,
  });
  expect([...registry.hashes.keys()]).toEqual(['alice']);
  expect([...registry.tokens.values()]).toEqual(['vm-1']);
  expect(registry.groupNames).toEqual(new Set(['ops', 'dev']));
  expect(registry.identity('alice', 'password')).toEqual({
    user: 'alice',
    groups: new Set(['ops', 'dev']),
    by: 'password',
  });
  expect(registry.identity('vm-1', 'token').groups.size).toBe(0);
});

test('one certificate has one identity', async () => {
  const registry = await Registry.read({ groups: { ops: ['vm-1'] } });
  const identity = registry.certified('vm-1');
  expect(identity).toEqual({ user: 'vm-1', groups: new Set(['ops']), by: 'certificate' });
  expect(registry.certified('vm-1')).toBe(identity);
});

test('what is wrong in one of the files is told', async () => {
  const { htpasswd } = writeUsers({});
  writeFileSync(htpasswd, 'alice:rqXexS6ZhobKA\n');
  const read = Registry.read({ basic: { htpasswd, realm: 'r' }, groups: {} });
  await expect(read).rejects.toMatchObject({
    code: 'auth-unusable',
    detail: expect.stringContaining(`${htpasswd}:1: user "alice"`),
  });
});
