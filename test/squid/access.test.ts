import { describe, expect, test } from 'vitest';
import { accessRules, TooMany } from '../../src/squid/access.ts';
import { AclSet } from '../../src/squid/acl-set.ts';
import { Notes } from '../../src/squid/note.ts';
import { importLines, verdictOf } from '../support/squid-policy.ts';

const PORT = 'http_port 3128';
const BUMP = 'http_port 3128 ssl-bump cert=/etc/squid/ca.pem';

describe('http_access', () => {
  test('without a line denies everything, and after a last denial allows the rest', async () => {
    const { policy, said } = await importLines(PORT);
    expect(verdictOf(policy, { client: '10.0.0.1', url: 'http://a.test/' })).toBe('deny');
    expect(said).toContain('stricter http_access');
    const open = await importLines(PORT, 'acl bad dstdomain .b.test', 'http_access deny bad');
    expect(verdictOf(open.policy, { client: '10.0.0.1', url: 'http://a.test/' })).toBe('allow');
    expect(verdictOf(open.policy, { client: '10.0.0.1', url: 'https://x.b.test/' })).toBe('deny');
  });

  test('that allows the CONNECT and not what is inside allows nothing where it is decrypted', async () => {
    const lines = ['http_access allow CONNECT', 'http_access deny all'];
    const url = 'https://a.test/';
    expect(verdictOf((await importLines(PORT, ...lines)).policy, { client: '10.0.0.1', url })).toBe('allow, splice');
    const bumped = await importLines(BUMP, ...lines, 'ssl_bump bump all');
    expect(verdictOf(bumped.policy, { client: '10.0.0.1', url })).toBe('deny');
    expect(verdictOf(bumped.policy, { client: '10.0.0.1', url: 'http://a.test/' })).toBe('deny');
  });

  test('without a ssl_bump line passes unread', async () => {
    const { policy } = await importLines(BUMP, 'http_access allow all');
    expect(verdictOf(policy, { client: '10.0.0.1', url: 'https://a.test/' })).toBe('allow, splice');
  });

  test('that asks who it is before all else asks everybody', async () => {
    const { policy } = await importLines(
      PORT,
      'auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/users',
      'acl known proxy_auth REQUIRED',
      'acl a dstdomain a.test',
      'http_access deny known a',
      'http_access allow all',
    );
    const asked = { client: '10.0.0.1', url: 'http://b.test/' };
    expect(verdictOf(policy, asked)).toBe('ask');
    expect(verdictOf(policy, { ...asked, user: 'ann' })).toBe('allow');
    expect(verdictOf(policy, { ...asked, user: 'ann', url: 'http://a.test/' })).toBe('deny');
  });

  test.each(['0/0', '0.0.0.0/0', '0.0.0.0/0.0.0.0', '0.0.0.0-255.255.255.255', '10.0.0.0/8'])(
    'denies all of both families, though "all" is said anew as %s',
    async (all) => {
      const { policy } = await importLines(
        PORT,
        `acl all src ${all}`,
        'acl a dstdomain a.test',
        'http_access deny all',
      );
      const url = 'http://b.test/';
      expect(['2001:db8::1', '192.0.2.1'].map((client) => verdictOf(policy, { client, url }))).toEqual([
        'deny',
        'deny',
      ]);
      const open = await importLines(PORT, `acl all src ${all}`, 'http_access allow all');
      expect(verdictOf(open.policy, { client: '2001:db8::1', url })).toBe('allow');
    },
  );

  test('knows an acl by its name in whichever letters, and so does deny_info', async () => {
    const { policy, said, yaml } = await importLines(
      PORT,
      'acl Bad dstdomain .b.test',
      'deny_info 303:http://why.test/ BAD',
      'http_access deny bad',
      'http_access allow ALL',
    );
    expect(verdictOf(policy, { client: '10.0.0.1', url: 'http://b.test/' })).toBe('deny');
    expect(verdictOf(policy, { client: '10.0.0.1', url: 'http://a.test/' })).toBe('allow');
    expect(yaml).toContain('redirect: "303:http://why.test/"');
    expect(yaml).toContain('acl Bad dstdomain .b.test');
    expect(said.filter((one) => /^(?:unknown|lost)/.test(one))).toEqual([]);
  });

  test.each([
    ['what is allowed by an unknown acl is not', ['http_access allow nobody', 'http_access deny all'], 'deny'],
    [
      'what is denied by the clock is denied all day',
      ['acl t time 10:00-11:00', 'http_access deny t', 'http_access allow all'],
      'deny',
    ],
    [
      'what is allowed but at an hour is not',
      ['acl t time 10:00-11:00', 'http_access allow !t', 'http_access deny all'],
      'deny',
    ],
    [
      'what is denied to one program is denied to all',
      ['acl b browser curl', 'http_access deny b', 'http_access allow all'],
      'deny',
    ],
  ])('fails closed: %s', async (_, lines, verdict) => {
    const { policy, said } = await importLines(PORT, ...lines);
    expect(verdictOf(policy, { client: '10.0.0.1', url: 'http://a.test/' })).toBe(verdict);
    expect(said.some((one) => one === 'stricter acl' || one === 'unknown http_access')).toBe(true);
  });

  test.each([
    ['http_access', ['http_access allow nobody']],
    ['http_access', ['http_access deny !nobody CONNECT', 'http_access allow all']],
    ['ssl_bump', ['http_access allow all', 'ssl_bump splice !nobody', 'ssl_bump bump all']],
    ['acl', ['acl x any-of CONNECT nobody', 'http_access allow x']],
    ['acl', ['acl x all-of CONNECT !nobody', 'http_access allow x', 'http_access deny x']],
  ])('tells a name that is none, once, where %s has it', async (about, lines) => {
    const { notes } = await importLines(BUMP, ...lines);
    const told = notes.filter(({ kind }) => kind === 'unknown');
    expect(told.map((one) => `${one.about}: ${one.why}`)).toEqual([`${about}: there is no acl "nobody"`]);
  });

  test('by a domain of which the address is asked for is told once, unless Squid does not look either', async () => {
    const backwards = async (...lines: string[]) => {
      const acls = [
        'acl d dstdomain .b.test',
        'acl n dstdomain -n .b.test',
        'acl r dstdom_regex b$',
        'acl o any-of !d n',
      ];
      const { notes } = await importLines(PORT, ...acls, ...lines);
      return notes.flatMap(({ kind, line, why }) => (/looked up backwards/.test(why) ? [`${kind} ${line - 5}`] : []));
    };
    expect(await backwards('http_access allow d', 'http_access deny d', 'http_access deny d r')).toEqual(['unsafe 2']);
    expect(await backwards('http_access allow !d')).toEqual(['unsafe 1']);
    expect(await backwards('http_access deny n CONNECT', 'http_access deny r', 'http_access allow all')).toEqual([
      'unsafe 2',
    ]);
    expect(await backwards('http_access allow o')).toEqual(['unsafe 1']);
    expect(await backwards('http_access deny !d', 'http_access deny n', 'http_access deny o')).toEqual([]);
  });

  test('to addresses that are never dialled is told with the ranges to open', async () => {
    const acl = 'acl inner dst 10.0.0.0/8 192.168.0.0/16';
    const { notes } = await importLines(PORT, acl, 'http_access allow inner', 'http_access deny all');
    const told = notes.filter(({ about }) => about === 'acl').map(({ kind, todo }) => `${kind} ${todo}`);
    expect(told).toEqual([expect.stringMatching(/^stricter .*allowAddresses: \[10\.0\.0\.0\/8, 192\.168\.0\.0\/16\]/)]);
    expect((await importLines(PORT, acl, 'http_access deny inner', 'http_access allow all')).said).not.toContain(
      'stricter acl',
    );
  });

  test.each([
    ['miss_access', 'http_port 3128', ['deny', 'allow, splice', 'allow']],
    ['adapted_http_access', BUMP, ['deny', 'allow, bump', 'allow']],
  ])('is not all: %s has to allow too', async (name, port, verdicts) => {
    const lines = [
      'acl bad dstdomain -n .b.test',
      'acl up method POST',
      `${name} deny bad`,
      `${name} deny up`,
      `${name} allow all`,
    ];
    const { policy, config, said } = await importLines(port, ...lines, 'http_access allow all', 'ssl_bump bump all');
    const client = '10.0.0.1';
    expect(
      ['https://b.test/', 'https://a.test/', 'http://a.test/'].map((url) => verdictOf(policy, { client, url })),
    ).toEqual(verdicts);
    expect(verdictOf(policy, { client, url: 'http://a.test/', method: 'POST' })).toBe('deny');
    expect(config.policy.rules.map((rule) => rule.name)).toContain(`squid.conf:4 deny bad`);
    expect(said.filter((one) => one.includes(name))).toEqual([]);
  });

  test('is a list of rules, the ports apart', () => {
    expect(TooMany.prototype).toBeInstanceOf(Error);
    const context = { acls: new AclSet(), notes: new Notes(), listenPorts: [], hasUsers: false };
    const none = accessRules({ httpAccess: [], sslBump: [], bumps: false }, (world) => ({ ...context, world }));
    expect([none.rules.length, none.portLines.length, none.connectPorts.length]).toEqual([0, 0, 1]);
  });
});
