// Clients that reject our certificate, whole: what is noted, what is suggested, what is excepted, and what never is.

import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PolicyOptions, RuleOptions } from '../../src/policy/policy.ts';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { connectThrough, dialProxy, get, type Rig, readUntil, startRig, tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { basic, writeUsers } from '../support/users.ts';

const ca = new TestCa();
let origin: Origin;
beforeAll(async () => {
  const pair = ca.leaf({ san: 'DNS:ok.test,DNS:other.test' });
  origin = await httpsOrigin(pair, (_request, response) => response.end('hello'));
});
afterAll(() => origin.close());

const ALL: RuleOptions = { name: 'all', hosts: ['ok.test', 'other.test'], action: 'allow' };

function rigFor(
  onReject: 'off' | 'suggest' | 'splice',
  policy: Partial<PolicyOptions> = { rules: [ALL] },
): Promise<Rig> {
  return startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1', 'other.test': '127.0.0.1' },
    policy,
    onReject,
  });
}

const at = (host = 'ok.test'): string => `${host}:${origin.port}`;

/** As a client of Node's that does not know our CA: it breaks off the handshake. */
async function reject(rig: Rig, host?: string, options: ConnectionOptions = {}): Promise<void> {
  const before = rejected(rig);
  await expect(tlsThrough(rig.port, at(host), options)).rejects.toThrow();
  await until(() => rejected(rig) > before, 'the line of a rejection');
}

/** As a client that pins: the handshake, then nothing. */
async function pin(rig: Rig): Promise<void> {
  const before = rejected(rig);
  const tls = await tlsThrough(rig.port, at(), { ca: rig.ca });
  await once(tls, 'session');
  tls.destroy();
  await until(() => rejected(rig) > before, 'the line of a rejection');
}

const rejected = (rig: Rig): number =>
  readFileSync(join(rig.folder, 'access.json'), 'utf8').split('client_rejected_certificate').length - 1;
const stateOf = (rig: Rig): string => join(rig.folder, 'state', 'exceptions.json');
const readState = (rig: Rig): string => (existsSync(stateOf(rig)) ? readFileSync(stateOf(rig), 'utf8') : '');
const kept = (rig: Rig, count: number): Promise<void> =>
  until(
    () => readState(rig).includes(`"count": ${count}`),
    `a count of ${count}`,
    () => readState(rig),
  );
/** What is kept holds once the proxy has taken it over, a moment later. */
async function unread(rig: Rig): Promise<{ tls: TLSSocket; tries: number }> {
  for (let tries = 1; ; tries += 1) {
    const tls = await tlsThrough(rig.port, at(), { ca: ca.root }).catch((error: unknown) => {
      if (tries === 10) throw error;
    });
    if (tls) return { tls, tries };
  }
}
const audit = (rig: Rig): unknown[] => {
  const file = join(rig.folder, 'audit.log');
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line))
    : [];
};

describe('tls.onReject: splice', () => {
  test.each([
    ['within the handshake', reject, 'closed'],
    ['after it, without a word', pin, 'none'],
  ] as const)('three rejections %s, and the fourth connection passes unread', async (_name, rejectOnce, alert) => {
    const rig = await rigFor('splice');
    for (let i = 1; i <= 3; i += 1) {
      await rejectOnce(rig);
      await kept(rig, i);
    }
    const { tls, tries } = await unread(rig);
    expect(await get(tls, at())).toContain('hello');
    const entry = (await rig.entries(3 + tries)).at(-1);
    expect(entry).toMatchObject({
      outcome: 'spliced',
      exception: 'pinned',
      rule: 'all',
      tls: 'splice',
      tag: 'TCP_TUNNEL',
    });
    expect(entry?.['reason']).toMatch(/by exception unread until 20.*127\.0\.0\.1 rejects our certificate/);
    expect(audit(rig)).toEqual([
      expect.objectContaining({
        audit: 'exception',
        change: 'made',
        client: '127.0.0.1',
        host: at(),
        rejections: 3,
        alert,
      }),
    ]);
    expect(statSync(stateOf(rig)).mode & 0o777).toBe(0o600);
  });

  test('is for that host alone', async () => {
    const rig = await rigFor('splice');
    for (let i = 1; i <= 3; i += 1) {
      await reject(rig);
      await kept(rig, i);
    }
    expect(await get(await tlsThrough(rig.port, at('other.test'), { ca: rig.ca }), at('other.test'))).toContain(
      'hello',
    );
    expect((await rig.entries(5)).slice(-2).map(({ outcome }) => outcome)).toEqual(['bumped', 'forwarded']);
  });

  test('is not for a client that took our certificate for this host before', async () => {
    const rig = await rigFor('splice');
    await get(await tlsThrough(rig.port, at(), { ca: rig.ca }), at());
    for (let i = 1; i <= 4; i += 1) {
      await reject(rig);
      await kept(rig, i);
    }
    expect(audit(rig)).toEqual([]);
    expect(readState(rig)).toContain('"accepted"');
  });

  test('nor for one that takes it in between', async () => {
    const rig = await rigFor('splice');
    for (let i = 1; i <= 2; i += 1) {
      await reject(rig);
      await kept(rig, i);
    }
    await get(await tlsThrough(rig.port, at(), { ca: rig.ca }), at());
    await until(
      () => readState(rig).includes('"accepted"'),
      'the success',
      () => readState(rig),
    );
    await reject(rig);
    await kept(rig, 3);
    expect(audit(rig)).toEqual([]);
  });

  test.each<[string, () => Partial<PolicyOptions>]>([
    [
      'a URL rule decides, before one by name',
      () => ({ rules: [{ name: 'url', urls: [`https://${at()}/**`], action: 'allow' }, ALL] }),
    ],
    [
      'a method rule decides',
      () => ({ rules: [{ name: 'get', hosts: ['ok.test'], methods: ['GET'], action: 'allow' }] }),
    ],
    ['any host is allowed', () => ({ rules: [{ name: 'any', action: 'allow' }] })],
    ['a whole top level is', () => ({ rules: [{ name: 'test', hosts: ['.test'], action: 'allow' }] })],
    ['any host is allowed by a star', () => ({ rules: [{ name: 'any', hosts: ['*'], action: 'allow' }] })],
    ['the default allows', () => ({ default: 'allow' })],
  ])('is for hosts that the policy allows by name: not where %s', async (_name, policy) => {
    const rig = await rigFor('splice', policy());
    for (let i = 1; i <= 4; i += 1) {
      await reject(rig);
      await kept(rig, i);
    }
    expect(audit(rig)).toEqual([]);
  });

  test('what report mode lets pass, and what is denied inside, is not even noted', async () => {
    const report = await rigFor('splice', { mode: 'report', rules: [] });
    const denied = await rigFor('splice', { rules: [], refuse: 'page' });
    for (const rig of [report, denied]) {
      for (let i = 1; i <= 4; i += 1) await reject(rig);
      await rig.proxy.close(0);
      expect(readState(rig)).toBe('');
    }
  });

  test('attempts at the same time count once', async () => {
    const rig = await rigFor('splice');
    const opened = await Promise.all(Array.from({ length: 5 }, () => connectThrough(rig.port, at())));
    for (const { socket } of opened) socket.destroy();
    await Promise.all(Array.from({ length: 5 }, () => tlsThrough(rig.port, at(), {}).catch(() => undefined)));
    await kept(rig, 5);
    expect(audit(rig)).toEqual([]);
    expect(readState(rig).match(/"alert"/g)?.length).toBeLessThan(3);
  });
});

describe('tls.onReject: suggest', () => {
  test('keeps what was seen, and makes no exception', async () => {
    const rig = await rigFor('suggest');
    for (let i = 1; i <= 4; i += 1) {
      await reject(rig);
      await kept(rig, i);
    }
    expect(audit(rig)).toEqual([]);
    expect((await rig.entries(4)).every(({ outcome }) => outcome === 'client_rejected_certificate')).toBe(true);
  });
});

test('who it was is noted where the rule is for users, so that what is suggested is for nobody else', async () => {
  const files = writeUsers({ alice: 'pw' });
  for (const [rule, users] of [
    [{ ...ALL, users: ['alice'] }, ['alice']],
    [ALL, undefined],
  ] as const) {
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      auth: { basic: { htpasswd: files.htpasswd, realm: 'x' }, groups: {} },
      policy: { rules: [rule] },
      onReject: 'suggest',
    });
    const socket = await dialProxy(rig.port);
    socket.write(`CONNECT ${at()} HTTP/1.1\r\nHost: ${at()}\r\n${basic('alice', 'pw')}\r\n`);
    expect(await readUntil(socket, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    const tls = connectTls({ socket, servername: 'ok.test' });
    await once(tls, 'error');
    await kept(rig, 1);
    expect(JSON.parse(readState(rig)).entries[0].users).toEqual(users);
  }
});

describe('tls.onReject: off', () => {
  test('keeps nothing', async () => {
    const rig = await rigFor('off');
    await reject(rig);
    await rig.proxy.close(0);
    expect(readState(rig)).toBe('');
  });
});
