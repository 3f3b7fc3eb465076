import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Authenticator, type AuthenticatorReports, type Verdict } from '../../src/auth/authenticator.ts';
import type { AuthOptions } from '../../src/auth/options.ts';
import { writeUsers } from '../support/users.ts';

const TOKEN = 'tok-0123456789abcdef';
const basic = (user: string, password: string): string[] => [
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
];
const always = async (): Promise<boolean> => true;

interface Opened {
  readonly auth: Authenticator;
  readonly htpasswd: string;
  /** Checks that were begun. */
  readonly begun: () => number;
  readonly check: (user: string, password: string) => Verdict | Promise<Verdict>;
}

async function open(options: Partial<AuthOptions> = {}, reports?: AuthenticatorReports): Promise<Opened> {
  const files = writeUsers({ alice: 'secret', bob: 'hidden' }, { 'vm-1': TOKEN });
  const auth = await Authenticator.open(
    {
      basic: { htpasswd: files.htpasswd, realm: 'Sallyport' },
      tokens: files.tokens,
      groups: { ops: ['alice'] },
      ...options,
    },
    reports,
  );
  onTestFinished(() => auth.close());
  let begun = 0;
  const admit = async (): Promise<boolean> => {
    begun += 1;
    return true;
  };
  return {
    auth,
    htpasswd: files.htpasswd,
    begun: () => begun,
    check: (user, password) => auth.check(basic(user, password), 'client', admit),
  };
}

describe('the authenticator', () => {
  test('checks a password once, and knows it from then on without waiting', async () => {
    const { check, begun } = await open();
    const first = check('alice', 'secret');
    expect(first).toBeInstanceOf(Promise);
    const verdict = await first;
    expect(verdict).toEqual({ identity: { user: 'alice', groups: new Set(['ops']), by: 'password' } });
    expect(check('alice', 'secret')).toBe(verdict);
    expect(begun()).toBe(1);
  });

  test('knows a wrong one likewise', async () => {
    const { check, begun } = await open();
    expect(await check('alice', 'wrong')).toMatchObject({ error: { code: 'auth-failed', status: 407 } });
    expect(check('alice', 'wrong')).not.toBeInstanceOf(Promise);
    expect(begun()).toBe(1);
  });

  test('checks one and the same once for all who ask meanwhile', async () => {
    const { check, begun } = await open();
    const asked = Array.from({ length: 10 }, () => check('alice', 'secret'));
    expect(new Set(asked).size).toBe(1);
    await Promise.all(asked);
    expect(begun()).toBe(1);
  });

  test('knows a token at once, alone or as the password of its user', async () => {
    const { check, begun } = await open();
    const identity = { user: 'vm-1', groups: new Set(), by: 'token' };
    expect(check(TOKEN, '')).toEqual({ identity });
    expect(check('vm-1', TOKEN)).toEqual({ identity });
    expect(begun()).toBe(0);
    expect(await check('alice', TOKEN)).toHaveProperty('error');
    expect(await check('vm-1', '')).toHaveProperty('error');
    expect(await check(`${TOKEN}x`, '')).toHaveProperty('error');
    expect(begun()).toBe(3);
  });

  test('takes as long for a user that there is not as for one that there is', async () => {
    const { auth, check } = await open();
    await check('alice', 'warm');
    const times = await Promise.all(
      ['alice', 'nobody'].map(async (user) => {
        const begin = performance.now();
        for (let i = 0; i < 20; i += 1) await check(user, `wrong ${i}`);
        return performance.now() - begin;
      }),
    );
    expect(auth.kept).toBe(41);
    const [known = 1, unknown = 1] = times;
    // An answer without a hash would be a hundred times faster.
    expect(unknown / known).toBeGreaterThan(0.3);
  });

  test('says nothing of one that was not let in, and asks anew the next time', async () => {
    const { auth } = await open();
    const refused = await auth.check(basic('alice', 'secret'), 'client', async () => false);
    expect(refused).toMatchObject({ error: { code: 'client-limit', status: 429 } });
    expect(await auth.check(basic('alice', 'secret'), 'client', always)).toHaveProperty('identity');
  });

  test('keeps no more than so many wrong ones, and they do not push out the right ones', async () => {
    const { auth, check } = await open({ basic: { htpasswd: writeUsers({}).htpasswd, realm: 'r' } });
    check(TOKEN, '');
    for (let i = 0; i < 1_500; i += 1) await check('nobody', `${i}`);
    expect(auth.kept).toBe(1_025);
    expect(check(TOKEN, '')).toHaveProperty('identity');
  });

  test('says what is malformed without looking anything up', async () => {
    const { auth } = await open();
    const verdict = auth.check(['Basic ?'], 'client', always);
    expect(verdict).toMatchObject({ error: { code: 'auth-failed', detail: 'The credentials are not base64.' } });
  });

  test.each([
    [{}, 'Basic realm="Sallyport", charset="UTF-8"'],
    [
      { basic: { htpasswd: writeUsers({}).htpasswd, realm: 'a "b" \\' } },
      'Basic realm="a \\"b\\" \\\\", charset="UTF-8"',
    ],
  ])('challenges by realm %#', async (options, challenge) => {
    expect((await open(options)).auth.challenge).toBe(challenge);
  });

  test('challenges nobody where there are only certificates', async () => {
    const auth = await Authenticator.open({ groups: { ops: ['vm-1'] } });
    expect(auth.challenge).toBeUndefined();
    expect(auth.certified('vm-1')).toMatchObject({ user: 'vm-1', by: 'certificate', groups: new Set(['ops']) });
    expect(auth.groupNames).toEqual(new Set(['ops']));
    await auth.close();
  });
});

describe('a file that changes', () => {
  test('makes what was known of it void, both ways', async () => {
    const reloads = Promise.withResolvers<string>();
    const { check, htpasswd } = await open({}, { reloaded: reloads.resolve, failed: reloads.reject });
    expect(await check('alice', 'secret')).toHaveProperty('identity');
    expect(await check('alice', 'another')).toHaveProperty('error');
    const digest = createHash('sha1').update('another').digest('base64');
    writeFileSync(htpasswd, `alice:{SHA}${digest}\n`);
    expect(await reloads.promise).toBe(htpasswd);
    expect(await check('alice', 'secret')).toHaveProperty('error');
    expect(await check('alice', 'another')).toHaveProperty('identity');
    expect(await check('bob', 'hidden')).toHaveProperty('error');
  });

  test('and cannot be used any more changes nothing, but is told', async () => {
    const failures = Promise.withResolvers<{ message: string }>();
    const { check, htpasswd } = await open({}, { reloaded: failures.reject, failed: failures.resolve });
    writeFileSync(htpasswd, 'alice:plain text\n');
    expect((await failures.promise).message).toContain(
      `${htpasswd}:1: user "alice": its password stands there in plain text`,
    );
    expect(await check('alice', 'secret')).toHaveProperty('identity');
  });
});

test('that one client has asked for too much is no answer to another who asks the same', async () => {
  const { auth } = await open();
  const refused = auth.check(basic('alice', 'secret'), 'one', async () => false);
  const checked = auth.check(basic('alice', 'secret'), 'another', always);
  expect(await refused).toMatchObject({ error: { code: 'client-limit' } });
  expect(await checked).toHaveProperty('identity');
});
