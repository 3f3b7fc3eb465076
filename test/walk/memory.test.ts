// A gigabyte each way, bumped and spliced, through a proxy in a process of its own: its memory stays flat, also while one
// side does not read. MEMORY_FIGURES=1 prints the peaks.

import { readFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BulkOrigin, startBulkOrigin } from '../support/bulk-origin.ts';
import { forgetPeak, type ProxyProcess, peakOfOne, startProxyProcess } from '../support/proxy-process.ts';
import { tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const GIGABYTE = 1_000_000_000;
/** For the runs in which one side stalls: far more than all buffers on the way together. */
const STALLED_SIZE = 250_000_000;
const STALL_AT = 50_000_000;
/** Bytes that may be under way while a side does not read: what the buffers of two connections may grow to, and ours. */
const underWay = (): number => 2 * (mostOf('tcp_rmem') + mostOf('tcp_wmem')) + 4_000_000;
/** MB of resident memory that a process of the proxy may have. */
const LIMIT = 200;
const TIMEOUT = 60_000;

const HOSTS = { bump: 'bump.test', splice: 'splice.test' } as const;
const ZEROS = Buffer.alloc(1 << 18);

describe.skipIf(process.platform !== 'linux')('the memory of the proxy (skipped where there is no /proc)', () => {
  let ca: TestCa;
  let origin: BulkOrigin;
  let proxy: ProxyProcess;

  beforeAll(async () => {
    ca = new TestCa();
    origin = await startBulkOrigin(ca.leaf({ san: 'DNS:*.test,DNS:bump.test,DNS:splice.test' }));
    proxy = await startProxyProcess(
      [
        `upstream: { trust: [${ca.rootFile}], allowAddresses: [127.0.0.0/8] }`,
        'resolver: { hosts: { bump.test: 127.0.0.1, splice.test: 127.0.0.1 } }',
        'policy:',
        '  mode: enforce',
        `  connectPorts: [${origin.port}]`,
        '  rules:',
        '    - { name: bump, hosts: [bump.test], action: allow, tls: bump }',
        '    - { name: splice, hosts: [splice.test], action: allow, tls: splice }',
      ].join('\n'),
    );
  });
  afterAll(async () => {
    await proxy.stop();
    await origin.stop();
  });

  async function open(how: keyof typeof HOSTS): Promise<Line> {
    const authority = `${HOSTS[how]}:${origin.port}`;
    return { authority, tls: await tlsThrough(proxy.port, authority, { ca: how === 'bump' ? proxy.ca : ca.root }) };
  }

  /** Runs one transfer and checks what it took. */
  async function measured(name: string, transfer: () => Promise<void>): Promise<void> {
    forgetPeak(proxy.pid);
    const start = performance.now();
    await transfer();
    const peak = peakOfOne(proxy.pid);
    if (process.env['MEMORY_FIGURES']) {
      process.stderr.write(`${name}: peak ${peak} MB, ${Math.round(performance.now() - start)} ms\n`);
    }
    expect(peak).toBeLessThan(LIMIT);
  }

  describe.each(['bump', 'splice'] as const)('in a %s', (how) => {
    test('is flat while a gigabyte comes down', { timeout: TIMEOUT }, () =>
      measured(`${how} down`, async () => {
        const before = await origin.progress();
        const reply = await download(await open(how), GIGABYTE);
        let got = 0;
        for await (const chunk of reply) got += chunk.length;
        expect(got).toBe(GIGABYTE);
        await expect.poll(async () => (await origin.progress()).sent - before.sent).toBe(GIGABYTE);
      }),
    );

    test('is flat while a gigabyte goes up', { timeout: TIMEOUT }, () =>
      measured(`${how} up`, async () => {
        const before = await origin.progress();
        const up = upload(await open(how), GIGABYTE);
        expect((await up.reply).headers['x-received']).toBe(String(GIGABYTE));
        expect((await origin.progress()).received - before.received).toBe(GIGABYTE);
      }),
    );

    test('is flat while the client stops reading, and the download then completes', { timeout: TIMEOUT }, () =>
      measured(`${how} stalled down`, async () => {
        const before = await origin.progress();
        const reply = await download(await open(how), STALLED_SIZE);
        let got = 0;
        const stalled = new Promise<void>((resolve) => {
          reply.on('data', (chunk: Buffer) => {
            const was = got;
            got += chunk.length;
            if (was >= STALL_AT || got < STALL_AT) return;
            reply.pause();
            resolve();
          });
        });
        await stalled;
        const sent = (await standsStill(async () => (await origin.progress()).sent)) - before.sent;
        expect(sent - got).toBeLessThan(underWay());
        expect(peakOfOne(proxy.pid)).toBeLessThan(LIMIT);
        reply.resume();
        await new Promise((resolve) => reply.once('end', resolve));
        expect(got).toBe(STALLED_SIZE);
      }),
    );

    test('is flat while the origin stops reading, and the upload then completes', { timeout: TIMEOUT }, () =>
      measured(`${how} stalled up`, async () => {
        const before = await origin.progress();
        const up = upload(await open(how), STALLED_SIZE, { 'X-Stall-At': STALL_AT });
        await until(() => up.sent() > STALL_AT, 'the begin of the upload');
        const sent = await standsStill(async () => up.sent());
        const received = (await origin.progress()).received - before.received;
        expect(received).toBeGreaterThanOrEqual(STALL_AT);
        expect(received).toBeLessThan(STALLED_SIZE / 2);
        expect(sent - received).toBeLessThan(underWay());
        expect(peakOfOne(proxy.pid)).toBeLessThan(LIMIT);
        origin.goOn();
        expect((await up.reply).headers['x-received']).toBe(String(STALLED_SIZE));
      }),
    );
  });
});

interface Line {
  readonly tls: TLSSocket;
  readonly authority: string;
}

function begin({ tls, authority }: Line, path: string, method: string, headers: OutgoingHttpHeaders): ClientRequest {
  return request({ createConnection: () => tls, path, method, headers: { Host: authority, ...headers } });
}

async function download(line: Line, size: number): Promise<IncomingMessage> {
  const get = begin(line, `/${size}`, 'GET', {});
  get.end();
  return answered(get);
}

/** The reply, once its header is there; one that is not from the origin fails the test. */
function answered(asked: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('error', reject).once('response', (reply: IncomingMessage) => {
      if (reply.statusCode === 200) return resolve(reply);
      reject(new Error(`${reply.statusCode} ${reply.statusMessage} ${reply.headers['proxy-status']}`));
      return void reply.destroy();
    });
  });
}

interface Upload {
  readonly reply: Promise<IncomingMessage>;
  /** Bytes of the body that the system has taken. */
  sent(): number;
}

function upload(line: Line, size: number, headers: OutgoingHttpHeaders = {}): Upload {
  const put = begin(line, '/0', 'PUT', { 'Content-Length': size, ...headers });
  let sent = 0;
  let left = size;
  const more = (): void => {
    while (left > 0) {
      const part = left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS;
      left -= part.length;
      const goesOn = put.write(part, () => {
        sent += part.length;
      });
      if (!goesOn) return void put.once('drain', more);
    }
    put.end();
  };
  more();
  return { reply: answered(put), sent: () => sent };
}

/** Bytes of the largest buffer of a socket (tcp(7)). */
function mostOf(setting: 'tcp_rmem' | 'tcp_wmem'): number {
  return Number(readFileSync(`/proc/sys/net/ipv4/${setting}`, 'latin1').trim().split(/\s+/)[2]);
}

/** The value once it has been the same for half a second. */
async function standsStill(read: () => Promise<number>): Promise<number> {
  let value = await read();
  for (let same = 0; same < 5; ) {
    await wait(100);
    const next = await read();
    same = next === value ? same + 1 : 0;
    value = next;
  }
  return value;
}
