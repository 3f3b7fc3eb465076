// Who is asking, through a whole proxy: 407 where a rule needs to know, the user in the log, and no credential anywhere else.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whoError } from '../../src/flow/identify.ts';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { dialProxy, type Entry, get, openRig, type Rig, readAll, readUntil, say } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { basic, writeUsers } from '../support/users.ts';

const ALICE = basic('alice', 'correct horse');
const BOB = basic('bob', 'pässword:with:colons');
const TOKEN = 'tok-0123456789abcdefghijklmnop';

describe('who is asking', () => {
  let rig: Rig;
  let plain: Origin;
  let secure: Origin;
  const seen: string[][] = [];
  let lines = 0;

  /** The fresh lines of both logs. */
  const next = async (count: number): Promise<{ lines: string[]; entries: Entry[] }> => {
    const all = await rig.lines(lines + count);
    const entries = await rig.entries(lines + count);
    const fresh = { lines: all.slice(lines), entries: entries.slice(lines) };
    lines = all.length;
    return fresh;
  };
  const connect = (host: string, fields = ''): Promise<string> =>
    say(rig.port, `CONNECT ${host}:${secure.port} HTTP/1.1\r\nHost: ${host}:${secure.port}\r\n${fields}\r\n`);
  const plainGet = (host: string, fields = ''): Promise<string> =>
    say(
      rig.port,
      `GET http://${host}:${plain.port}/x HTTP/1.1\r\nHost: ${host}:${plain.port}\r\nConnection: close\r\n${fields}\r\n`,
    );

  async function inside(host: string, fields: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = await dialProxy(rig.port);
    socket.write(`CONNECT ${host}:${secure.port} HTTP/1.1\r\nHost: ${host}:${secure.port}\r\n${fields}\r\n`);
    const head = await readUntil(socket, '\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    return new Promise((resolve, reject) => {
      const tls = connectTls({ socket, host, servername: host, ca: rig.ca, ...options }, () => resolve(tls));
      tls.on('error', reject);
    });
  }

  beforeAll(async () => {
    const ca = new TestCa();
    const answer = (fields: string[]) => void seen.push(fields);
    plain = await httpOrigin((request, response) => {
      answer(request.rawHeaders);
      response.end('plain');
    });
    secure = await httpsOrigin(ca.leaf({ san: 'DNS:*.user.test' }), (request, response) => {
      answer(request.rawHeaders);
      response.end('secure');
    });
    const files = writeUsers({ alice: 'correct horse', bob: 'pässword:with:colons', mallory: 'm' }, { 'vm-12': TOKEN });
    const hosts = ['a', 'ops', 'any', 'url', 'open', 'never', 'page'].map((name) => [`${name}.user.test`, '127.0.0.1']);
    const urls = `https://url.user.test:${secure.port}`;
    rig = await openRig({
      trust: [ca.rootFile],
      hosts: Object.fromEntries(hosts),
      auth: {
        basic: { htpasswd: files.htpasswd, realm: 'A "quoted" realm' },
        tokens: files.tokens,
        groups: { ops: ['bob', 'vm-12'] },
      },
      policy: {
        rules: [
          { name: 'not mallory', users: ['mallory'], hosts: ['any.user.test'], action: 'deny' },
          { name: 'alice alone', users: ['alice'], hosts: ['a.user.test'], action: 'allow' },
          { name: 'operators', groups: ['ops'], hosts: ['ops.user.test'], action: 'allow' },
          { name: 'anybody', authenticated: true, hosts: ['any.user.test'], action: 'allow' },
          { name: 'a page', authenticated: true, hosts: ['page.user.test'], action: 'deny', refuse: 'page' },
          { name: 'open urls', urls: [`${urls}/open`], action: 'allow' },
          { name: 'closed urls', urls: [`${urls}/closed`], users: ['alice'], action: 'allow' },
          { name: 'everybody', hosts: ['open.user.test'], action: 'allow' },
        ],
      },
    });
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await plain.close();
    await secure.close();
  });

  test('a CONNECT that says nothing is asked by a 407 on the CONNECT itself', async () => {
    const reply = await connect('a.user.test');
    expect(reply).toMatch(/^HTTP\/1\.1 407 Proxy Authentication Required\r\n/);
    expect(reply).toContain('\r\nProxy-Authenticate: Basic realm="A \\"quoted\\" realm", charset="UTF-8"\r\n');
    expect(reply).toContain('X-Squid-Error: ERR_CACHE_ACCESS_DENIED 0');
    const log = await next(1);
    expect(log.lines).toEqual([`TCP_DENIED/407 N CONNECT a.user.test:${secure.port} - HIER_NONE/- text/html`]);
    expect(log.entries[0]).toMatchObject({
      outcome: 'denied',
      error: 'auth-required',
      rule: 'alice alone',
      refuse_by: 'authenticate',
      reason: `rule "alice alone" decides on a.user.test:${secure.port} by who is asking, and that is not known`,
    });
    expect(log.entries[0]).not.toHaveProperty('user');
  });

  test('a request on the plain side is asked likewise, and the connection stays', async () => {
    const socket = await dialProxy(rig.port);
    const target = `http://a.user.test:${plain.port}/x`;
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a.user.test:${plain.port}\r\n\r\n`);
    expect(await readUntil(socket, '</html>\n')).toMatch(/^HTTP\/1\.1 407 [\s\S]*\r\nProxy-Authenticate: Basic /);
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a.user.test:${plain.port}\r\n${ALICE}Connection: close\r\n\r\n`);
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 200 [\s\S]*plain$/);
    const log = await next(2);
    expect(log.lines).toEqual([
      `TCP_DENIED/407 N GET ${target} - HIER_NONE/- text/html`,
      `TCP_MISS/200 N GET ${target} alice HIER_DIRECT/127.0.0.1 -`,
    ]);
    expect(log.entries[1]).toMatchObject({ user: 'alice', rule: 'alice alone' });
  });

  test('on the plain side each request says it anew', async () => {
    const socket = await dialProxy(rig.port);
    const target = `http://any.user.test:${plain.port}/x`;
    for (const [fields, status] of [
      [ALICE, 200],
      ['', 407],
      [BOB, 200],
    ] as const) {
      socket.write(`GET ${target} HTTP/1.1\r\nHost: any.user.test:${plain.port}\r\n${fields}\r\n`);
      const end = status === 200 ? 'plain' : '</html>\n';
      expect(await readUntil(socket, end)).toContain(`HTTP/1.1 ${status} `);
    }
    socket.destroy();
    expect((await next(3)).entries.map(({ user }) => user)).toEqual(['alice', undefined, 'bob']);
  });

  test('inside a tunnel it is who sent the CONNECT, whatever is said inside, and nothing of it crosses', async () => {
    seen.length = 0;
    const reply = await get(await inside('a.user.test', ALICE), `a.user.test:${secure.port}`, '/p', BOB);
    expect(reply).toMatch(/^HTTP\/1\.1 200 [\s\S]*secure$/);
    expect(seen.length).toBe(1);
    expect(seen.flat().join('\n')).not.toMatch(/proxy-auth/i);
    const log = await next(2);
    expect(log.lines).toEqual([
      `NONE_NONE/200 0 CONNECT a.user.test:${secure.port} alice HIER_DIRECT/127.0.0.1 -`,
      `TCP_MISS/200 N GET https://a.user.test:${secure.port}/p alice HIER_DIRECT/127.0.0.1 -`,
    ]);
    expect(log.entries.map(({ user }) => user)).toEqual(['alice', 'alice']);
  });

  test('nor does anything of it cross on the plain side', async () => {
    seen.length = 0;
    expect(await plainGet('a.user.test', ALICE)).toContain('200 OK');
    expect(seen.length).toBe(1);
    expect(seen.flat().join('\n')).not.toMatch(/proxy-auth/i);
    await next(1);
  });

  test.each([
    ['a wrong password', basic('alice', 'correct horsf')],
    ['a user that there is not', basic('carol', 'correct horse')],
    ['an empty password', basic('alice', '')],
    ['the hash in place of the password', 'Proxy-Authorization: Basic YWxpY2U6JDJ5JA==\r\n'],
    ['another scheme', 'Proxy-Authorization: Bearer YWxpY2U6eA==\r\n'],
    ['no base64', 'Proxy-Authorization: Basic !!!!\r\n'],
    ['two fields', ALICE + ALICE],
    ['a token of another user', basic('alice', TOKEN)],
    ['a token cut short', basic(TOKEN.slice(0, -1), '')],
  ])('%s is answered by 407 again, and the log names nobody', async (_name, fields) => {
    const reply = await connect('a.user.test', fields);
    expect(reply).toMatch(/^HTTP\/1\.1 407 [\s\S]*\r\nProxy-Authenticate: Basic /);
    const log = await next(1);
    expect(log.entries[0]).toMatchObject({ status: 407, error: 'auth-failed', outcome: 'denied' });
    expect(log.entries[0]).not.toHaveProperty('user');
  });

  test('a user who is known, but not the right one, is denied by 403', async () => {
    const reply = await connect('a.user.test', BOB);
    expect(reply).toMatch(/^HTTP\/1\.1 403 /);
    expect(reply).not.toContain('Proxy-Authenticate');
    const log = await next(1);
    expect(log.lines).toEqual([`TCP_DENIED/403 N CONNECT a.user.test:${secure.port} bob HIER_NONE/- text/html`]);
    expect(log.entries[0]).toMatchObject({
      rule: 'default',
      reason: `no rule matches a.user.test:${secure.port}; rule "alice alone" allows it to other users`,
    });
  });

  test.each([
    ['a group', 'ops.user.test', BOB, 200, 'bob'],
    ['a group, to who is not in it', 'ops.user.test', ALICE, 403, 'alice'],
    ['a group, to the one with a token alone', 'ops.user.test', basic(TOKEN, ''), 200, 'vm-12'],
    ['a group, to the one with name and token', 'ops.user.test', basic('vm-12', TOKEN), 200, 'vm-12'],
    ['anybody', 'any.user.test', ALICE, 200, 'alice'],
    ['anybody but one', 'any.user.test', basic('mallory', 'm'), 403, 'mallory'],
    ['everybody, who may say who they are', 'open.user.test', ALICE, 200, 'alice'],
    ['everybody, right password or not', 'open.user.test', basic('alice', 'no'), 200, undefined],
  ] as const)('a rule is for %s', async (_name, host, fields, status, user) => {
    expect(await plainGet(host, fields)).toContain(`HTTP/1.1 ${status} `);
    expect((await next(1)).entries[0]).toMatchObject({ status, ...(user ? { user } : {}) });
  });

  test('nobody is asked where no rule wants to know', async () => {
    expect(await plainGet('open.user.test')).toContain('HTTP/1.1 200 ');
    expect(await connect('never.user.test')).toMatch(/^HTTP\/1\.1 403 /);
    expect((await next(2)).entries.map(({ status }) => status)).toEqual([200, 403]);
  });

  test('a rule on URLs that is for users has the CONNECT asked, since inside it is too late', async () => {
    expect(await connect('url.user.test')).toMatch(/^HTTP\/1\.1 407 /);
    const host = `url.user.test:${secure.port}`;
    expect(await get(await inside('url.user.test', ALICE), host, '/closed')).toContain('HTTP/1.1 200 ');
    expect(await get(await inside('url.user.test', BOB), host, '/open')).toContain('HTTP/1.1 200 ');
    const denied = await get(await inside('url.user.test', BOB), host, '/closed');
    expect(denied).toMatch(/^HTTP\/1\.1 403 /);
    expect(denied).not.toMatch(/proxy-authenticate/i);
    const statuses = (await next(7)).entries.map(({ method, status, user }) => `${method} ${status} ${user}`);
    expect(statuses.sort()).toEqual(
      [
        'CONNECT 407 undefined',
        'CONNECT 200 alice',
        'GET 200 alice',
        'CONNECT 200 bob',
        'GET 200 bob',
        'CONNECT 200 bob',
        'GET 403 bob',
      ].sort(),
    );
  });

  test('a page is never the answer to who says nothing: it would be one inside the tunnel', async () => {
    expect(await connect('page.user.test')).toMatch(/^HTTP\/1\.1 407 /);
    const socket = await inside('page.user.test', ALICE);
    expect(await get(socket, `page.user.test:${secure.port}`)).toMatch(/^HTTP\/1\.1 403 /);
    const log = await next(3);
    expect(log.lines).toEqual([
      `TCP_DENIED/407 N CONNECT page.user.test:${secure.port} - HIER_NONE/- text/html`,
      `TCP_DENIED/200 0 CONNECT page.user.test:${secure.port} alice HIER_NONE/- -`,
      `NONE_NONE/403 N GET https://page.user.test:${secure.port}/ alice HIER_NONE/- text/html`,
    ]);
  });

  test('the self-test host asks nobody, and tells who it was', async () => {
    const socket = await dialProxy(rig.port);
    socket.write(`CONNECT sallyport.internal:443 HTTP/1.1\r\nHost: sallyport.internal:443\r\n${BOB}\r\n`);
    await readUntil(socket, '\r\n\r\n');
    const tls = connectTls({ socket, servername: 'sallyport.internal', ca: rig.ca });
    expect(await get(tls, 'sallyport.internal')).toContain('"user":"bob"');
    await next(2);
  });

  test('no password, no token and no field of them is in a log', async () => {
    const logs = ['access.log', 'access.json'].map((file) => readFileSync(join(rig.folder, file), 'utf8')).join('');
    expect(logs).toContain('alice');
    for (const secret of ['correct horse', TOKEN, TOKEN.slice(0, -1), ALICE.slice(27).trim(), 'with:colons']) {
      expect(logs).not.toContain(secret);
    }
  });
});

describe('the refusal', () => {
  const auth = { challenge: undefined } as never;

  test('is no 407 where there is nothing to challenge with', () => {
    const error = whoError({ auth }, {}, 'the rule is for users');
    expect(error).toMatchObject({ code: 'client-certificate', status: 403 });
  });
});
