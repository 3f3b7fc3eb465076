// Real proxies as parents: Squid over http and https, with and without credentials, and tinyproxy; a real curl in front.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { makeParent } from '../support/parent-parts.ts';
import { parentAt } from '../support/parents.ts';
import { get, type Rig, readAll, say, startRig, tlsThrough, until } from '../support/rig.ts';
import { findTool, run } from '../support/run.ts';
import { closedPort } from '../support/socket-pair.ts';
import { hasSquid, type Squid, startSquid } from '../support/squid.ts';
import { TestCa } from '../support/test-ca.ts';
import { hasTinyproxy, startTinyproxy, type Tinyproxy, untilTaken } from '../support/tinyproxy.ts';

const HELPER = '/usr/lib/squid/basic_ncsa_auth';
const CURL = findTool('curl');
const ca = new TestCa();
const squidCa = new TestCa('Squid Test CA');
const HOSTS = { 'ok.test': '127.0.0.1', 'a.spliced.test': '127.0.0.1', 'blocked.test': '127.0.0.1' };

let secure: Origin;
let plain: Origin;
beforeAll(async () => {
  const pair = ca.leaf({ san: 'DNS:ok.test,DNS:a.spliced.test,DNS:blocked.test,IP:127.0.0.1' });
  secure = await httpsOrigin(pair, (request, response) => void request.pipe(response));
  plain = await httpOrigin(
    (request, response) => void request.pipe(response.writeHead(200, { 'X-Seen': request.url ?? '' })),
  );
});
afterAll(async () => {
  await secure.close();
  await plain.close();
});

const start = (parent: Parameters<typeof parentAt>[1], port: number): Promise<Rig> =>
  startRig({
    trust: [ca.rootFile],
    servers: ['127.0.0.1:1'],
    parents: [parentAt(port, parent)],
    policy: {
      rules: [
        { name: 'spliced', hosts: ['.spliced.test'], action: 'allow', tls: 'splice' },
        { name: 'all', hosts: ['.test', '127.0.0.1'], action: 'allow' },
      ],
    },
  });

/** Bumped, spliced and plain; each with the line that it leaves. */
async function expectAllWays(rig: Rig, host = 'ok.test', spliced = 'a.spliced.test'): Promise<void> {
  const servername = /^\d/.test(host) ? '' : host;
  const bumped = await tlsThrough(rig.port, `${host}:${secure.port}`, { ca: rig.ca, servername });
  expect(await get(bumped, `${host}:${secure.port}`, '/a')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const url = `http://${host}:${plain.port}/b`;
  const head = `POST ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\nContent-Length: 5\r\n\r\n`;
  const reply = await say(rig.port, `${head}hello`);
  expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*x-seen: \/b\r\n[\s\S]*hello/i);
  expect(await rig.lines(3)).toEqual([
    `NONE_NONE/200 0 CONNECT ${host}:${secure.port} - FIRSTUP_PARENT/127.0.0.1 -`,
    `TCP_MISS/200 N GET https://${host}:${secure.port}/a - FIRSTUP_PARENT/127.0.0.1 -`,
    `TCP_MISS/200 N POST ${url} - FIRSTUP_PARENT/127.0.0.1 -`,
  ]);
  if (host === spliced) return;
  const tls = await tlsThrough(rig.port, `${spliced}:${secure.port}`, { ca: ca.root });
  expect(await get(tls, spliced)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect((await rig.lines(4))[3]).toBe(
    `TCP_TUNNEL/200 N CONNECT ${spliced}:${secure.port} - FIRSTUP_PARENT/127.0.0.1 -`,
  );
}

/** What is asked of a parent that is down is answered by a real one, whatever it thinks of the question. */
async function expectBack(port: number): Promise<void> {
  const { parent, health, wait } = makeParent(port);
  health.failed('for the test');
  wait(10_000);
  await parent.lookAfter();
  expect(health.up).toBe(true);
}

describe.skipIf(!hasSquid)(`Squid as the parent${hasSquid ? '' : ' (skipped: no Squid here)'}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'squid-parent-'));
  let squid: Squid;
  let guarded: Squid;
  let tlsPort: number;

  beforeAll(async () => {
    tlsPort = await closedPort();
    const pair = ca.leaf({ san: 'DNS:squid.test,IP:127.0.0.1' });
    chmodSync(folder, 0o755);
    for (const [name, text] of Object.entries({ 'tls.pem': pair.cert, 'tls.key': pair.key })) {
      writeFileSync(join(folder, name), text, { mode: 0o644 });
    }
    const word = execFileSync('openssl', ['passwd', '-apr1', 'hunter2'], { encoding: 'utf8' }).trim();
    writeFileSync(join(folder, 'users'), `sally:${word}\n`, { mode: 0o644 });
    const base = {
      ca: { cert: squidCa.rootFile, key: join(squidCa.folder, 'root.key') },
      trust: ca.rootFile,
      hosts: HOSTS,
    };
    squid = await startSquid({
      ...base,
      rules: [
        { name: 'blocked', hosts: ['blocked.test'], action: 'deny' },
        { name: 'all', hosts: ['.test'], action: 'allow', tls: 'splice' },
      ],
      extra: [`https_port 127.0.0.1:${tlsPort} tls-cert=${folder}/tls.pem tls-key=${folder}/tls.key`],
    });
    guarded = await startSquid({
      ...base,
      first: [
        `auth_param basic program ${HELPER} ${folder}/users`,
        'acl known proxy_auth REQUIRED',
        'http_access deny !known',
      ],
      rules: [{ name: 'all', hosts: ['.test'], action: 'allow', tls: 'splice' }],
    });
    await untilTaken(tlsPort);
  });
  afterAll(async () => {
    await squid.stop();
    await guarded.stop();
    rmSync(folder, { recursive: true });
  });

  test('carries bumped, spliced and plain requests, and logs them as ours', async () => {
    const before = (await squid.accessLines()).length;
    await expectAllWays(await start({}, squid.plainPort));
    const lines = (await squid.accessLines()).slice(before);
    expect(
      lines.filter((line) => line.includes(`POST http://ok.test:${plain.port}/b - HIER_DIRECT/127.0.0.1`)),
    ).toHaveLength(1);
  });

  test('carries them over TLS', async () => {
    await expectAllWays(await start({ secure: true, trust: [ca.rootFile] }, tlsPort));
  });

  test('by https is refused where it has proven itself to nobody we trust', async () => {
    const rig = await start({ secure: true, trust: [squidCa.rootFile] }, tlsPort);
    const tls = await tlsThrough(rig.port, 'ok.test:443', { ca: rig.ca });
    expect(await get(tls, 'ok.test')).toContain('<dd>parent-tls</dd>');
  });

  test('that wants credentials gets ours', async () => {
    await expectAllWays(await start({ user: 'sally', password: 'hunter2' }, guarded.plainPort));
    const users = (await guarded.accessLines()).map((line) => line.trim().split(/ +/)[7]);
    expect(new Set(users)).toEqual(new Set(['sally']));
  });

  test.each([
    ['none', {}],
    ['wrong ones', { user: 'sally', password: 'hunter3' }],
  ])('that wants credentials and gets %s is told as that', async (_what, credentials) => {
    const rig = await start(credentials, guarded.plainPort);
    const tls = await tlsThrough(rig.port, 'ok.test:443', { ca: rig.ca });
    const page = await get(tls, 'ok.test');
    expect(page).toMatch(/^HTTP\/1\.1 502 /);
    expect(page).toContain('it answered CONNECT with 407 Proxy Authentication Required.');
    expect(await say(rig.port, 'GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nConnection: close\r\n\r\n')).toContain(
      '<dd>parent-auth</dd>',
    );
  });

  test('that refuses a host is told as that; its page for a plain request passes as it is', async () => {
    const rig = await start({}, squid.plainPort);
    const tls = await tlsThrough(rig.port, 'blocked.test:443', { ca: rig.ca });
    const page = await get(tls, 'blocked.test');
    expect(page).toMatch(/^HTTP\/1\.1 403 /);
    expect(page).toContain('it answered CONNECT with 403 Forbidden.');
    const reply = await say(
      rig.port,
      'GET http://blocked.test/ HTTP/1.1\r\nHost: blocked.test\r\nConnection: close\r\n\r\n',
    );
    expect(reply).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*X-Squid-Error: ERR_ACCESS_DENIED/i);
  });

  test('that cannot reach an origin is told as that', async () => {
    const rig = await start({}, squid.plainPort);
    const authority = `ok.test:${await closedPort()}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    const page = await get(tls, authority);
    expect(page).toMatch(/^HTTP\/1\.1 502 /);
    expect(page).toContain('it answered CONNECT with 503 Service Unavailable.');
  });

  test('that was down answers the question whether it is back', async () => {
    await expectBack(squid.plainPort);
    await expectBack(guarded.plainPort);
  });

  test.skipIf(!CURL)(`serves curl a large body${CURL ? '' : ' (skipped: no curl here)'}`, async () => {
    const big = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) =>
      response.end(Buffer.alloc(8 << 20, 'x')),
    );
    const rig = await start({ secure: true, trust: [ca.rootFile] }, tlsPort);
    const words = [
      '-sS',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{size_download}',
      '--cacert',
      join(rig.folder, 'ca/ca.pem'),
    ];
    const url = `https://ok.test:${big.port}/`;
    const ran = await run(CURL ?? '', [...words, '-x', `http://127.0.0.1:${rig.port}`, url]);
    expect(ran.out.toString()).toBe(`200 ${8 << 20}`);
    await big.close();
  });
});

describe.skipIf(!hasTinyproxy)(`tinyproxy as the parent${hasTinyproxy ? '' : ' (skipped: no tinyproxy here)'}`, () => {
  let open: Tinyproxy;
  let guarded: Tinyproxy;
  beforeAll(async () => {
    open = await startTinyproxy();
    guarded = await startTinyproxy(['BasicAuth sally hunter2']);
  });
  afterAll(async () => {
    await open.stop();
    await guarded.stop();
  });

  test('carries bumped and plain requests', async () => {
    await expectAllWays(await start({}, open.port), '127.0.0.1', '127.0.0.1');
  });

  test('that wants credentials gets ours, and without is told as that', async () => {
    await expectAllWays(await start({ user: 'sally', password: 'hunter2' }, guarded.port), '127.0.0.1', '127.0.0.1');
    const rig = await start({}, guarded.port);
    const tls = await tlsThrough(rig.port, '127.0.0.1:443', { ca: rig.ca, servername: '' });
    expect(await get(tls, '127.0.0.1')).toMatch(/<dd>parent-auth<\/dd>/);
  });

  test('that was down answers the question whether it is back', async () => {
    await expectBack(open.port);
  });

  test('that is killed in the middle of a tunnel cuts it, and is skipped', async () => {
    const mortal = await startTinyproxy();
    const rig = await start({}, mortal.port);
    const before = secure.accepted;
    const tls = await tlsThrough(rig.port, `127.0.0.1:${secure.port}`, { ca: rig.ca, servername: '' });
    const cut = readAll(tls);
    tls.write(
      `POST / HTTP/1.1\r\nHost: 127.0.0.1:${secure.port}\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(50_000)}`,
    );
    await until(() => secure.accepted > before, 'the origin to be reached');
    await mortal.stop();
    expect(await cut).not.toMatch(/0\r\n\r\n$/);
    const again = await tlsThrough(rig.port, `127.0.0.1:${secure.port}`, { ca: rig.ca, servername: '' });
    expect(await get(again, `127.0.0.1:${secure.port}`)).toContain('<dd>parent-unreachable</dd>');
  });
});
