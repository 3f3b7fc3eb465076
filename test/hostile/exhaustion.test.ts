// What thousands of clients that only hold on may cost: memory, descriptors, and the time of the clients that do not.
// The proxy runs in a process of its own, and so do those clients. MEMORY_FIGURES=1 prints what was measured.

import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { descriptorsOf, forgetPeak, type ProxyProcess, peakOf, startProxyProcess } from '../support/proxy-process.ts';
import { until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { type Held, type SlowLoad, startSlowLoad } from './slow-load.ts';

const TIMEOUT = 90_000;
const isLinux = process.platform === 'linux';
/** How many descriptors a process may open; 4,000 clients and their origins take 7,400. */
const descriptors = isLinux
  ? Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  : 0;

describe.skipIf(!isLinux)('a proxy (skipped where there is no /proc)', () => {
  const ca = new TestCa();
  const pair = ca.leaf({ san: 'DNS:clean.test,DNS:bump.test,DNS:splice.test' });
  let origin: Origin;

  beforeAll(async () => {
    // No connection to it is kept: in the end, none of the descriptors shall be one that is kept with good reason.
    origin = await httpsOrigin(pair, (_request, response) => response.setHeader('Connection', 'close').end('ok'));
  });
  afterAll(() => origin.close());

  /** A proxy, warm by one clean request, and the load beside it; both end with the test. */
  async function startBoth(): Promise<{
    proxy: ProxyProcess;
    load: SlowLoad;
    base: number;
    clean: () => Promise<number>;
  }> {
    const proxy = await startProxyProcess(
      [
        `upstream: { trust: [${ca.rootFile}], allowAddresses: [127.0.0.0/8] }`,
        'resolver: { hosts: { clean.test: 127.0.0.1, bump.test: 127.0.0.1, splice.test: 127.0.0.1 } }',
        'policy:',
        '  mode: enforce',
        '  connectPorts: [1-65535]',
        '  httpPorts: [1-65535]',
        '  rules:',
        '    - { name: bump, hosts: [bump.test, clean.test], action: allow, tls: bump }',
        '    - { name: splice, hosts: [splice.test], action: allow, tls: splice }',
      ].join('\n'),
    );
    onTestFinished(() => proxy.stop());
    const load = await startSlowLoad({ pair, trust: `${proxy.ca}${ca.root}`, proxyPort: proxy.port });
    onTestFinished(() => load.stop());
    const base = descriptorsOf(proxy.pid);
    const clean = (): Promise<number> => cleanRequest(proxy, origin.port);
    await clean();
    return { proxy, load, base, clean };
  }

  /** The same process serves at once, and holds no more than before. */
  async function expectRecovery({ proxy, base, clean }: Awaited<ReturnType<typeof startBoth>>): Promise<void> {
    expect(await clean()).toBeLessThan(1_000);
    await until(
      () => descriptorsOf(proxy.pid) <= base,
      'the descriptors to be closed',
      () => `${descriptorsOf(proxy.pid)} instead of ${base}`,
    );
  }

  test.skipIf(descriptors < 10_000)(
    'DOS-01: 2,000 slow clients and 2,000 idle tunnels leave a clean client its time',
    {
      timeout: TIMEOUT,
    },
    async () => {
      const both = await startBoth();
      const { load, clean, proxy, base } = both;
      await load.crawl(2_000);
      await load.idle(2_000);
      const isHeld = ({ headers, bodies, readers, tunnels }: Held): boolean =>
        headers >= 640 && bodies >= 666 && readers >= 666 && tunnels === 2_000;
      await expect.poll(async () => isHeld(await load.tell()), { timeout: 5_000 }).toBe(true);

      let times = await timesOf(clean);
      // The best of three: what else goes on at this machine is not to be judged.
      for (let time = 1; time < 3 && percentiles(times).p99 >= 250; time += 1) times = await timesOf(clean);
      const after = await load.tell();
      tell('2,000 slow clients, 2,000 idle tunnels', {
        ...percentiles(times),
        base,
        descriptors: descriptorsOf(proxy.pid),
        ...after,
      });
      await expect.poll(async () => isHeld(await load.tell()), { timeout: 5_000 }).toBe(true);
      // The header's deadline is absolute: those who crawl through one were cut meanwhile, and came again.
      expect(after.reopened).toBeGreaterThan(100);
      expect(percentiles(times).p99).toBeLessThan(250);

      await load.drop();
      await expectRecovery(both);
    },
  );

  test('DOS-05: 200 gigabytes each way that are stalled cost little memory', { timeout: TIMEOUT }, async () => {
    const both = await startBoth();
    const { load, proxy } = both;
    forgetPeak(proxy.pid);
    const before = peakOf(proxy.pid);
    await load.stall(100);
    const { moved } = await standsStill(load);
    const cost = peakOf(proxy.pid) - before;
    const { readers, bodies } = await load.tell();
    tell('200 stalled transfers each way', { before, cost, moved, readers, bodies });
    expect({ readers, bodies }).toEqual({ readers: 200, bodies: 200 });
    expect(cost).toBeLessThan(256);

    await load.drop();
    await expectRecovery(both);
  });

  test('DOS-06: 1,000 headers held open cost at most ten times their bytes', { timeout: TIMEOUT }, async () => {
    const both = await startBoth();
    const { load, proxy } = both;
    forgetPeak(proxy.pid);
    const before = peakOf(proxy.pid);
    await load.lure(1_000, HEADER);
    await wait(300);
    const cost = peakOf(proxy.pid) - before;
    expect((await load.tell()).headers).toBe(1_000);
    tell('1,000 headers of 16 KB', { before, cost });
    expect(cost * 1024 * 1024).toBeLessThan(10 * 1_000 * HEADER);

    await load.drop();
    await expectRecovery(both);
  });
});

const CLEAN_RATE = 20;
const CLEAN_REQUESTS = 200;
const HEADER = 16_384;

/** CONNECT, the handshake inside, and a GET, on a connection of its own; milliseconds. */
function cleanRequest({ port, ca }: ProxyProcess, originPort: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const authority = `clean.test:${originPort}`;
    const tcp = connectTcp({ host: '127.0.0.1', port, noDelay: true });
    tcp.on('error', reject);
    tcp.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    tcp.once('data', (answer: Buffer) => {
      tcp.pause();
      if (!answer.toString('latin1').startsWith('HTTP/1.1 200')) return reject(new Error(`got ${answer}`));
      const inside = connectTls({ socket: tcp, servername: 'clean.test', ca });
      let reply = '';
      inside.on('error', reject).on('data', (chunk: Buffer) => {
        reply += chunk.toString('latin1');
      });
      inside.once('close', () => {
        if (!(reply.startsWith('HTTP/1.1 200 OK') && reply.endsWith('\r\n\r\nok')))
          return reject(new Error(`got ${JSON.stringify(reply)}`));
        return resolve(performance.now() - begin);
      });
      inside.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
    });
  });
}

/** Milliseconds of so many clean requests, begun at a fixed rate. */
async function timesOf(clean: () => Promise<number>): Promise<number[]> {
  const running: Promise<number>[] = [];
  for (let at = 0; at < CLEAN_REQUESTS; at += 1) {
    running.push(clean());
    await wait(1_000 / CLEAN_RATE);
  }
  return Promise.all(running);
}

function percentiles(times: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** What is held once nothing has moved for half a second. */
async function standsStill(load: SlowLoad): Promise<Held> {
  let last = await load.tell();
  for (let same = 0; same < 5; ) {
    await wait(100);
    const next = await load.tell();
    same = next.moved === last.moved ? same + 1 : 0;
    last = next;
  }
  return last;
}

function tell(name: string, figures: object): void {
  if (process.env['MEMORY_FIGURES']) process.stderr.write(`${name}: ${JSON.stringify(figures)}\n`);
}
