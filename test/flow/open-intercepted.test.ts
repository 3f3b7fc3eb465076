// TLS that a firewall has turned around to us: its server name is decided on as the host of a CONNECT is.

import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extension, hello, hostNames } from '../support/client-hello.ts';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { lineHeader, TOLD } from '../support/proxy-header.ts';
import { dialProxy, type Entry, get, openRig, type Rig, readAll, say, startRig } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { basic, writeUsers } from '../support/users.ts';

const NO_REQUEST = 'error:transaction-end-before-headers';

function dialTls(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, ...options }, () => resolve(socket));
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('closed within the handshake')));
  });
}

describe('intercepted TLS', () => {
  const ca = new TestCa();
  let origin: Origin;
  let rig: Rig;
  let lines = 0;
  const next = async (count: number): Promise<{ lines: string[]; entries: Entry[] }> => {
    const all = await rig.lines(lines + count);
    const entries = await rig.entries(lines + count);
    const fresh = { lines: all.slice(lines), entries: entries.slice(lines) };
    lines = all.length;
    return fresh;
  };

  beforeAll(async () => {
    const pair = ca.leaf({ san: 'DNS:bump.test,DNS:splice.test,DNS:tunnel.test,DNS:late.test' });
    origin = await httpsOrigin(pair, (request, response) => response.end(`you asked ${request.headers.host}`));
    const loopback = Object.fromEntries(
      ['bump', 'splice', 'tunnel', 'wrong', 'late'].map((name) => [`${name}.test`, '127.0.0.1']),
    );
    rig = await openRig({
      trust: [ca.rootFile],
      hosts: { ...loopback, 'tls-ech.dev': '127.0.0.1', 'private.test': '10.0.0.1' },
      servers: ['127.0.0.1:1'],
      listen: { transparent: { httpsPort: origin.port, httpPort: 80 } },
      policy: {
        rules: [
          { name: 'decrypt', hosts: ['bump.test', 'wrong.test', 'private.test', 'unknown.test'], action: 'allow' },
          { name: 'unread', hosts: ['splice.test', 'nowhere.test'], action: 'allow', tls: 'splice' },
          { name: 'anything', hosts: ['tunnel.test', 'tls-ech.dev'], action: 'allow', tls: 'tunnel' },
          { name: 'by url', urls: [`https://late.test:${origin.port}/a/**`], action: 'allow' },
          { name: 'cut', hosts: ['cut.test'], action: 'deny', tls: 'terminate' },
          { name: 'ends', hosts: ['ends.test'], action: 'allow', tls: 'terminate' },
          { name: 'for people', hosts: ['page.test'], action: 'deny', refuse: 'page' },
        ],
      },
    });
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await origin.close();
  });

  test('is bumped by its server name, and logged as a CONNECT would be', async () => {
    const tls = await dialTls(rig.port, { servername: 'bump.test', ca: rig.ca });
    expect(await get(tls, `bump.test:${origin.port}`, '/p?q')).toContain('you asked bump.test');
    expect((await next(2)).lines).toEqual([
      `NONE_NONE/000 0 CONNECT bump.test:${origin.port} - HIER_DIRECT/127.0.0.1 -`,
      `TCP_MISS/200 N GET https://bump.test:${origin.port}/p? - HIER_DIRECT/127.0.0.1 -`,
    ]);
  });

  test.each(['splice.test', 'tunnel.test'])('to %s is passed through unread', async (host) => {
    const tls = await dialTls(rig.port, { servername: host, ca: ca.root });
    expect(await get(tls, host)).toContain(`you asked ${host}`);
    const { lines: told, entries } = await next(1);
    expect(told).toEqual([`TCP_TUNNEL/200 N CONNECT ${host}:${origin.port} - HIER_DIRECT/127.0.0.1 -`]);
    expect(entries[0]).toMatchObject({ outcome: 'spliced', sni: host });
  });

  test('is bumped for the sake of a URL rule, and each URL decided', async () => {
    for (const [path, status] of [
      ['/a/b', 200],
      ['/c', 403],
    ] as const) {
      const tls = await dialTls(rig.port, { servername: 'late.test', ca: rig.ca });
      expect(await get(tls, `late.test:${origin.port}`, path)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect((await next(2)).entries[1]).toMatchObject({ status });
    }
  });

  test('inside, Host must be the server name', async () => {
    const tls = await dialTls(rig.port, { servername: 'bump.test', ca: rig.ca });
    expect(await get(tls, `splice.test:${origin.port}`)).toMatch(/^HTTP\/1\.1 421 /);
    expect((await next(2)).entries[1]).toMatchObject({ error: 'host-mismatch' });
  });

  test('to the self-test host is answered by us', async () => {
    const tls = await dialTls(rig.port, { servername: 'sallyport.internal', ca: rig.ca });
    expect(await get(tls, `sallyport.internal:${origin.port}`)).toContain('"trusted":true');
    await next(2);
  });

  test('that the policy denies is ended by an alert that says so', async () => {
    await expect(dialTls(rig.port, { servername: 'no.test', ca: rig.ca })).rejects.toThrow(/alert access denied/i);
    const { lines: told, entries } = await next(1);
    expect(told).toEqual([`TCP_DENIED/000 0 CONNECT no.test:${origin.port} - HIER_NONE/- -`]);
    expect(entries[0]).toMatchObject({ outcome: 'denied', rule: 'default', sni: 'no.test' });
  });

  test('that is denied by a page gets it inside', async () => {
    const tls = await dialTls(rig.port, { servername: 'page.test', ca: rig.ca });
    expect(await get(tls, `page.test:${origin.port}`)).toMatch(/^HTTP\/1\.1 403 [\s\S]*for people/);
    expect((await next(2)).lines).toEqual([
      `TCP_DENIED/000 0 CONNECT page.test:${origin.port} - HIER_NONE/- -`,
      `NONE_NONE/403 N GET https://page.test:${origin.port}/ - HIER_NONE/- text/html`,
    ]);
  });

  test.each(['cut.test', 'ends.test'])('to %s is closed by rule without a word', async (host) => {
    await expect(dialTls(rig.port, { servername: host, ca: rig.ca })).rejects.toThrow();
    expect((await next(1)).lines).toEqual([`NONE_NONE/000 0 CONNECT ${host}:${origin.port} - HIER_NONE/- -`]);
  });

  test('to a private address is ended by the alert of a denial, whatever the rule', async () => {
    await expect(dialTls(rig.port, { servername: 'private.test', ca: rig.ca })).rejects.toThrow(/access denied/i);
    const { lines: told, entries } = await next(1);
    expect(told).toEqual([`TCP_DENIED/000 0 CONNECT private.test:${origin.port} - HIER_NONE/- -`]);
    expect(entries[0]).toMatchObject({ error: 'address-forbidden' });
  });

  test('to a name that does not resolve is told inside where it is bumped, by an alert where not', async () => {
    const tls = await dialTls(rig.port, { servername: 'unknown.test', ca: rig.ca });
    expect(await get(tls, `unknown.test:${origin.port}`)).toMatch(/^HTTP\/1\.1 50[34] /);
    expect((await next(2)).entries[0]).toMatchObject({ outcome: 'bumped', error: expect.stringMatching(/^dns-/) });
    await expect(dialTls(rig.port, { servername: 'nowhere.test' })).rejects.toThrow(/alert internal error/i);
    expect((await next(1)).lines[0]).toMatch(/^NONE_NONE\/000 0 CONNECT nowhere\.test:\d+ - HIER_NONE\/- -$/);
  });

  test('to an origin that is another is told inside', async () => {
    const tls = await dialTls(rig.port, { servername: 'wrong.test', ca: rig.ca });
    expect(await get(tls, `wrong.test:${origin.port}`)).toMatch(/^HTTP\/1\.1 503 /);
    expect((await next(2)).entries[1]).toMatchObject({ error: 'upstream-name' });
  });

  test('of a client that does not trust us is told as such', async () => {
    await expect(dialTls(rig.port, { servername: 'bump.test' })).rejects.toThrow();
    expect((await next(1)).entries[0]).toMatchObject({
      outcome: 'client_rejected_certificate',
      url: `bump.test:${origin.port}`,
    });
  });

  /** The alert, as it stands on the wire. */
  const MISSING_EXTENSION = '\x15\x03\x03\x00\x02\x02\x6d';
  const serverName = (...names: (string | Uint8Array)[]) => ({ extensions: [extension(0, hostNames(...names))] });

  test.each([
    ['no server name', {}, /^There is no server name\.$/],
    ['an empty extension list', { extensions: null }, /^There is no server name\.$/],
    ['an address for a server name', serverName('127.0.0.1'), /^The server name is an address\.$/],
    ['a server name that is none', serverName('a b.test'), /^The server name is not a host name \(character/],
    ['a short form of an address', serverName('127.1'), /^The server name is not a host name \(host is an address/],
  ])('with %s is ended by an alert, and nothing is dialled', async (_name, parts, detail) => {
    const accepted = origin.accepted;
    expect(await say(rig.port, Buffer.from(hello(parts)))).toBe(MISSING_EXTENSION);
    const { lines: told, entries } = await next(1);
    expect(told).toEqual([`NONE_NONE/000 0 - ${NO_REQUEST} - HIER_NONE/- -`]);
    expect(entries[0]).toMatchObject({
      outcome: 'terminated',
      error: 'sni-missing',
      error_detail: expect.stringMatching(detail),
    });
    expect(origin.accepted).toBe(accepted);
  });

  test('of OpenSSL without a server name learns what is missing', async () => {
    await expect(dialTls(rig.port, { ca: rig.ca })).rejects.toThrow(/alert number 109|missing extension/i);
    expect((await next(1)).entries[0]).toMatchObject({ error: 'sni-missing' });
  });

  test('with a cover name before an encrypted hello is closed', async () => {
    const ech = { extensions: [extension(0, hostNames('tls-ech.dev')), extension(0xfe0d, Buffer.alloc(64))] };
    const bytes = Buffer.from(hello(ech));
    expect(await say(rig.port, bytes)).toBe('');
    expect((await next(1)).entries[0]).toMatchObject({
      outcome: 'terminated',
      error: 'sni-mismatch',
      error_detail: expect.stringMatching(/covers another one that is encrypted/),
    });
  });

  test('that is no ClientHello is closed without a reply', async () => {
    expect(await say(rig.port, Buffer.from('160301000501000001ff', 'hex'))).toBe('');
    expect((await next(1)).entries[0]).toMatchObject({ outcome: 'terminated', error: 'hello-malformed' });
  });

  test('whose hello is cut short at any place leaves one line', async () => {
    const bytes = Buffer.from(hello(serverName('bump.test')));
    for (let length = 1; length < bytes.length; length += 7) {
      const socket = await dialProxy(rig.port);
      socket.end(bytes.subarray(0, length));
      expect(await readAll(socket)).toBe('');
      expect((await next(1)).lines).toEqual([`NONE_NONE/000 0 - ${NO_REQUEST} - HIER_NONE/- -`]);
    }
  });
});

test('a hello that does not end is waited for so long and no longer', async () => {
  const rig = await startRig({
    listen: { transparent: { httpsPort: 443, httpPort: 80 } },
    limits: { handshakeTimeout: 50 },
  });
  const socket = await dialProxy(rig.port);
  socket.write(Buffer.from('16030101', 'hex'));
  expect(await readAll(socket)).toBe('');
  expect((await rig.entries(1))[0]).toMatchObject({ error: 'hello-timeout' });
});

test('in report mode what would be denied passes, and the log tells', async () => {
  const ca = new TestCa();
  const origin = await httpsOrigin(ca.leaf({ san: 'DNS:any.test' }), (_request, response) => response.end('passed'));
  const rig = await startRig({
    trust: [ca.rootFile],
    hosts: { 'any.test': '127.0.0.1' },
    listen: { transparent: { httpsPort: origin.port, httpPort: 80 } },
    policy: { mode: 'report' },
  });
  const tls = await dialTls(rig.port, { servername: 'any.test', ca: rig.ca });
  expect(await get(tls, `any.test:${origin.port}`)).toContain('passed');
  expect((await rig.entries(2))[0]).toMatchObject({ would_deny: true, rule: 'default' });
  await origin.close();
});

test('behind a load balancer the client is the one that it tells of', async () => {
  const rig = await startRig({
    listen: { proxyProtocol: { from: ['127.0.0.1'] }, transparent: { httpsPort: 443, httpPort: 80 } },
  });
  await say(
    rig.port,
    Buffer.concat([lineHeader(), Buffer.from(hello({ extensions: [extension(0, hostNames('no.test'))] }))]),
  );
  await say(rig.port, `${lineHeader()}GET / HTTP/1.1\r\nHost: no.test\r\nConnection: close\r\n\r\n`);
  expect((await rig.entries(2)).map(({ client, url, rule }) => [client, url, rule])).toEqual([
    [TOLD.from, 'no.test:443', 'default'],
    [TOLD.from, 'http://no.test/', 'default'],
  ]);
});

describe('where a rule wants to know who is asking', () => {
  const ca = new TestCa();

  async function askingRig(port: number): Promise<Rig> {
    const { htpasswd } = writeUsers({ alice: 'right' });
    return startRig({
      trust: [ca.rootFile],
      hosts: { 'known.test': '127.0.0.1', 'page.test': '127.0.0.1' },
      listen: { transparent: { httpsPort: port, httpPort: port } },
      auth: { basic: { htpasswd, realm: 'here' }, groups: {} },
      policy: {
        httpPorts: ['1-65535'],
        rules: [
          { name: 'users', users: ['alice'], hosts: ['known.test'], action: 'allow' },
          { name: 'users, by a page', users: ['alice'], hosts: ['page.test'], action: 'deny', refuse: 'page' },
        ],
      },
    });
  }

  test.each([
    ['known.test', 'users'],
    ['page.test', 'users, by a page'],
  ])('TLS to %s is denied as by any other rule: a client that knows of no proxy cannot answer', async (host, rule) => {
    const rig = await askingRig(443);
    await expect(dialTls(rig.port, { servername: host, ca: rig.ca })).rejects.toThrow(/alert access denied/i);
    expect(await rig.lines(1)).toEqual([`TCP_DENIED/000 0 CONNECT ${host}:443 - HIER_NONE/- -`]);
    const [entry] = await rig.entries(1);
    expect(entry).toMatchObject({
      outcome: 'denied',
      rule,
      refuse_by: 'authenticate',
      reason: `rule "${rule}" decides on ${host}:443 by who is asking, and that is not known`,
    });
    expect(entry).not.toHaveProperty('user');
  });

  test.each([
    ['nothing', ''],
    ['credentials, which would be for a proxy', basic('alice', 'right')],
    ['wrong ones', basic('alice', 'wrong')],
  ])('a plain request with %s is denied, and never asked', async (_what, field) => {
    const rig = await askingRig(80);
    const reply = await say(rig.port, `GET / HTTP/1.1\r\nHost: known.test\r\n${field}Connection: close\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 403 /);
    expect(reply).not.toContain('Proxy-Authenticate');
    expect(reply).toContain('by who is asking, and that is not known');
    const [entry] = await rig.entries(1);
    expect(entry).toMatchObject({ status: 403, tag: 'TCP_DENIED', error: 'denied', rule: 'users' });
    expect(entry).not.toHaveProperty('user');
  });
});
