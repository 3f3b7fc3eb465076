// What becomes of a CONNECT before any byte goes to an origin: decided, refused, looked at, closed.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Origin, tcpOrigin } from '../support/origin.ts';
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
  tlsThrough,
  until,
} from '../support/rig.ts';

describe('CONNECT', () => {
  let rig: Rig;
  let recorder: Origin;
  let seen = '';
  let lines = 0;
  const next = async (count: number): Promise<string[]> => {
    const all = await rig.lines(lines + count);
    const fresh = all.slice(lines);
    lines = all.length;
    return fresh;
  };

  beforeAll(async () => {
    recorder = await tcpOrigin((socket) => {
      socket.on('data', (chunk) => {
        seen += chunk.toString('latin1');
      });
      socket.write('220 the server speaks first\r\n');
      socket.once('end', () => socket.end());
    });
    rig = await openRig({
      hosts: { 'ok.test': '127.0.0.1', 'raw.test': '127.0.0.1', 'private.test': '10.0.0.1' },
      policy: {
        connectPorts: [443, recorder.port],
        rules: [
          { name: 'no pages', hosts: ['page.test'], action: 'deny', refuse: 'page' },
          { name: 'cut', hosts: ['cut.test'], action: 'deny', tls: 'terminate' },
          { name: 'ends', hosts: ['ends.test'], action: 'allow', tls: 'terminate' },
          { name: 'raw', hosts: ['raw.test'], action: 'allow', tls: 'tunnel' },
          { name: 'through', hosts: ['ok.test', 'private.test', '169.254.169.254'], action: 'allow', tls: 'splice' },
          { name: 'decrypt', hosts: ['bump.test'], action: 'allow', tls: 'bump' },
        ],
      },
    });
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await recorder.close();
  });

  test('to a host that no rule allows is refused with 403, and says so in reason phrase and headers', async () => {
    const reply = await say(rig.port, 'CONNECT no.test:443 HTTP/1.1\r\nHost: no.test:443\r\n\r\n');
    expect(reply).toMatch(/^HTTP\/1\.1 403 Denied by default: no rule matches no\.test:443\r\n/);
    expect(reply).toMatch(/\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n/);
    expect(reply).toMatch(/\r\nProxy-Status: sallyport; error=http_request_denied; details="/);
    expect(reply).toMatch(/\r\nX-Proxy-Denied: default\r\n/);
    expect(await next(1)).toEqual(['TCP_DENIED/403 N CONNECT no.test:443 - HIER_NONE/- text/html']);
  });

  test('to a port that is not for CONNECT is refused', async () => {
    const reply = await say(rig.port, 'CONNECT ok.test:22 HTTP/1.1\r\nHost: ok.test:22\r\n\r\n');
    expect(reply).toMatch(/^HTTP\/1\.1 403 Denied by connectPorts: port 22 is not in/);
    expect(await next(1)).toEqual(['TCP_DENIED/403 N CONNECT ok.test:22 - HIER_NONE/- text/html']);
  });

  test('denied by a page is bumped, and the page served inside', async () => {
    const tls = await tlsThrough(rig.port, 'page.test:443', { ca: rig.ca });
    const reply = await get(tls, 'page.test', '/a');
    expect(reply).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(reply).toContain('no pages');
    expect(await next(2)).toEqual([
      'TCP_DENIED/200 0 CONNECT page.test:443 - HIER_NONE/- -',
      'NONE_NONE/403 N GET https://page.test/a - HIER_NONE/- text/html',
    ]);
  });

  test.each(['cut.test', 'ends.test'])('to %s is closed by rule without a reply', async (host) => {
    expect(await say(rig.port, `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)).toBe('');
    expect(await next(1)).toEqual([`NONE_NONE/000 0 CONNECT ${host}:443 - HIER_NONE/- -`]);
  });

  test.each([
    ['private.test', 'private'],
    ['169.254.169.254', 'NO_PROXY'],
  ])('to %s is refused by its address', async (host, says) => {
    const reply = await say(rig.port, `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 403 /);
    expect(reply).toContain(says);
    expect(reply).toContain('destination_ip_prohibited');
    expect(await next(1)).toEqual([`TCP_DENIED/403 N CONNECT ${host}:443 - HIER_NONE/- text/html`]);
  });

  test.each([
    ['without a port', 'CONNECT ok.test HTTP/1.1\r\nHost: ok.test\r\n\r\n'],
    ['with a body', 'CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\nContent-Length: 3\r\n\r\nabc'],
    ['with another Host', 'CONNECT ok.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n'],
    ['with user information', 'CONNECT a@ok.test:443 HTTP/1.1\r\nHost: ok.test\r\n\r\n'],
    ['to a short form of loopback', 'CONNECT 127.1:443 HTTP/1.1\r\nHost: 127.1:443\r\n\r\n'],
  ])('%s is answered 400', async (_name, bytes) => {
    expect(await say(rig.port, bytes)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect((await next(1))[0]).toMatch(/^NONE_NONE\/400 N CONNECT \S+ - HIER_NONE\/- text\/html$/);
  });

  test('with our own Via is a loop', async () => {
    const reply = await say(
      rig.port,
      'CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\nVia: 1.1 sallyport\r\n\r\n',
    );
    expect(reply).toMatch(/^HTTP\/1\.1 508 Loop Detected\r\n/);
    await next(1);
  });

  test('with another server name inside is closed before anything is dialled, spliced or bumped', async () => {
    for (const host of ['ok.test', 'bump.test']) {
      const dialled = recorder.accepted;
      await expect(tlsThrough(rig.port, `${host}:443`, { servername: 'evil.test' })).rejects.toThrow();
      expect(await next(1)).toEqual([`NONE_NONE/200 0 CONNECT ${host}:443 - HIER_NONE/- -`]);
      const entry = (await rig.entries(lines)).at(-1);
      expect(entry).toMatchObject({ outcome: 'terminated', error: 'sni-mismatch', sni: 'evil.test' });
      expect(recorder.accepted).toBe(dialled);
    }
  });

  test.each([
    ['an SSH banner', 'SSH-2.0-x\r\n'],
    ['plain HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['zeros', '\0'.repeat(64)],
    ['a broken record', '\x16\x03\x01\x00\x02\x01'],
  ])('with %s inside is closed unless the rule lets it through', async (_name, bytes) => {
    const { socket } = await connectThrough(rig.port, 'ok.test:443');
    socket.end(bytes);
    expect(await readAll(socket)).toBe('');
    expect((await next(1))[0]).toMatch(/^NONE_NONE(_ABORTED)?\/200 0 CONNECT ok\.test:443 - HIER_NONE\/- -$/);
    expect(seen).toBe('');
  });

  test('that may be anything waits a second for the client, then lets the server speak first', async () => {
    const { socket } = await connectThrough(rig.port, `raw.test:${recorder.port}`);
    expect(await readUntil(socket, '\r\n')).toBe('220 the server speaks first\r\n');
    seen = '';
    socket.end('QUIT\r\n');
    await until(
      () => seen === 'QUIT\r\n',
      'the bytes at the server',
      () => seen,
    );
    socket.destroy();
    const [, tunnel] = await next(2);
    expect(tunnel).toMatch(/^TCP_TUNNEL(_ABORTED)?\/200 N - raw\.test:\d+ - HIER_DIRECT\/127\.0\.0\.1 -$/);
  });

  test('pipelined behind its own answer keeps the early bytes', async () => {
    seen = '';
    const socket = await dialProxy(rig.port);
    const authority = `raw.test:${recorder.port}`;
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\nEARLY`);
    await readUntil(socket, '220 the server speaks first\r\n');
    expect(seen).toBe('EARLY');
    socket.destroy();
    await next(2);
  });
});

test('CONNECT within a bumped tunnel is refused', async () => {
  const rig = await startRig();
  const tls = await tlsThrough(rig.port, 'sallyport.internal:443', { ca: rig.ca });
  tls.write('CONNECT sallyport.internal:443 HTTP/1.1\r\nHost: sallyport.internal:443\r\n\r\n');
  expect(await readAll(tls)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
});

test('in report mode what would be refused passes, and the log tells', async () => {
  const origin = await tcpOrigin((socket) => socket.end());
  const rig = await startRig({ hosts: { 'any.test': '127.0.0.1' }, policy: { mode: 'report', tls: 'splice' } });
  await tlsThrough(rig.port, `any.test:${origin.port}`, {}).catch(() => undefined);
  expect((await rig.entries(1))[0]).toMatchObject({
    action: 'allow',
    would_deny: true,
    rule: 'default',
    outcome: 'spliced',
  });
  await origin.close();
});
