import { describe, expect, test } from 'vitest';
import { readParents } from '../../src/squid/parents.ts';
import { importLines, verdictOf } from '../support/squid-policy.ts';

const BASE = ['http_port 3128', 'http_access allow all'];
const PEER = 'cache_peer hq.example parent 8080 0 no-query';

describe('cache_peer', () => {
  test('is a parent, with credentials and over TLS where it says so', async () => {
    const { config, said } = await importLines(
      ...BASE,
      'cache_peer hq.example parent 8443 0 no-query default tls login=ann:p%20w name=hq tls-cafile=/x/root.pem',
      'never_direct allow all',
    );
    expect(config.upstream.parents).toMatchObject([
      {
        name: 'hq',
        user: 'ann',
        password: 'p w',
        trust: ['/x/root.pem'],
        url: { secure: true, authority: { host: 'hq.example', port: 8443 } },
      },
    ]);
    expect(config.upstream.routes).toMatchObject([{ via: ['hq'] }]);
    expect(said).toContain('unsafe cache_peer');
  });
  test('goes before the direct way, unless that is never taken', async () => {
    const { config } = await importLines(...BASE, PEER);
    expect(config.upstream.routes).toMatchObject([{ via: ['hq.example', 'direct'] }]);
  });
  test('has routes by host', async () => {
    const { config } = await importLines(
      ...BASE,
      `${PEER} name=hq`,
      'cache_peer b.example parent 1 0 name=b',
      'acl near dstdomain .near.test',
      'acl far dstdomain .far.test',
      'always_direct allow near',
      'cache_peer_access b allow far',
      'cache_peer_access b deny all',
      'never_direct allow all',
    );
    expect(config.upstream.routes).toMatchObject([
      { hosts: ['.near.test'], via: ['direct'] },
      // Squid asks the first that may be asked; the other only while that one does not answer.
      { hosts: ['.far.test'], via: ['hq', 'b'] },
      { via: ['hq'] },
    ]);
  });
  test.each([
    ['always_direct allow nobody', []],
    ['never_direct deny !nobody', []],
    ['cache_peer_access hq allow nobody', []],
    ['always_direct allow nobody', [`${PEER} name=hq`]],
    ['cache_peer_access hq allow !nobody', [`${PEER} name=hq`]],
  ])('%s tells a name that is none, once', async (line, peers) => {
    const { notes } = await importLines(...BASE, ...peers, line);
    const told = notes.filter(({ kind }) => kind === 'unknown');
    expect(told.map(({ about, why }) => `${about}: ${why}`)).toEqual([
      `${line.split(' ')[0]}: there is no acl "nobody"`,
    ]);
  });
  const NEAR = 'acl near dstdomain .near.test';
  const HQ = `${PEER} name=hq`;
  const B = 'cache_peer b.example parent 1 0 name=b';
  test.each<[string, string[], object[]]>([
    [
      'never_direct but for some',
      [HQ, 'never_direct deny near', 'never_direct allow all'],
      [{ hosts: ['.near.test'], via: ['hq', 'direct'] }, { via: ['hq'] }],
    ],
    [
      'never_direct but for some, in other words',
      [HQ, 'never_direct allow !near'],
      [{ hosts: ['.near.test'], via: ['hq', 'direct'] }, { via: ['hq'] }],
    ],
    [
      'never_direct of some',
      [HQ, 'never_direct allow near'],
      [{ hosts: ['.near.test'], via: ['hq'] }, { via: ['hq', 'direct'] }],
    ],
    [
      'always_direct but for some',
      [HQ, 'always_direct deny near', 'always_direct allow all'],
      [{ hosts: ['.near.test'], via: ['hq', 'direct'] }, { via: ['direct'] }],
    ],
    [
      'always_direct but for some, the rest meant',
      [HQ, 'always_direct deny near', 'never_direct allow all'],
      [{ hosts: ['.near.test'], via: ['hq'] }, { via: ['direct'] }],
    ],
    [
      'a parent but for some',
      [HQ, B, 'cache_peer_access hq deny near', 'never_direct allow all'],
      [{ hosts: ['.near.test'], via: ['b'] }, { via: ['hq', 'b'] }],
    ],
    [
      'a parent for two lists',
      [HQ, 'acl far dstdomain .far.test', 'cache_peer_access hq allow near', 'cache_peer_access hq allow far'],
      [{ hosts: ['.near.test', '.far.test'], via: ['hq', 'direct'] }, { via: ['direct'] }],
    ],
    ['a parent for nobody', [HQ, 'cache_peer_access hq deny all'], [{ via: ['direct'] }]],
  ])('%s', async (_, lines, routes) => {
    const { config, said } = await importLines(...BASE, NEAR, ...lines);
    expect(config.upstream.routes).toEqual(routes.map((route) => expect.objectContaining(route)));
    expect(said.filter((one) => /^(?:lost|unsafe|stricter)/.test(one))).toEqual([]);
  });

  test.each([
    [[HQ, 'never_direct allow CONNECT'], 'unsafe never_direct'],
    [[HQ, 'acl t time 10:00-11:00', 'never_direct allow t'], 'unsafe never_direct'],
    [[HQ, 'acl r dstdom_regex -n casino', 'always_direct allow r'], 'lost always_direct'],
    [[HQ, 'cache_peer_access hq deny CONNECT', 'cache_peer_access hq allow all'], 'lost cache_peer_access'],
  ])('%j is not by hosts: %s', async (lines, told) => {
    expect((await importLines(...BASE, ...lines)).said).toContain(told);
  });

  test('where none is left nothing is reached, and nothing goes directly', async () => {
    const problem = { file: 'squid.conf', message: expect.stringContaining('no parent is left') };
    expect((await importLines(...BASE, 'never_direct allow all')).problems).toEqual([{ ...problem, line: 3 }]);
    const limited = await importLines(...BASE, HQ, 'cache_peer_access hq deny all', 'never_direct allow all');
    expect(limited.problems).toEqual([{ ...problem, line: 5 }]);
    const { policy, problems, said } = await importLines(...BASE, NEAR, 'never_direct allow near');
    const verdicts = ['http://a.near.test/', 'http://a.test/'].map((url) =>
      verdictOf(policy, { client: '10.0.0.1', url }),
    );
    expect([verdicts, problems]).toEqual([['deny', 'allow'], []]);
    expect(said).toContain('stricter never_direct');
    // What is for those hosts alone can never match, and is no rule.
    const twice = await importLines('http_port 3128', NEAR, 'never_direct allow near', 'http_access allow near');
    expect(twice.config.policy.rules.map(({ action }) => action)).toEqual(['deny']);
  });

  test('takes turns', async () => {
    const { config } = await importLines(
      ...BASE,
      `${PEER} name=a round-robin`,
      `${PEER} name=b round-robin`,
      'never_direct allow all',
    );
    expect(config.upstream.routes).toMatchObject([{ via: ['a', 'b'], choose: 'roundRobin' }]);
  });
  test('that is a sibling or an origin is none, and what asks for more than hosts is told', async () => {
    const sibling = await importLines(
      ...BASE,
      'cache_peer s.example sibling 1 2',
      'cache_peer o.example parent 80 0 originserver',
    );
    expect([sibling.config.upstream.parents.length, ...sibling.said]).toEqual(
      expect.arrayContaining([0, 'not-needed cache_peer', 'lost cache_peer']),
    );
    const asked = await importLines(...BASE, PEER, 'acl c src 10.0.0.0/8', 'always_direct allow c');
    expect(asked.said).toContain('lost always_direct');
    expect(readParents).toHaveLength(3);
  });
});
