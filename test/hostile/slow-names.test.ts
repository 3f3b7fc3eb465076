// Name servers that are silent, late, broken or talkative, and addresses that are dead: a lookup and a dial end at their
// deadline, a failure is remembered for a while, nobody else waits for it, and what a name can cost is bounded.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Resolver } from '../../src/net/resolver.ts';
import { blackHole } from '../support/black-hole.ts';
import { type Reply, type Script, startDnsServer } from '../support/dns-server.ts';
import { httpOrigin, type Origin } from '../support/origin.ts';
import { type Rig, say, startRig, WORKERS } from '../support/rig.ts';
import { closedPort, portOf } from '../support/socket-pair.ts';

const TIMEOUT = 600;
/** For a busy machine. */
const MARGIN = 1_000;
const HERE: Reply = { addresses: ['127.0.0.1'] };

async function proxyAsking(script: Script, connectTimeout = TIMEOUT) {
  const server = await startDnsServer(script);
  const origin = await httpOrigin((_request, response) => response.end('ok'));
  const rig = await startRig({
    servers: [server.address],
    limits: { connectTimeout },
    policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
  });
  return { rig, origin, questions: server.questions };
}

/** Only A; of AAAA there is none. */
const four =
  (reply: (name: string) => Reply | 'silence'): Script =>
  ({ name, type }) => {
    const said = reply(name);
    return said === 'silence' || type === 'A' ? said : {};
  };

async function ask({ rig, origin }: { rig: Rig; origin: Pick<Origin, 'port'> }, host: string) {
  const begin = performance.now();
  const authority = `${host}:${origin.port}`;
  const reply = await say(
    rig.port,
    `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`,
  );
  return { status: Number(reply.split(' ')[1]), took: performance.now() - begin };
}

describe('DOS-08: a name server that', () => {
  test.each<[string, Reply | 'silence', number, string, number]>([
    ['is silent', 'silence', 504, 'dns-timeout', TIMEOUT],
    ['is late', { ...HERE, delay: 3 * TIMEOUT }, 504, 'dns-timeout', TIMEOUT],
    ['says SERVFAIL', { code: 'SERVFAIL' }, 503, 'dns-failed', 0],
  ])(
    '%s costs a request no more than its limit, and the next one nothing',
    async (_name, reply, status, error, wait) => {
      const proxy = await proxyAsking(four((name) => (name === 'bad.test' ? reply : HERE)));
      const first = await ask(proxy, 'bad.test');
      expect(first.status).toBe(status);
      expect(first.took).toBeGreaterThanOrEqual(wait * 0.9);
      expect(first.took).toBeLessThan(wait + MARGIN);
      const asked = proxy.questions.length;
      const second = await ask(proxy, 'bad.test');
      expect(second.status).toBe(status);
      // Each worker remembers for itself.
      expect(second.took).toBeLessThan(WORKERS === 1 ? TIMEOUT * 0.9 : wait + MARGIN);
      expect(proxy.questions.length).toBeLessThanOrEqual(asked * WORKERS);
      expect(await proxy.rig.entries(2)).toMatchObject([
        { status, outcome: 'failed', error },
        { status, outcome: 'failed', error },
      ]);
    },
  );

  test('is silent about hundreds of names holds up no other name', async () => {
    const proxy = await proxyAsking(
      four((name) => (name.startsWith('mute') ? 'silence' : HERE)),
      3_000,
    );
    const mute = Promise.all(Array.from({ length: 300 }, (_, at) => ask(proxy, `mute${at}.test`)));
    const good = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(proxy, `good${at}.test`)));
    expect(good.map(({ status }) => status)).toEqual(good.map(() => 200));
    // Before the first of the silent ones has come to its end.
    const first = await Promise.race([mute.then(() => 'silent'), ask(proxy, 'good.test').then(() => 'good')]);
    expect(first).toBe('good');
    const failed = await mute;
    expect(new Set(failed.map(({ status }) => status))).toEqual(new Set([504]));
    expect(Math.max(...failed.map(({ took }) => took))).toBeLessThan(3_000 + 2 * MARGIN);
  });
});

describe('DOS-08: an answer', () => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `127.1.${at >> 8}.${at & 255}`);

  test.each<[string, Reply]>([
    ['of a thousand addresses', { addresses: many(1_000) }],
    ['of 64 KB, with 36 KB of nonsense behind it', { addresses: many(4_000), excess: 36_000 }],
  ])('%s gives as many addresses as anybody would try, and is asked for once', async (_name, reply) => {
    const server = await startDnsServer(four(() => reply));
    const resolver = new Resolver({ servers: [server.address], hosts: {}, maxTtl: 300_000 }, TIMEOUT);
    const addresses = await resolver.resolve('many.test');
    expect(addresses).toHaveLength(64);
    expect(addresses.filter((address) => !reply.addresses?.includes(address))).toEqual([]);
    const asked = server.questions.length;
    expect(await resolver.resolve('many.test')).toEqual(addresses);
    expect(server.questions.length).toBe(asked);
  });

  test('that is too long does not spoil the next one', async () => {
    const server = await startDnsServer(
      four((name) => (name === 'many.test' ? { addresses: many(4_000), excess: 36_000 } : HERE)),
    );
    const resolver = new Resolver({ servers: [server.address], hosts: {}, maxTtl: 300_000 }, TIMEOUT);
    await resolver.resolve('many.test');
    expect(await resolver.resolve('good.test')).toEqual(['127.0.0.1']);
  });
});

describe('REL-10: an origin', () => {
  /** A proxy for which a name has these addresses; what one GET gets from it, and its log line. */
  async function through(addresses: readonly string[], port: number, connectTimeout = 5_000) {
    const server = await startDnsServer(({ type }) => ({
      addresses: addresses.filter((address) => address.includes(':') === (type === 'AAAA')),
    }));
    const rig = await startRig({
      servers: [server.address],
      policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
      allowAddresses: ['127.0.0.0/8', '::1/128'],
      limits: { connectTimeout },
    });
    const { status, took } = await ask({ rig, origin: { port } }, 'some.test');
    return { status, took, entry: (await rig.entries(1))[0] };
  }

  async function listenAt(address: string, port: number): Promise<number> {
    const server = createServer((_request, response) => response.end('ok'));
    server.listen(port, address);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return portOf(server);
  }

  test('that is down is 503 at once', async () => {
    const { status, took, entry } = await through(['127.0.0.7'], await closedPort());
    expect({ status, entry }).toMatchObject({ status: 503, entry: { error: 'connect-failed', peer: '127.0.0.7' } });
    expect(took).toBeLessThan(MARGIN);
  });

  test('that swallows everything is 504 at the limit', async () => {
    const { status, took, entry } = await through(['127.0.0.7'], await blackHole('127.0.0.7'), TIMEOUT);
    expect({ status, entry }).toMatchObject({ status: 504, entry: { error: 'connect-timeout', peer: '127.0.0.7' } });
    expect(took).toBeGreaterThanOrEqual(TIMEOUT);
    expect(took).toBeLessThan(TIMEOUT + MARGIN);
  });

  test('of which the first address swallows everything is reached at the second after a quarter of a second', async () => {
    const port = await blackHole('127.0.0.7');
    await listenAt('127.0.0.8', port);
    const { status, took, entry } = await through(['127.0.0.7', '127.0.0.8'], port);
    expect({ status, entry }).toMatchObject({ status: 200, entry: { outcome: 'forwarded', peer: '127.0.0.8' } });
    expect(took).toBeGreaterThan(240);
    expect(took).toBeLessThan(300 + MARGIN / 2);
  });

  test('of which the IPv6 address is down is reached by IPv4 at once', async () => {
    const port = await listenAt('127.0.0.8', 0);
    const { status, entry } = await through(['::1', '127.0.0.8'], port);
    expect({ status, entry }).toMatchObject({ status: 200, entry: { outcome: 'forwarded', peer: '127.0.0.8' } });
    // Before the second address would be tried beside the first.
    expect(entry).toMatchObject({ timings: { connect_ms: expect.toSatisfy((time: number) => time < 240) } });
  });
});
