// Floods of HTTP/2, each by a client that comes again as often as it is closed: all the while another client is answered, on
// a connection that it had before and on new ones. h2.test.ts has how each of them ends, and what it may hold.

import { rmSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, h2Origin, h2Through } from '../support/h2.ts';
import {
  END_HEADERS,
  END_STREAM,
  fields,
  frame,
  RawH2,
  requestFields,
  setting,
  TYPE,
  uint32,
} from '../support/h2-frames.ts';
import type { Origin } from '../support/origin.ts';
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts';
import { until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

/** What a client may take is its own: the other one is to have its own share. */
const OTHER = '127.0.0.2';
/** Its requests on the connection that it has, and on a new one each. */
const KEPT = 10;
const NEW = 3;
/** Milliseconds for all of it, on a machine that runs other tests as well. */
const LIMIT = 60_000;

const ca = new TestCa();
let origin: Origin;
let authority: string;
let proxy: ProxyProcess;

beforeAll(async () => {
  origin = await h2Origin(
    ca.leaf({ san: 'DNS:ok.test' }),
    (stream, headers) => {
      stream.on('data', () => undefined).respond();
      if (headers[':path'] === '/large') stream.end(Buffer.alloc(1 << 20));
      else if (headers[':path'] !== '/slow') stream.end('ok');
    },
    { maxSessionMemory: 200 },
  );
  authority = `ok.test:${origin.port}`;
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
afterAll(async () => {
  await proxy.stop();
  await origin.close();
  rmSync(ca.folder, { recursive: true });
});

/** What the flooder does on one connection, until it is closed or told to stop. */
type Flood = (raw: RawH2, goesOn: () => boolean) => Promise<void>;

const get = (path = '/'): Buffer => fields(requestFields(authority, [], 'GET', path));
const many = (one: Uint8Array, count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => one));

const headers = (id: number, block: Uint8Array, flags = END_STREAM | END_HEADERS): Buffer =>
  frame(TYPE.headers, flags, id, block);

/** The same again and again, behind a beginning. */
function pouring(bytes: Uint8Array, begin: Uint8Array = headers(1, get())): Flood {
  return async (raw, goesOn) => {
    raw.send(begin);
    while (goesOn()) {
      await raw.flood(bytes, bytes.length);
      await turn();
    }
  };
}

/** One stream after the other. */
function opening(bytesOf: (id: number) => Uint8Array): Flood {
  return async (raw, goesOn) => {
    for (let first = 1; goesOn(); first += 100) {
      const bytes = Buffer.concat(Array.from({ length: 50 }, (_, at) => bytesOf(first + 2 * at)));
      await raw.flood(bytes, bytes.length);
      await turn();
    }
  };
}

/** Once for each connection, which stays until it is closed. */
function sending(bytes: Uint8Array): Flood {
  return async (raw, goesOn) => {
    raw.send(bytes);
    await until(
      () => !goesOn(),
      'the end',
      () => `${raw.came.length} frames`,
      LIMIT,
    );
  };
}

/** Put into the dynamic table once, then named 10,000 times by one byte each. */
const bomb = (): Buffer =>
  Buffer.concat([get(), fields([['x-bomb', 'b'.repeat(3_900)]], 0x40), Buffer.alloc(10_000, 0xbe)]);
const connectHead = (): Buffer =>
  fields([
    [':method', 'CONNECT'],
    [':authority', authority],
  ]);
const posted = (): Buffer => fields(requestFields(authority, [], 'POST', '/slow'));

// Made in the test, since they name the port of the origin.
const FLOODS: readonly [name: string, flood: () => Flood, settings?: Uint8Array][] = [
  [
    'H2-02: streams that are reset as fast as they are opened',
    () => opening((id) => Buffer.concat([headers(id, get('/slow')), frame(TYPE.reset, 0, id, uint32(8))])),
  ],
  [
    'H2-02: streams that we have to reset',
    () => opening((id) => Buffer.concat([headers(id, get('/slow')), frame(TYPE.window, 0, id, uint32(0))])),
  ],
  ['H2-03: PING', () => pouring(many(frame(TYPE.ping, 0, 0, Buffer.alloc(8)), 2_000))],
  ['H2-03: SETTINGS', () => pouring(many(frame(TYPE.settings, 0, 0, setting(4, 65_535)), 2_000))],
  ['H2-03: PRIORITY', () => pouring(many(frame(TYPE.priority, 0, 1, Buffer.alloc(5)), 4_000))],
  ['H2-03: WINDOW_UPDATE', () => pouring(many(frame(TYPE.window, 0, 0, uint32(1)), 4_000))],
  ['H2-03: frames that nobody knows', () => pouring(many(frame(0x42, 0, 0, Buffer.alloc(1_000)), 60))],
  ['H2-03: empty DATA', () => pouring(many(frame(TYPE.data, 0, 1), 1_000), headers(1, posted(), END_HEADERS))],
  [
    'H2-03: CONTINUATION',
    () =>
      pouring(many(frame(TYPE.more, 0, 1, fields([['x-a', 'a'.repeat(1_000)]])), 16), headers(1, get(), END_STREAM)),
  ],
  ['H2-03: heads that are large in memory', () => opening((id) => headers(id, bomb()))],
  ['H2-04: connections that begin with a head that cannot be read', () => sending(headers(1, Buffer.alloc(5, 0xff)))],
  ['H2-04: connections whose window overflows', () => sending(frame(TYPE.window, 0, 0, uint32(0x7fffffff)))],
  [
    'H2-05: a hundred large answers, of which nothing is taken',
    () => sending(Buffer.concat(Array.from({ length: 100 }, (_, at) => headers(2 * at + 1, get('/large'))))),
    setting(4, 0),
  ],
  ['H2-06: CONNECT within the tunnel', () => opening((id) => headers(id, connectHead(), END_HEADERS))],
  ['H2-06: more streams than there may be', () => opening((id) => headers(id, get('/slow')))],
];

test.each(FLOODS)(
  '%s: another client is answered all the while',
  async (_, flood, settings) => {
    const before = proxy.lines().length;
    const other = await h2Through(proxy, authority, { localAddress: OTHER });
    let over = false;
    const begun = Promise.withResolvers<void>();
    const flooding = (async () => {
      while (!over) {
        const raw = await RawH2.through(proxy, authority, settings);
        const poured = flood()(raw, () => !over && !raw.closed);
        begun.resolve();
        await poured;
        raw.socket.destroy();
      }
    })();
    flooding.catch(begun.reject);
    await begun.promise;

    const bodies: string[] = [];
    for (let at = 0; at < KEPT; at += 1) bodies.push((await ask(other, { ':path': '/kept' })).body.toString());
    for (let at = 0; at < NEW; at += 1) {
      const session = await h2Through(proxy, authority, { localAddress: OTHER });
      bodies.push((await ask(session, { ':path': '/new' })).body.toString());
      session.destroy();
    }
    over = true;
    await flooding;
    other.destroy();
    expect(bodies).toEqual(Array.from({ length: KEPT + NEW }, () => 'ok'));

    const others = (): string[] =>
      proxy
        .lines()
        .slice(before)
        .filter((line) => line.includes(` ${OTHER} `) && line.includes(' GET '));
    await until(
      () => others().length >= KEPT + NEW,
      'its lines',
      () => others().join('\n'),
    );
    expect(others().filter((line) => !line.includes(` ${OTHER} TCP_MISS/200 `))).toEqual([]);
    expect(others()).toHaveLength(KEPT + NEW);
  },
  LIMIT,
);
