// Several parents, and a way without: which of them is asked, and what happens when one fails.

import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blackHole } from '../support/black-hole.ts';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { parentAt, scriptedParent, tunnellingParent } from '../support/parents.ts';
import { get, type Rig, type RigOptions, say, startRig, tlsThrough, WORKERS } from '../support/rig.ts';
import { closedPort } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const HOSTS = ['ok.test', 'other.test', 'in.corp.test'];

let secure: Origin;
let plain: Origin;
beforeAll(async () => {
  const pair = ca.leaf({ san: 'DNS:ok.test,DNS:other.test,DNS:in.corp.test' });
  secure = await httpsOrigin(pair, (_request, response) => response.end('hello'));
  plain = await httpOrigin((_request, response) => response.end('hello'));
});
afterAll(async () => {
  await secure.close();
  await plain.close();
});

/** `direct`: the proxy can resolve the names itself. */
function start(options: RigOptions, direct = false): Promise<Rig> {
  return startRig({
    trust: [ca.rootFile],
    servers: ['127.0.0.1:1'],
    hosts: direct ? Object.fromEntries(HOSTS.map((host) => [host, '127.0.0.1'])) : {},
    policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
    ...options,
  });
}

/** One request through a tunnel of its own; its page, and the hierarchy that both of its lines have. */
async function ask(rig: Rig, host = 'ok.test'): Promise<{ page: string; ways: string[]; parents: unknown[] }> {
  const before = (await rig.lines(0)).length;
  const authority = `${host}:${secure.port}`;
  const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
  const page = await get(tls, authority);
  const lines = (await rig.lines(before + 2)).slice(before);
  const entries = (await rig.entries(before + 2)).slice(before);
  return { page, ways: lines.map((line) => line.split(' ')[5] ?? ''), parents: entries.map(({ parent }) => parent) };
}

const FIRSTUP = ['FIRSTUP_PARENT/127.0.0.1', 'FIRSTUP_PARENT/127.0.0.1'];
const DIRECT = ['HIER_DIRECT/127.0.0.1', 'HIER_DIRECT/127.0.0.1'];

/** Ways to fail before there is an answer: the port of such a parent. */
const FAILURES: readonly (readonly [string, () => Promise<number>])[] = [
  ['refuses the connection', closedPort],
  ['swallows what is sent', () => blackHole('127.0.0.1')],
  ['takes the connection and says nothing', async () => (await scriptedParent(() => undefined)).port],
  ['drips', async () => (await scriptedParent((socket) => dripping(socket))).port],
  ['closes at once', async () => (await scriptedParent((socket) => socket.destroy())).port],
  ['resets', async () => (await scriptedParent((socket) => socket.resetAndDestroy())).port],
  ['sends garbage', async () => (await scriptedParent((socket) => socket.end('SSH-2.0-x\r\n'))).port],
  ['answers 503', async () => (await scriptedParent((socket) => socket.end('HTTP/1.1 503 x\r\n\r\n'))).port],
];

function dripping(socket: { write(text: string): boolean; once(event: 'close', run: () => void): unknown }): void {
  socket.write('HTTP/1.1 200 OK\r\nX: ');
  const timer = setInterval(() => socket.write('x'), 20);
  socket.once('close', () => clearInterval(timer));
}

describe('of two parents', () => {
  test.each(FAILURES)('the second is asked where the first %s', async (_name, first) => {
    const second = await tunnellingParent();
    const parents = [parentAt(await first(), { name: 'one', timeout: 300 }), parentAt(second.port, { name: 'two' })];
    const rig = await start({ parents });
    const { page, ways, parents: names } = await ask(rig);
    expect(page).toMatch(/hello$/);
    expect([ways, names]).toEqual([FIRSTUP, ['two', 'two']]);
    expect(second.heads).toHaveLength(1);
  });

  test('the one that refused the connection is skipped for the next host', async () => {
    let asked = 0;
    const port = await closedPort();
    const second = await tunnellingParent();
    const rig = await start({
      parents: [parentAt(port, { name: 'one' }), parentAt(second.port, { name: 'two' })],
    });
    await ask(rig);
    // It is back, and not yet looked at.
    const back = await scriptedParent(() => {
      asked += 1;
    });
    expect(back.port).not.toBe(port);
    expect((await ask(rig, 'other.test')).parents).toEqual(['two', 'two']);
    expect([asked, second.heads.length]).toEqual([0, 2]);
  });

  test.each([
    ['403', 'parent-refused'],
    ['407', 'parent-auth'],
  ])('the second is not asked where the first answers %s: that is an answer', async (status, code) => {
    const first = await scriptedParent((socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`));
    const second = await tunnellingParent();
    const rig = await start(
      {
        parents: [parentAt(first.port, { name: 'one' }), parentAt(second.port, { name: 'two' })],
        routes: [{ via: ['one', 'two', 'direct'], choose: 'inOrder' }],
      },
      true,
    );
    const { page } = await ask(rig);
    expect(page).toContain(`<dd>${code}</dd>`);
    expect([first.heads.length, second.heads.length]).toEqual([1, 0]);
  });

  test('both are named where neither answers', async () => {
    const rig = await start({
      parents: [parentAt(await closedPort(), { name: 'one' }), parentAt(await closedPort(), { name: 'two' })],
    });
    const { page, ways } = await ask(rig);
    expect(page).toMatch(/^HTTP\/1\.1 503 /);
    expect(page).toMatch(/one \(127\.0\.0\.1:\d+\): .*ECONNREFUSED.* two \(127\.0\.0\.1:\d+\): .*ECONNREFUSED/);
    expect(page).toContain('<dd>parent-unreachable</dd>');
    expect(ways).toEqual(['FIRSTUP_PARENT/127.0.0.1', 'HIER_NONE/-']);
  });

  /** One request in absolute form; the status line, and the parent that it went through. */
  async function askPlainly(rig: Rig, host: string): Promise<unknown[]> {
    const before = (await rig.lines(0)).length;
    const words = `GET http://${host}:${plain.port}/ HTTP/1.1\r\nHost: ${host}:${plain.port}\r\nConnection: close\r\n\r\n`;
    const reply = await say(rig.port, words);
    const [entry] = (await rig.entries(before + 1)).slice(before);
    return [reply.slice(9, 12), entry?.['error'], entry?.['parent']];
  }

  // Each worker counts for itself.
  test.skipIf(WORKERS > 1).each<[string, (socket: Socket) => void, string, string]>([
    ['swallows', () => undefined, '504', 'response-timeout'],
    ['closes upon', (socket) => void socket.destroy(), '502', 'response-aborted'],
    ['answers garbage to', (socket) => void socket.end('SSH-2.0-x\r\n'), '502', 'response-malformed'],
  ])(
    'the one that %s plain requests is skipped once it has done so for three hosts',
    async (_name, serve, status, error) => {
      const first = await scriptedParent(serve);
      const rig = await start({
        parents: [parentAt(first.port, { name: 'one' }), parentAt(plain.port, { name: 'two' })],
        limits: { responseTimeout: 200 },
      });
      const asked: unknown[] = [];
      // The same host once more is no further evidence: it may be the one that is dead.
      for (const host of ['ok.test', 'ok.test', ...HOSTS, 'ok.test']) asked.push(await askPlainly(rig, host));
      const silent = [status, error, 'one'];
      expect(asked).toEqual([silent, silent, silent, silent, silent, ['200', undefined, 'two']]);
    },
  );

  test('the one that answers one of them goes on being asked', async () => {
    const first = await scriptedParent((socket, head) => {
      if (head.includes('//other.test')) socket.end('HTTP/1.1 404 No\r\nConnection: close\r\n\r\n');
    });
    const rig = await start({
      parents: [parentAt(first.port, { name: 'one' }), parentAt(plain.port, { name: 'two' })],
      limits: { responseTimeout: 200 },
    });
    const names: unknown[] = [];
    for (const host of [...HOSTS, 'ok.test', 'in.corp.test']) names.push((await askPlainly(rig, host))[2]);
    expect(names).toEqual(['one', 'one', 'one', 'one', 'one']);
  });

  test('each has its turn, tunnel by tunnel and request by request', async () => {
    const parents = [await tunnellingParent(), await tunnellingParent()];
    const rig = await start({
      parents: parents.map(({ port }, index) => parentAt(port, { name: `p${index}` })),
      routes: [{ via: ['p0', 'p1'], choose: 'roundRobin' }],
    });
    const used: unknown[] = [];
    for (const host of ['ok.test', 'other.test']) {
      const { page, ways, parents: names } = await ask(rig, host);
      expect(page).toMatch(/hello$/);
      expect(ways.every((way) => way === 'ROUNDROBIN_PARENT/127.0.0.1')).toBe(true);
      used.push(...names);
    }
    expect(new Set(used)).toEqual(new Set(['p0', 'p1']));
    for (const { heads } of parents) expect(heads.length).toBeGreaterThan(0);
  });
});

describe('a way without parents', () => {
  test('is taken where it is the last resort and no parent answers', async () => {
    const rig = await start(
      {
        parents: [parentAt(await closedPort())],
        routes: [{ via: ['hq', 'direct'], choose: 'inOrder' }],
      },
      true,
    );
    const { page, ways, parents } = await ask(rig);
    expect(page).toMatch(/hello$/);
    expect([ways, parents]).toEqual([DIRECT, [undefined, undefined]]);
    const url = `http://ok.test:${plain.port}/`;
    expect(
      await say(rig.port, `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`),
    ).toMatch(/hello$/);
    expect((await rig.lines(3))[2]).toBe(`TCP_MISS/200 N GET ${url} - HIER_DIRECT/127.0.0.1 -`);
  });

  // Likewise.
  test.skipIf(WORKERS > 1).each(FAILURES.filter(([name]) => !/refuses|swallows/.test(name)))(
    'is not taken past a parent that lives and %s, until it has done so for three hosts',
    async (name, port) => {
      const rig = await start(
        {
          parents: [parentAt(await port(), { timeout: 200 })],
          routes: [{ via: ['hq', 'direct'], choose: 'inOrder' }],
        },
        true,
      );
      const pages: string[] = [];
      for (const host of [...HOSTS, 'ok.test']) pages.push((await ask(rig, host)).page);
      const codes = pages.map((page) => /<dd>(parent-[a-z]+)<\/dd>/.exec(page)?.[1]);
      const code = name.includes('503')
        ? 'parent-failed'
        : /nothing|drips/.test(name)
          ? 'parent-timeout'
          : 'parent-malformed';
      // The one that answers, lives; of the others, the third silence is the last.
      expect(codes).toEqual(code === 'parent-failed' ? [code, code, code, code] : [code, code, undefined, undefined]);
      if (code !== 'parent-failed') expect(pages[3]).toMatch(/hello$/);
    },
  );

  test('is not taken where a parent says that it cannot reach the origin', async () => {
    const parent = await scriptedParent((socket) => socket.end('HTTP/1.1 503 Origin Down\r\n\r\n'));
    const rig = await start(
      { parents: [parentAt(parent.port)], routes: [{ via: ['hq', 'direct'], choose: 'inOrder' }] },
      true,
    );
    expect((await ask(rig)).page).toContain('<dd>parent-failed</dd>');
  });

  test('is not taken where nobody has said so', async () => {
    const rig = await start({ parents: [parentAt(await closedPort())] }, true);
    expect((await ask(rig)).page).toContain('<dd>parent-unreachable</dd>');
  });

  test('still leads to no address that may not be dialled', async () => {
    const rig = await start({
      hosts: { 'in.corp.test': '10.0.0.1' },
      parents: [parentAt(await closedPort())],
      routes: [{ via: ['hq', 'direct'], choose: 'inOrder' }],
    });
    const url = `http://in.corp.test:${plain.port}/`;
    const page = await say(rig.port, `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`);
    expect(page).toContain('<dd>address-forbidden</dd>');
  });
});

describe('the routes', () => {
  test('are asked in their order, and what none takes goes through the parents', async () => {
    const [corp, world] = [await tunnellingParent(), await tunnellingParent()];
    const rig = await start(
      {
        parents: [parentAt(world.port, { name: 'world' }), parentAt(corp.port, { name: 'corp' })],
        routes: [
          { hosts: ['other.test'], via: ['direct'], choose: 'inOrder' },
          { hosts: ['.corp.test', 'other.test'], via: ['corp'], choose: 'inOrder' },
        ],
      },
      true,
    );
    expect((await ask(rig, 'other.test')).ways).toEqual(DIRECT);
    expect((await ask(rig, 'in.corp.test')).parents).toEqual(['corp', 'corp']);
    expect((await ask(rig, 'ok.test')).parents).toEqual(['world', 'world']);
  });
});
