// Clients of HTTP/2 that ask for much and take nothing: what is held for them has a bound, others are served at once, and
// who reads, however slowly, has all of it. H2_FIGURES=1 prints the peaks.

import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, h2Origin, h2Through } from '../support/h2.ts';
import { END_STREAM, fields, frame, RawH2, requestFields, setting, TYPE, uint32 } from '../support/h2-frames.ts';
import type { Origin } from '../support/origin.ts';
import { forgetPeak, type ProxyProcess, peakOfOne, startProxyProcess } from '../support/proxy-process.ts';
import { startRig, until, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const LARGE = Buffer.alloc(1 << 20);
const STREAMS = 100;
const CONNECTIONS = 30;
/** What they could have held in MB: 64 KB of a reply here, and the window of its origin. */
const UNBOUNDED = (STREAMS * CONNECTIONS * (65_536 + 262_144)) >> 20;
/** MB of resident memory that a process of the proxy may have: 110 of its own, 200 that wait, and what V8 has not collected yet. */
const LIMIT = 600;
const ENHANCE_YOUR_CALM = 11;

const ca = new TestCa();
let origin: Origin;
let authority: string;

beforeAll(async () => {
  origin = await h2Origin(
    ca.leaf({ san: 'DNS:ok.test' }),
    (stream, headers) => {
      if (headers[':path'] === '/small') {
        stream.respond();
        stream.end('ok');
        return;
      }
      stream.respond(headers[':path'] === '/counted' ? { 'content-length': LARGE.length } : {});
      stream.end(LARGE);
    },
    { maxSessionMemory: 1_000 },
  );
  authority = `ok.test:${origin.port}`;
});
afterAll(async () => {
  await origin.close();
  rmSync(ca.folder, { recursive: true });
});

const get = (path: string): Buffer => fields(requestFields(authority, [], 'GET', path));

/** One connection whose streams all ask, and whose window never opens. */
async function starve(proxy: Pick<ProxyProcess, 'port' | 'ca'>, streams = STREAMS): Promise<RawH2> {
  const raw = await RawH2.through(proxy, authority, setting(4, 0));
  for (let at = 0; at < streams; at += 1) raw.request(2 * at + 1, get(at % 2 === 0 ? '/counted' : '/open'));
  return raw;
}

const resets = (all: readonly RawH2[]): number => all.reduce((sum, { came }) => sum + came.filter(isReset).length, 0);
const isReset = ({ type }: { readonly type: number }): boolean => type === TYPE.reset;

// A worker bounds what is its own, and which one has a connection is the system's choice.
test.skipIf(WORKERS > 1)(
  'H2-05: what is given up is reset by ENHANCE_YOUR_CALM, never ended, and the line says why',
  async () => {
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
    });
    const all = [await starve(rig), await starve(rig)];
    await until(
      () => resets(all) > 70,
      'the resets',
      () => String(resets(all)),
      15_000,
    );
    const codes = all.flatMap(({ came }) => came.filter(isReset).map(({ payload }) => payload.readUInt32BE()));
    expect(new Set(codes)).toEqual(new Set([ENHANCE_YOUR_CALM]));
    const ends = all.flatMap(({ came }) => came.filter(({ flags, type }) => type <= 1 && (flags & END_STREAM) !== 0));
    expect(ends).toEqual([]);
    const entries = await rig.entries(codes.length + 2);
    const cut = entries.filter(({ error }) => error === 'client-limit');
    // More may have been cut since.
    expect(cut.length).toBeGreaterThanOrEqual(codes.length);
    expect(cut[0]).toMatchObject({
      ...{ outcome: 'aborted', tag: 'TCP_MISS_ABORTED', status: 200 },
      error_detail: 'Too much waits for it on streams of which it takes nothing.',
    });
    // Their origin's connections carry others as before, and have not flooded us by what was not read.
    const session = await h2Through(rig, authority, { maxSessionMemory: 1_000 });
    const rest = await Promise.all(Array.from({ length: 60 }, () => ask(session, { ':path': '/open' })));
    expect(rest.filter(({ code, body }) => code !== 0 || body.length !== LARGE.length)).toEqual([]);
    // A share of them may wait for as long as a body may.
    expect(codes.length).toBeLessThan(120);
    for (const raw of all) raw.socket.destroy();
  },
  30_000,
);

describe.skipIf(process.platform !== 'linux')('a proxy in a process of its own (skipped without /proc)', () => {
  let proxy: ProxyProcess;

  beforeAll(async () => {
    proxy = await startProxyProcess(
      [
        `upstream: { trust: [${ca.rootFile}], allowAddresses: [127.0.0.0/8] }`,
        'resolver: { hosts: { ok.test: 127.0.0.1 } }',
        'policy:',
        '  mode: enforce',
        `  connectPorts: [${origin.port}]`,
        '  rules: [{ name: ok, hosts: [ok.test], action: allow }]',
      ].join('\n'),
    );
  });
  afterAll(() => proxy.stop());

  function report(name: string): void {
    if (process.env['H2_FIGURES']) process.stderr.write(`${name}: peak ${peakOfOne(proxy.pid)} MB\n`);
  }

  test('H2-05: a client of many streams that reads has all of them', async () => {
    const before = proxy.lines().length;
    forgetPeak(proxy.pid);
    const sessions = await Promise.all(
      Array.from({ length: 3 }, () => h2Through(proxy, authority, { maxSessionMemory: 1_000 })),
    );
    const replies = await Promise.all(
      sessions.flatMap((session) =>
        Array.from({ length: STREAMS }, async () => {
          const { code, body } = await ask(session, { ':path': '/open' });
          return [code, body.length];
        }),
      ),
    );
    report('read');
    expect(replies.filter(([code, length]) => code !== 0 || length !== LARGE.length)).toEqual([]);
    await until(() => proxy.lines().length >= before + 303, 'the lines');
    expect(
      proxy
        .lines()
        .slice(before)
        .filter((line) => line.includes('ABORTED')),
    ).toEqual([]);
  }, 90_000);

  test('H2-05: holds a bounded part of what thousands of streams ask for and do not take', async () => {
    expect(UNBOUNDED).toBeGreaterThan(1.5 * LIMIT);
    const slow = await RawH2.through(proxy, authority);
    slow.request(1, get('/counted'));
    // 640 KB a second; the window of its connection is large enough from the beginning.
    slow.send(frame(TYPE.window, 0, 0, uint32(LARGE.length)));
    const reading = setInterval(() => slow.send(frame(TYPE.window, 0, 1, uint32(65_536))), 100);
    onTestFinished(() => clearInterval(reading));
    forgetPeak(proxy.pid);
    const all: RawH2[] = [];
    for (let at = 0; at < CONNECTIONS; at += 1) all.push(await starve(proxy));
    const begin = performance.now();
    const other = await h2Through(proxy, authority, { localAddress: '127.0.0.2' });
    expect((await ask(other, { ':path': '/small' })).body.toString()).toBe('ok');
    expect(performance.now() - begin).toBeLessThan(1_000);
    await until(
      () => resets(all) > STREAMS * CONNECTIONS - 400,
      'the resets',
      () => String(resets(all)),
      30_000,
    );
    report('starved');
    expect(peakOfOne(proxy.pid)).toBeLessThan(LIMIT);
    const isWhole = (): boolean => slow.of(TYPE.data, 1).some(({ flags }) => (flags & END_STREAM) !== 0);
    await until(() => isWhole() || slow.resetOf(1) !== undefined, 'the end of the slow one');
    expect(slow.resetOf(1)).toBeUndefined();
    expect(slow.of(TYPE.data, 1).reduce((sum, { payload }) => sum + payload.length, 0)).toBe(LARGE.length);
    for (const raw of all) raw.socket.destroy();
    await until(
      () => proxy.lines().length >= STREAMS * CONNECTIONS,
      'the lines of all',
      () => '',
      20_000,
    );
  }, 90_000);
});
