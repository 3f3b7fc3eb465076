// Names to addresses, asked of a real name server that answers by a script: order, deadline, cache, one question at a time.

import { describe, expect, test, vi } from 'vitest';
import type { ResolverOptions } from '../../src/net/options.ts';
import { Resolver } from '../../src/net/resolver.ts';
import { UpstreamMeter } from '../../src/net/upstream-meter.ts';
import { type Reply, type Script, startDnsServer } from '../support/dns-server.ts';
import { expectNothingLeft } from '../support/leaks.ts';

expectNothingLeft();

const TIMEOUT = 400;

async function resolverFor(script: Script, options: Partial<ResolverOptions> = {}) {
  const server = await startDnsServer(script);
  const meter = new UpstreamMeter();
  const resolver = new Resolver({ servers: [server.address], hosts: {}, maxTtl: 300_000, ...options }, TIMEOUT, meter);
  return { resolver, meter, asked: () => server.questions.map(({ name, type }) => `${type} ${name}`).sort(), server };
}

/** Answers for A and AAAA, whatever the name. */
const both =
  (four: Reply | 'silence', six: Reply | 'silence'): Script =>
  ({ type }) =>
    type === 'A' ? four : six;

const NONE: Reply = {};
const A: Reply = { addresses: ['192.0.2.1'] };
const AAAA: Reply = { addresses: ['2001:db8::1'] };

async function timed<T>(act: () => Promise<T>): Promise<{ value: T; took: number }> {
  const begin = performance.now();
  return { value: await act(), took: performance.now() - begin };
}

describe('the addresses of a name', () => {
  test.each<[string, Reply, Reply, string[]]>([
    ['of both kinds come in turn, IPv6 first', A, AAAA, ['2001:db8::1', '192.0.2.1']],
    ['of IPv4 alone', A, NONE, ['192.0.2.1']],
    ['of IPv6 alone', NONE, AAAA, ['2001:db8::1']],
    [
      'of which one kind has more',
      { addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3'] },
      AAAA,
      ['2001:db8::1', '192.0.2.1', '192.0.2.2', '192.0.2.3'],
    ],
    ['of IPv4 while IPv6 fails', A, { code: 'SERVFAIL' }, ['192.0.2.1']],
    ['of IPv6 while IPv4 fails', { code: 'SERVFAIL' }, AAAA, ['2001:db8::1']],
  ])('%s', async (_name, four, six, expected) => {
    const { resolver, asked } = await resolverFor(both(four, six));
    expect(await resolver.resolve('ok.test')).toEqual(expected);
    expect(new Set(asked())).toEqual(new Set(['A ok.test', 'AAAA ok.test']));
  });

  test('are all there when they are many', async () => {
    const addresses = Array.from({ length: 25 }, (_, i) => `192.0.2.${i + 1}`);
    const { resolver } = await resolverFor(both({ addresses }, NONE));
    expect([...(await resolver.resolve('many.test'))].sort()).toEqual([...addresses].sort());
  });

  test.each([
    ['AAAA never comes', A, 'silence', '192.0.2.1'],
    ['A never comes', 'silence', AAAA, '2001:db8::1'],
    ['AAAA comes late', A, { ...AAAA, delay: 300 }, '192.0.2.1'],
  ] as const)('do not wait long when %s', async (_name, four, six, expected) => {
    const { resolver } = await resolverFor(both(four, six));
    const { value, took } = await timed(() => resolver.resolve('ok.test'));
    expect(value).toEqual([expected]);
    expect(took).toBeLessThan(250);
  });

  test('include those that come a little later than the others', async () => {
    const { resolver } = await resolverFor(both(A, { ...AAAA, delay: 15 }));
    expect(await resolver.resolve('ok.test')).toEqual(['2001:db8::1', '192.0.2.1']);
  });
});

describe('a name without addresses', () => {
  test.each<[string, Reply, string]>([
    ['does not exist', { code: 'NXDOMAIN' }, 'bad.test: queryA ENOTFOUND bad.test'],
    ['has none of either kind', NONE, 'bad.test: queryA ENODATA bad.test'],
    ['cannot be asked for', { code: 'SERVFAIL' }, 'bad.test: queryA ESERVFAIL bad.test'],
    ['is refused', { code: 'REFUSED' }, 'bad.test: queryA EREFUSED bad.test'],
  ])('that %s is dns-failed', async (_name, reply, detail) => {
    const { resolver } = await resolverFor(both(reply, reply));
    await expect(resolver.resolve('bad.test')).rejects.toMatchObject({ code: 'dns-failed', detail });
  });

  test('because nobody answers is dns-timeout at the deadline', async () => {
    const { resolver } = await resolverFor(both('silence', 'silence'));
    const { value, took } = await timed(() => resolver.resolve('mute.test').catch((error: unknown) => error));
    expect(value).toMatchObject({ code: 'dns-timeout', detail: 'mute.test', status: 504 });
    expect(took).toBeGreaterThan(TIMEOUT - 20);
    expect(took).toBeLessThan(TIMEOUT + 300);
  });

  test('because the answer comes after the deadline is dns-timeout', async () => {
    const late = { delay: 2 * TIMEOUT };
    const { resolver } = await resolverFor(both({ ...A, ...late }, { ...AAAA, ...late }));
    await expect(resolver.resolve('late.test')).rejects.toMatchObject({ code: 'dns-timeout' });
  });

  test('because no name server is there is dns-failed', async () => {
    const { resolver, server } = await resolverFor(both(A, AAAA), { servers: ['127.0.0.1:1'] });
    await expect(resolver.resolve('ok.test')).rejects.toMatchObject({ code: 'dns-failed' });
    expect(server.questions).toEqual([]);
  });

  test('is not asked for again at once, and is asked for again later', async () => {
    let reply: Reply = { code: 'SERVFAIL' };
    const { resolver, server } = await resolverFor(() => reply);
    await expect(resolver.resolve('bad.test')).rejects.toMatchObject({ code: 'dns-failed' });
    const asked = server.questions.length;
    await expect(resolver.resolve('bad.test')).rejects.toMatchObject({ code: 'dns-failed' });
    expect(server.questions.length).toBe(asked);
    reply = NONE;
    const later = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 5_001);
    await expect(resolver.resolve('bad.test')).rejects.toMatchObject({ detail: expect.stringContaining('ENODATA') });
    later.mockRestore();
  });
});

describe('an answer', () => {
  const at = async <T>(milliseconds: number, act: () => Promise<T>): Promise<T> => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + milliseconds);
    try {
      return await act();
    } finally {
      now.mockRestore();
    }
  };
  const ttls: readonly [string, number, number, number][] = [
    ['its TTL', 10, 300_000, 10_000],
    ['the limit, when its TTL is longer', 3_600, 20_000, 20_000],
  ];

  test.each(ttls)('is kept for %s', async (_name, ttl, maxTtl, life) => {
    const { resolver, server } = await resolverFor(both({ ...A, ttl }, { ...AAAA, ttl: ttl + 50 }), { maxTtl });
    await resolver.resolve('ok.test');
    expect(server.questions).toHaveLength(2);
    await at(life - 500, () => resolver.resolve('ok.test'));
    expect(server.questions).toHaveLength(2);
    await at(life + 500, () => resolver.resolve('ok.test'));
    expect(server.questions).toHaveLength(4);
  });

  test.each([
    ['whose TTL is zero', 0, 300_000],
    ['while the limit is zero', 300, 0],
  ])('%s is not kept', async (_name, ttl, maxTtl) => {
    let last = 0;
    const { resolver } = await resolverFor(
      ({ type }) => {
        if (type === 'AAAA') return NONE;
        last += 1;
        return { addresses: [`192.0.2.${last}`], ttl };
      },
      { maxTtl },
    );
    for (const expected of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
      expect(await resolver.resolve('ok.test')).toEqual([expected]);
    }
  });

  test('is recalled without asking as long as it is kept, and counted each time', async () => {
    const { resolver, server, meter } = await resolverFor(both({ ...A, ttl: 10 }, { ...AAAA, ttl: 10 }));
    expect(resolver.recall('ok.test')).toBeUndefined();
    const addresses = await resolver.resolve('ok.test');
    expect(resolver.recall('ok.test')).toEqual(addresses);
    expect(resolver.recall('ok.test')).toEqual(addresses);
    expect(await at(10_500, async () => resolver.recall('ok.test'))).toBeUndefined();
    expect(server.questions).toHaveLength(2);
    expect(meter.read()).toMatchObject({ nameHits: 2, nameMisses: 1 });
  });

  test('that there is no such name is recalled as the failure that it was', async () => {
    const { resolver } = await resolverFor(both(NONE, NONE));
    await expect(resolver.resolve('bad.test')).rejects.toMatchObject({ code: 'dns-failed' });
    expect(() => resolver.recall('bad.test')).toThrow(/bad\.test/);
  });

  test('that there is none is not kept either while the limit is zero', async () => {
    const { resolver, server } = await resolverFor(both(NONE, NONE), { maxTtl: 0 });
    await expect(resolver.resolve('bad.test')).rejects.toMatchObject({ code: 'dns-failed' });
    const asked = server.questions.length;
    await expect(resolver.resolve('bad.test')).rejects.toMatchObject({ code: 'dns-failed' });
    expect(server.questions.length).toBe(2 * asked);
  });

  test('serves all who ask at the same time, by one question of each kind', async () => {
    const { resolver, asked } = await resolverFor(both({ ...A, delay: 30 }, { ...AAAA, delay: 30 }), { maxTtl: 0 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => resolver.resolve('ok.test')));
    expect(answers).toEqual(Array.from({ length: 50 }, () => ['2001:db8::1', '192.0.2.1']));
    expect(asked()).toEqual(['A ok.test', 'AAAA ok.test']);
  });

  test('for one name does not wait for another', async () => {
    const { resolver } = await resolverFor(({ name, type }) =>
      name === 'mute.test' ? 'silence' : type === 'A' ? A : NONE,
    );
    const mute = resolver.resolve('mute.test').catch((error: unknown) => error);
    expect((await timed(() => resolver.resolve('ok.test'))).took).toBeLessThan(200);
    expect(await mute).toMatchObject({ code: 'dns-timeout' });
  });
});

describe('a name that the config answers', () => {
  const hosts = { 'OK.test.': '127.0.0.2', 'two.test': ['127.0.0.3', '::1'] };

  test.each([
    ['ok.test', ['127.0.0.2']],
    ['two.test', ['127.0.0.3', '::1']],
  ])('%s is not asked for', async (name, addresses) => {
    const { resolver, server } = await resolverFor(both(A, AAAA), { hosts });
    expect(await resolver.resolve(name)).toEqual(addresses);
    expect(server.questions).toEqual([]);
  });

  test('covers no name below it', async () => {
    const { resolver } = await resolverFor(both(A, NONE), { hosts });
    expect(await resolver.resolve('www.ok.test')).toEqual(['192.0.2.1']);
  });

  test.each(['constructor', '__proto__', 'tostring', 'hasownproperty', 'valueof'])(
    'is none because every object has %s',
    async (name) => {
      const { resolver } = await resolverFor(both(A, NONE), { hosts });
      expect(await resolver.resolve(name)).toEqual(['192.0.2.1']);
    },
  );

  test('may have a name that every object has', async () => {
    const { resolver } = await resolverFor(both(A, NONE), {
      hosts: JSON.parse('{"constructor":"127.0.0.9","__proto__":"127.0.0.8"}'),
    });
    expect(await resolver.resolve('constructor')).toEqual(['127.0.0.9']);
    expect(await resolver.resolve('__proto__')).toEqual(['127.0.0.8']);
  });

  test('comes before the hosts file of the system, and that before any question', async () => {
    const options = { servers: [], maxTtl: 0 };
    expect(await new Resolver({ ...options, hosts: { localhost: '127.0.0.9' } }, TIMEOUT).resolve('localhost')).toEqual(
      ['127.0.0.9'],
    );
    expect(await new Resolver({ ...options, hosts: {} }, TIMEOUT).resolve('localhost')).toContain('127.0.0.1');
  });
});
