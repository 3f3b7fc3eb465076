// Through a parent proxy: bumped, spliced and plain, over http and https to it; a second proxy of ours is the parent.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { parentAt, scriptedParent } from '../support/parents.ts';
import { get, openRig, type Rig, type RigOptions, say, startRig, tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const RULES = [
  { name: 'spliced', hosts: ['.spliced.test'], action: 'allow', tls: 'splice' },
  { name: 'all', hosts: ['.test', '127.0.0.1', '10.0.0.1', 'localhost'], action: 'allow' },
] as const;

let secure: Origin;
let plain: Origin;
beforeAll(async () => {
  const pair = ca.leaf({ san: 'DNS:ok.test,DNS:a.spliced.test' });
  secure = await httpsOrigin(pair, (request, response) =>
    response.end(`${request.method} ${request.url} via ${request.headers.via}`),
  );
  plain = await httpOrigin((request, response) => {
    const { via, 'proxy-authorization': credentials } = request.headers;
    response.end(`${request.method} ${request.url} via ${via} credentials ${credentials}`);
  });
});
afterAll(async () => {
  await secure.close();
  await plain.close();
});

/** What stands for a proxy of ours in Via towards a parent. */
const OURS = /1\.1 sallyport \([0-9a-f]{8}\)/;

/** The proxy in front; no name is resolved by it. */
const startChild = (options: RigOptions): Promise<Rig> =>
  startRig({ trust: [ca.rootFile], servers: ['127.0.0.1:1'], policy: { rules: RULES }, ...options });

describe.each([
  ['http', false],
  ['https', true],
])('a second proxy as the parent, spoken to by %s', (_name, overTls) => {
  let parent: Rig;
  beforeAll(async () => {
    parent = await openRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1', 'a.spliced.test': '127.0.0.1', 'plain.test': '127.0.0.1' },
      policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow', tls: 'splice' }] },
    });
  });
  afterAll(() => parent.proxy.close(0));
  const child = (): Promise<Rig> =>
    startChild({
      parents: [
        parentAt(parent.port, {
          secure: overTls,
          ...(overTls ? { trust: [join(parent.folder, 'ca', 'ca.pem')] } : {}),
        }),
      ],
    });

  test('leads a bumped tunnel to the origin, verified end to end', async () => {
    const rig = await child();
    const authority = `ok.test:${secure.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    expect(await get(tls, authority, '/a')).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*GET \/a via 1\.1 sallyport \([0-9a-f]{8}\)/,
    );
    expect(await rig.lines(2)).toEqual([
      `NONE_NONE/200 0 CONNECT ${authority} - FIRSTUP_PARENT/127.0.0.1 -`,
      `TCP_MISS/200 N GET https://${authority}/a - FIRSTUP_PARENT/127.0.0.1 -`,
    ]);
    expect((await rig.entries(2))[1]).toMatchObject({ parent: 'hq', upstream_tls: { version: 'TLSv1.3' } });
    // To close what is inside closes what is around it.
    await rig.proxy.close(0);
    await until(() => parent.proxy.connections === 0, 'the parent to be left alone');
  });

  test('leads a spliced tunnel to the origin', async () => {
    const rig = await child();
    const authority = `a.spliced.test:${secure.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: ca.root });
    expect(await get(tls, authority)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*GET \/ via undefined/);
    expect(await rig.lines(1)).toEqual([`TCP_TUNNEL/200 N CONNECT ${authority} - FIRSTUP_PARENT/127.0.0.1 -`]);
  });

  test('is given plain requests in absolute form, on one connection', async () => {
    const rig = await child();
    const url = `http://plain.test:${plain.port}`;
    const before = (await parent.entries(0)).length;
    for (const path of ['/a', '/b']) {
      const reply = await say(
        rig.port,
        `GET ${url}${path} HTTP/1.1\r\nHost: plain.test:${plain.port}\r\nConnection: close\r\n\r\n`,
      );
      expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(reply).toContain(`GET ${path} via 1.1 sallyport`);
      expect(reply).toMatch(OURS);
    }
    expect(await rig.lines(2)).toEqual(
      ['/a', '/b'].map((path) => `TCP_MISS/200 N GET ${url}${path} - FIRSTUP_PARENT/127.0.0.1 -`),
    );
    const entries = (await parent.entries(before + 2)).slice(before);
    expect(entries).toMatchObject([{ hierarchy: 'HIER_DIRECT' }, { hierarchy: 'HIER_DIRECT' }]);
    expect(new Set(entries.map(({ session }) => session)).size).toBe(1);
  });
});

test('a parent that decrypts too is one whose authority is trusted, and the request goes through both', async () => {
  const parent = await startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
  });
  const rig = await startChild({
    trust: [join(parent.folder, 'ca', 'ca.pem')],
    parents: [parentAt(parent.port)],
  });
  const authority = `ok.test:${secure.port}`;
  const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
  expect(await get(tls, authority, '/a')).toMatch(/GET \/a via 1\.1 sallyport \([0-9a-f]{8}\), 1\.1 sallyport$/);
  expect(await rig.lines(2)).toHaveLength(2);
  expect((await parent.lines(2))[1]).toBe(`TCP_MISS/200 N GET https://${authority}/a - HIER_DIRECT/127.0.0.1 -`);
});

/** An answer to CONNECT, and what becomes of it: the code, the status of the page, and what the page says of the parent. */
const ANSWERS: readonly (readonly [string, string, string, number, RegExp])[] = [
  ['407', 'HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n', 'parent-auth', 502, /407 Auth/],
  ['403', 'HTTP/1.1 403 Blocked by HQ\r\nContent-Length: 3\r\n\r\nno!', 'parent-refused', 403, /403 Blocked by HQ/],
  ['404', 'HTTP/1.0 404\r\n\r\n', 'parent-refused', 403, /404/],
  ['a redirection', 'HTTP/1.1 302 Found\r\nLocation: http://login.test/\r\n\r\n', 'parent-refused', 403, /302/],
  ['502', 'HTTP/1.1 502 Bad Gateway\r\n\r\n', 'parent-failed', 502, /502 Bad Gateway/],
  ['503', 'HTTP/1.1 503 No\r\nRetry-After: 5\r\n\r\n', 'parent-failed', 502, /503 No/],
  ['garbage', '\x16\x03\x01 whatever this is\r\n\r\n', 'parent-malformed', 502, /none: /],
  ['two answers in one', 'HTTP/1.1 200 OK\nX: y\r\n\r\n', 'parent-malformed', 502, /line end/],
  ['a head too long', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`, 'parent-malformed', 502, /too long/],
  ['another protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', 'parent-malformed', 502, /interim/],
  ['interim replies only', 'HTTP/1.1 103 Hints\r\n\r\n'.repeat(12), 'parent-malformed', 502, /interim/],
];

describe('a parent that answers CONNECT with', () => {
  test.each(ANSWERS)('%s is shown as what it is inside a bumped tunnel', async (_name, answer, code, status, says) => {
    const parent = await scriptedParent((socket) => socket.write(answer, 'latin1'));
    const rig = await startChild({ parents: [parentAt(parent.port)] });
    const authority = `ok.test:${secure.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    const page = await get(tls, authority);
    expect(page).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(page).toContain(`<dt>Code</dt><dd>${code}</dd>`);
    expect(page).toContain(`hq (127.0.0.1:${parent.port}): `);
    expect(page).toMatch(says);
    expect(page).not.toMatch(/proxy-authenticate|login\.test/i);
    expect(await rig.lines(2)).toEqual([
      `NONE_NONE/200 0 CONNECT ${authority} - FIRSTUP_PARENT/127.0.0.1 -`,
      `NONE_NONE/${status} N GET https://${authority}/ - HIER_NONE/- text/html`,
    ]);
    const entries = await rig.entries(2);
    expect(entries[1]).toMatchObject({ outcome: 'failed', error: code, parent: 'hq' });
    // One attempt, and the connection is closed behind it.
    expect(parent.heads).toHaveLength(1);
  });

  test.each(ANSWERS)(
    '%s is our answer where the tunnel would pass unread',
    async (_name, answer, code, status, says) => {
      const parent = await scriptedParent((socket) => socket.write(answer, 'latin1'));
      const rig = await startChild({ parents: [parentAt(parent.port)] });
      const authority = `a.spliced.test:${secure.port}`;
      const reply = await say(rig.port, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
      expect(reply).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(reply).toContain(`<dt>Code</dt><dd>${code}</dd>`);
      expect(reply).toContain(`hq (127.0.0.1:${parent.port}): `);
      expect(reply).toMatch(says);
      expect(reply).not.toMatch(/proxy-authenticate|login\.test/i);
      expect(await rig.lines(1)).toEqual([
        `NONE_NONE/${status} N CONNECT ${authority} - FIRSTUP_PARENT/127.0.0.1 text/html`,
      ]);
      expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'failed', error: code, parent: 'hq' });
    },
  );
});

test('a tunnel through a parent that is opened ahead is closed when the client says another name, and hears nothing of it', async () => {
  let heard = 0;
  const gone = Promise.withResolvers<void>();
  const parent = await scriptedParent((socket) => {
    socket.on('data', (piece: Buffer) => {
      heard += piece.length;
    });
    socket.on('close', gone.resolve).on('end', () => socket.end());
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.resume();
  });
  const rig = await startChild({ parents: [parentAt(parent.port)] });
  const authority = `a.spliced.test:${secure.port}`;
  const begun = tlsThrough(rig.port, authority, { ca: ca.root, servername: 'b.spliced.test' });
  await expect(begun).rejects.toThrow();
  await gone.promise;
  expect(heard).toBe(0);
  expect((await rig.entries(1))[0]).toMatchObject({ error: 'sni-mismatch' });
});
