// Names and addresses: every spelling in every place where a host can stand, and every way to an address that must not
// be dialled. Recorders on loopback show what was reached; nothing here leaves it.

import { createHook } from 'node:async_hooks';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { leadsTo } from '../../src/net/listener.ts';
import { AddressGuard } from '../../src/policy/address-guard.ts';
import { extension, hello, hostNames } from '../support/client-hello.ts';
import { startDnsServer } from '../support/dns-server.ts';
import {
  connectThrough,
  dialProxy,
  get,
  openRig,
  type Rig,
  readAll,
  readUntil,
  say,
  startRig,
  until,
  WORKERS,
} from '../support/rig.ts';
import { readReplies } from './read-messages.ts';
import { type Recorder, record } from './recorder.ts';
import { FORBIDDEN_ADDRESSES } from './tables/addresses.ts';
import { PATHS, PORTS, SPELLINGS, type Taken } from './tables/names.ts';

/** TCP connections begun in this process, ours to the proxy among them. */
let dials = 0;
/** Dials of other processes are not seen from here; what they say of them is. */
const COUNTS = WORKERS === 1;
const watch = createHook({
  init: (_id, type) => {
    if (type === 'TCPCONNECTWRAP') dials += 1;
  },
});
beforeAll(() => void watch.enable());
afterAll(() => void watch.disable());

const statusOf = (reply: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(reply)?.[1]);
const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

describe('a spelling of a host', () => {
  let origin: Recorder;
  /** Where the spellings of loopback lead; nobody may ever come. */
  let trap: Recorder;
  let rig: Rig;
  /** Allows whatever is a name or an address, so that only the address itself stands between. */
  let open: Rig;

  beforeAll(async () => {
    origin = await record('127.0.0.2');
    trap = await record('127.0.0.1');
    const hosts = { 'ok.test': '127.0.0.2', 'x.wild.test': '127.0.0.2', 'a.b.wild.test': '127.0.0.2' };
    const policy = {
      tls: 'splice',
      rules: [{ name: 'ok', hosts: ['ok.test', '*.wild.test'], action: 'allow', tls: 'splice' }],
    } as const;
    rig = await openRig({ hosts, policy, allowAddresses: ['127.0.0.2'], limits: { handshakeTimeout: 2_000 } });
    open = await openRig({
      hosts: { ...hosts, localhost: '127.0.0.1' },
      policy: { default: 'allow', tls: 'splice' },
      allowAddresses: ['127.0.0.2'],
      servers: ['127.0.0.1:9'],
      limits: { connectTimeout: 300 },
    });
  });
  afterAll(async () => {
    await Promise.all([rig.proxy.close(0), open.proxy.close(0), origin.close(), trap.close()]);
  });

  const right = (expected: Taken): readonly number[] =>
    ({ same: [200], allow: [200], deny: [403], bad: [400], refuse: [400, 403] })[expected];

  const inUrl = (port: number, host: string) =>
    say(
      port,
      utf8(`GET http://${host}:${origin.port}/ HTTP/1.1\r\nHost: ${host}:${origin.port}\r\nConnection: close\r\n\r\n`),
    );
  const inConnect = async (port: number, host: string): Promise<string> => {
    const socket = await dialProxy(port);
    socket.write(utf8(`CONNECT ${host}:${origin.port} HTTP/1.1\r\nHost: ${host}:${origin.port}\r\n\r\n`));
    const head = await readUntil(socket, '\r\n\r\n');
    socket.destroy();
    return head;
  };

  test.each(SPELLINGS)('$id: $name in the URL is taken for $expected', async ({ input, expected }) => {
    origin.forget();
    expect(right(expected)).toContain(statusOf(await inUrl(rig.port, input)));
    const reached = expected === 'same' || expected === 'allow';
    expect(origin.bytes() !== '').toBe(reached);
    if (reached)
      expect(origin.bytes()).toContain(`\r\nhost: ${input.toLowerCase().replace(/\.$/, '')}:${origin.port}\r\n`);
  });

  test.each(SPELLINGS)('$id: $name in CONNECT is taken for $expected', async ({ input, expected }) => {
    expect(right(expected)).toContain(statusOf(await inConnect(rig.port, input)));
  });

  test.each(SPELLINGS)('$id: $name in Host is ok.test or refused', async ({ input, expected }) => {
    origin.forget();
    const url = `http://ok.test:${origin.port}/`;
    const reply = await say(
      rig.port,
      utf8(`GET ${url} HTTP/1.1\r\nHost: ${input}:${origin.port}\r\nConnection: close\r\n\r\n`),
    );
    expect(statusOf(reply)).toBe(expected === 'same' ? 200 : 400);
    expect(origin.bytes() !== '').toBe(expected === 'same');
  });

  test.each(SPELLINGS)(
    '$id: $name as the server name is ok.test or nothing is passed on',
    async ({ input, expected }) => {
      origin.forget();
      const { socket } = await connectThrough(rig.port, `ok.test:${origin.port}`);
      const bytes = Buffer.from(hello({ extensions: [extension(0, hostNames(utf8(input)))] }));
      const before = (await rig.entries(0)).length;
      socket.end(bytes);
      await readAll(socket);
      const entry = (await rig.entries(before + 1)).at(-1);
      expect(entry?.['outcome']).toBe(expected === 'same' ? 'spliced' : 'terminated');
      expect(origin.bytes()).toBe(expected === 'same' ? bytes.toString('latin1') : '');
    },
  );

  test.each(SPELLINGS.filter(({ id }) => id === 'SSRF-01'))(
    '$id: $name leads nowhere even where every name is allowed',
    async ({ input, expected }) => {
      const before = dials;
      expect(right(expected)).toContain(statusOf(await inUrl(open.port, input)));
      expect(right(expected)).toContain(statusOf(await inConnect(open.port, input)));
      expect(dials).toBe(before + 2);
      expect(trap.accepted).toBe(0);
    },
  );

  test.each(PORTS)('$id: the port $name is none', async ({ input }) => {
    const before = dials;
    const replies = [
      await say(rig.port, utf8(`GET http://ok.test:${input}/ HTTP/1.1\r\nHost: ok.test\r\n\r\n`)),
      await say(rig.port, utf8(`CONNECT ok.test:${input} HTTP/1.1\r\nHost: ok.test\r\n\r\n`)),
      await say(rig.port, utf8(`GET http://ok.test:443/ HTTP/1.1\r\nHost: ok.test:${input}\r\n\r\n`)),
    ];
    expect(replies.map(statusOf)).toEqual([400, 400, 400]);
    if (COUNTS) expect(dials - before).toBe(3);
  });

  test('NAME-07: CONNECT without a port is malformed', async () => {
    expect(statusOf(await say(rig.port, 'CONNECT ok.test HTTP/1.1\r\nHost: ok.test\r\n\r\n'))).toBe(400);
  });

  test('NAME-01: the default port spelled out is the default port', async () => {
    for (const [url, host] of [
      ['http://no.test:80/', 'no.test'],
      ['http://no.test/', 'no.test:80'],
    ]) {
      expect(statusOf(await say(rig.port, `GET ${url} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`))).toBe(
        403,
      );
    }
    // Lines of other tests may still be on their way.
    let urls: unknown[] = [];
    const look = async (): Promise<void> => {
      urls = (await rig.entries(0)).map(({ url }) => url).filter((url) => String(url).includes('no.test'));
    };
    for (await look(); urls.length < 2; await look()) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(urls).toEqual(['http://no.test/', 'http://no.test/']);
  });

  test('there are enough of them', () => {
    expect(SPELLINGS.length).toBeGreaterThanOrEqual(70);
    expect(SPELLINGS.filter(({ id }) => id === 'SSRF-01').length).toBeGreaterThanOrEqual(18);
  });
});

describe('a path', () => {
  let origin: Recorder;
  let rig: Rig;
  beforeAll(async () => {
    origin = await record('127.0.0.2');
    rig = await openRig({
      hosts: { 'ok.test': '127.0.0.2' },
      policy: { rules: [{ name: 'api', urls: [`http://ok.test:${origin.port}/api/**`], action: 'allow' }] },
    });
  });
  afterAll(async () => {
    await Promise.all([rig.proxy.close(0), origin.close()]);
  });

  test.each(PATHS)('$id: $name is taken for $expected', async ({ input, expected }) => {
    origin.forget();
    const authority = `ok.test:${origin.port}`;
    const request = `GET http://${authority}${input} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`;
    const status = statusOf(await say(rig.port, Buffer.from(request, 'latin1')));
    expect(status).toBe(expected === 'deny' ? 403 : expected === 'bad' ? 400 : 200);
    expect(origin.requests().map(({ line }) => line)).toEqual(status === 200 ? [`GET ${expected} HTTP/1.1`] : []);
  });
});

describe('an address that must not be dialled', () => {
  test('there are at least 40, and the guard refuses each and lets global ones pass', () => {
    const guard = new AddressGuard({ allowAddresses: [] });
    const plain = FORBIDDEN_ADDRESSES.map(({ input }) => input.replace(/[[\]]/g, ''));
    expect(plain.length).toBeGreaterThanOrEqual(40);
    expect(plain.filter((address) => guard.check(address, 80).ok)).toEqual([]);
    const good = [
      '8.8.8.8',
      '1.1.1.1',
      '172.32.0.1',
      '100.128.0.1',
      '192.0.3.1',
      '198.20.0.1',
      '2606:4700::1111',
      '2a00::1',
    ];
    expect(good.filter((address) => !guard.check(address, 80).ok)).toEqual([]);
  });

  const names = FORBIDDEN_ADDRESSES.map(({ input }, at) => ({
    name: `n${at}.test`,
    address: input.replace(/[[\]]/g, ''),
  }));

  test.each(['literally', 'by the hosts map', 'by DNS'])('SSRF-02/03: is not, asked for %s', async (how) => {
    const server = await startDnsServer(({ name, type }) => {
      const address = names.find((one) => one.name === name)?.address ?? '';
      const fits = address.includes(':') === (type === 'AAAA') && !address.includes('.') === (type === 'AAAA');
      return { addresses: fits ? [address] : [] };
    });
    const rig = await startRig({
      policy: { default: 'allow' },
      allowAddresses: [],
      servers: [server.address],
      hosts: how === 'by the hosts map' ? Object.fromEntries(names.map(({ name, address }) => [name, address])) : {},
    });
    const wrong: string[] = [];
    let asked = 0;
    const before = dials;
    for (const [at, { input }] of FORBIDDEN_ADDRESSES.entries()) {
      const host = how === 'literally' ? input : (names[at]?.name ?? '');
      // The small DNS server does not write IPv6 with an IPv4 tail.
      if (how === 'by DNS' && /:.*\./.test(input)) continue;
      const plain = await say(rig.port, `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const tunnel = await say(rig.port, `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`);
      if (statusOf(plain) !== 403 || statusOf(tunnel) !== 403)
        wrong.push(`${input}: ${statusOf(plain)} ${statusOf(tunnel)}`);
      asked += 2;
    }
    expect(wrong).toEqual([]);
    expect(dials - before).toBe(asked);
    const entries = await rig.entries(asked);
    expect(
      entries.filter((entry) => entry['error'] !== 'address-forbidden' || entry['hierarchy'] !== 'HIER_NONE'),
    ).toEqual([]);
  });

  test('SSRF-04: among good ones is left out; when there are no others nothing is dialled', async () => {
    const origin = await record('127.0.0.2');
    onTestFinished(() => origin.close());
    const server = await startDnsServer(({ name, type }) => {
      if (type === 'AAAA') return { addresses: name === 'mixed.test' ? ['fd00::1', '::1'] : ['fe80::1'] };
      return {
        addresses:
          name === 'mixed.test'
            ? ['10.0.0.1', '169.254.169.254', '127.0.0.2', '127.0.0.66']
            : ['10.0.0.1', '127.0.0.66'],
      };
    });
    const rig = await startRig({
      policy: { default: 'allow' },
      allowAddresses: ['127.0.0.2'],
      servers: [server.address],
    });
    const ask = async (host: string) =>
      get(await dialProxy(rig.port), `${host}:${origin.port}`, `http://${host}:${origin.port}/`);
    const before = dials;
    expect(statusOf(await ask('mixed.test'))).toBe(200);
    if (COUNTS) expect(dials - before).toBe(2);
    expect(statusOf(await ask('inside.test'))).toBe(403);
    if (COUNTS) expect(dials - before).toBe(3);
    expect((await rig.entries(2)).map((entry) => entry['peer'])).toEqual(['127.0.0.2', undefined]);
  });

  test('SSRF-05: is not reached by rebinding in 1,000 tries, with one lookup for each connection', async () => {
    const origin = await record('127.0.0.2');
    onTestFinished(() => origin.close());
    origin.answer = (_request, socket) =>
      void socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    const asked = new Map<string, number>();
    const server = await startDnsServer(({ name, type }) => {
      if (type === 'AAAA') return {};
      const turn = (asked.get(name) ?? 0) + 1;
      asked.set(name, turn);
      return { addresses: [turn === 1 ? '127.0.0.2' : '127.0.0.66'], ttl: 0 };
    });
    const rig = await startRig({
      policy: { default: 'allow' },
      allowAddresses: ['127.0.0.2'],
      servers: [server.address],
    });
    const before = dials;
    const statuses: number[][] = await Promise.all(
      Array.from({ length: 4 }, async (_, lane) => {
        const socket = await dialProxy(rig.port);
        let got = '';
        socket.on('data', (chunk: Buffer) => {
          got += chunk.toString('latin1');
        });
        const seen: number[] = [];
        for (let i = 0; i < 250; i += 1) {
          const host = `r${lane * 250 + i}.test:${origin.port}`;
          for (let turn = 0; turn < 2; turn += 1) {
            got = '';
            socket.write(`GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
            while (readReplies(got, [], false).messages.length === 0) await once(socket, 'data');
            seen.push(statusOf(got));
          }
        }
        socket.destroy();
        return seen;
      }),
    );
    expect(statuses.flat()).toEqual(Array.from({ length: 2_000 }, (_, at) => (at % 2 === 0 ? 200 : 403)));
    if (COUNTS) expect(dials - before).toBe(4 + 1_000);
    expect([...asked.values()].filter((count) => count !== 2)).toEqual([]);
    expect(asked.size).toBe(1_000);
    expect(origin.accepted).toBe(1_000);
  });

  test('SSRF-05: a bumped tunnel dials what was looked up for its CONNECT', async () => {
    const server = await startDnsServer(({ type }) => (type === 'AAAA' ? {} : { addresses: ['127.0.0.2'], ttl: 0 }));
    const origin = await record('127.0.0.2');
    onTestFinished(() => origin.close());
    const rig = await startRig({
      policy: { default: 'allow' },
      allowAddresses: ['127.0.0.2'],
      servers: [server.address],
    });
    const { socket } = await connectThrough(rig.port, `once.test:${origin.port}`);
    socket.write(hello({ extensions: [extension(0, hostNames('once.test'))] }));
    await until(() => origin.accepted === 1, 'the dial');
    expect(server.questions.filter(({ type }) => type === 'A')).toHaveLength(1);
    socket.destroy();
  });

  test('SSRF-06: is any at which the proxy itself listens', async () => {
    const rig = await startRig({
      policy: { default: 'allow' },
      hosts: { 'self.test': '127.0.0.1' },
      allowAddresses: ['0.0.0.0/0', '::/0'],
    });
    const before = dials;
    const hosts = ['127.0.0.1', 'localhost', 'self.test', '[::ffff:127.0.0.1]'];
    for (const host of hosts) {
      const authority = `${host}:${rig.port}`;
      const plain = await say(
        rig.port,
        `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`,
      );
      const tunnel = await say(rig.port, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
      expect([host, statusOf(plain), statusOf(tunnel)]).toEqual([host, 403, 403]);
      expect(plain).toMatch(/loop: \S+ port \d+ is this proxy itself/);
    }
    expect(dials - before).toBe(2 * hosts.length);
    // What listens everywhere is met at every address of the machine.
    const local = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
    expect(local.length).toBeGreaterThan(0);
    expect(local.filter((address) => !leadsTo([{ address: '0.0.0.0', port: 3128 }], address, 3128))).toEqual([]);
  });

  test('SSRF-07: nor is a port that no list names', async () => {
    const rig = await startRig({
      policy: { default: 'allow', connectPorts: [443], httpPorts: [80, 443, '1025-65535'] },
    });
    const before = dials;
    for (const port of [22, 25, 80, 6379, 3128, 9090]) {
      expect(statusOf(await say(rig.port, `CONNECT ok.test:${port} HTTP/1.1\r\nHost: ok.test:${port}\r\n\r\n`))).toBe(
        403,
      );
    }
    for (const port of [22, 25]) {
      const reply = await say(
        rig.port,
        `GET http://ok.test:${port}/ HTTP/1.1\r\nHost: ok.test:${port}\r\nConnection: close\r\n\r\n`,
      );
      expect(statusOf(reply)).toBe(403);
    }
    expect(dials - before).toBe(8);
  });

  test('NAME-08: an address is not asked for its name', async () => {
    const server = createSocket('udp4');
    let datagrams = 0;
    server.on('message', () => {
      datagrams += 1;
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const rig = await startRig({
      servers: [`127.0.0.1:${server.address().port}`],
      policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
      limits: { connectTimeout: 300 },
    });
    for (const host of ['127.0.0.2', '[::1]', '192.0.2.7']) {
      expect(
        statusOf(await say(rig.port, `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)),
      ).toBe(403);
      expect(statusOf(await say(rig.port, `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`))).toBe(403);
    }
    expect(datagrams).toBe(0);
    // The server would have heard: a name that is allowed is asked for.
    await say(rig.port, 'GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nConnection: close\r\n\r\n');
    expect(datagrams).toBeGreaterThan(0);
  });
});
