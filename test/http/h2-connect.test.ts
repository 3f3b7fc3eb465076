// CONNECT on a stream of HTTP/2 to the proxy itself: each one a tunnel, told, decided and ended as on a connection.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { constants } from 'node:http2';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { isConnect } from '../../src/http/h2-connect.ts';
import { ask, h2Origin } from '../support/h2.ts';
import { connectOn, gone, h2ToProxy, tlsOn, tlsToProxy } from '../support/h2-proxy.ts';
import { httpOrigin, httpsOrigin, tcpOrigin } from '../support/origin.ts';
import { get, type Rig, type RigOptions, say, startRig, until, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { basic, writeUsers } from '../support/users.ts';

const ca = new TestCa();
const users = writeUsers({ alice: 'a' });
afterAll(() => {
  rmSync(ca.folder, { recursive: true });
  rmSync(users.folder, { recursive: true });
});
const pair = ca.leaf({ san: 'DNS:ok.test' });

const rigFor = (tls: 'bump' | 'splice' | 'tunnel' | 'terminate' = 'bump', options: RigOptions = {}): Promise<Rig> =>
  startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1', 'no.test': '127.0.0.1' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow', tls }] },
    ...options,
  });

describe('the protocol to the proxy', () => {
  test('is HTTP/2 where the client offers it, and never where the config says so', async () => {
    expect((await tlsToProxy(await rigFor())).alpnProtocol).toBe('h2');
    expect((await tlsToProxy(await rigFor(), { ALPNProtocols: ['http/1.1'] })).alpnProtocol).toBe('http/1.1');
    expect((await tlsToProxy(await rigFor('bump', { http2: false }))).alpnProtocol).toBe('http/1.1');
  });

  test('carries plain requests, many at once, with a line each', async () => {
    const origin = await httpOrigin((request, response) => response.end(`${request.headers.via} ${request.url}`));
    onTestFinished(() => origin.close());
    const rig = await rigFor();
    const session = await h2ToProxy(rig);
    const to = { ':scheme': 'http', ':authority': `ok.test:${origin.port}` };
    const replies = await Promise.all([1, 2, 3].map((at) => ask(session, { ...to, ':path': `/${at}` })));
    expect(replies.map(({ body }) => body.toString())).toEqual([1, 2, 3].map((at) => `2.0 sallyport /${at}`));
    expect((await rig.lines(3)).sort()).toEqual(
      [1, 2, 3].map((at) => `TCP_MISS/200 N GET http://ok.test:${origin.port}/${at} - HIER_DIRECT/127.0.0.1 -`),
    );
    expect(await ask(session, { ...to, ':authority': 'no.test', ':path': '/' })).toMatchObject({ status: 403 });
  });

  test('carries OPTIONS for all of an origin to that, and for all of us no further', async () => {
    const origin = await httpOrigin((request, response) => response.end(`${request.method} ${request.url}`));
    onTestFinished(() => origin.close());
    const rig = await rigFor();
    const session = await h2ToProxy(rig);
    const all = { ':method': 'OPTIONS', ':path': '*' };
    const far = await ask(session, { ...all, ':scheme': 'http', ':authority': `ok.test:${origin.port}` });
    expect([far.status, far.body.toString()]).toEqual([200, 'OPTIONS *']);
    const own = await ask(session, { ...all, ':authority': `localhost:${rig.port}` });
    expect([own.status, own.body.toString()]).toEqual([200, '']);
    expect(await rig.lines(2)).toEqual([
      `TCP_MISS/200 N OPTIONS http://ok.test:${origin.port} - HIER_DIRECT/127.0.0.1 -`,
      'NONE_NONE/200 N OPTIONS * - HIER_NONE/- text/plain',
    ]);
  });

  test('brings our own pages to who asks for them by our name', async () => {
    const rig = await rigFor();
    const session = await h2ToProxy(rig);
    const page = await ask(session, { ':path': '/', ':authority': `localhost:${rig.port}` });
    expect(page.body.toString()).toContain('This is a Sallyport proxy');
    const other = await ask(session, { ':path': '/', ':authority': `127.0.0.1:${rig.port}`, ':scheme': 'http' });
    expect(other.status).toBe(403);
  });
});

describe('a CONNECT on a stream', () => {
  test('is a tunnel that is decrypted, beside others on the same connection', async () => {
    const origin = await httpsOrigin(pair, (_request, response) => response.end('inside'));
    onTestFinished(() => origin.close());
    const rig = await rigFor();
    const session = await h2ToProxy(rig);
    const authority = `ok.test:${origin.port}`;
    const replies = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { stream, status } = await connectOn(session, authority);
        expect(status).toBe(200);
        return get(await tlsOn(stream, 'ok.test', { ca: rig.ca }), authority);
      }),
    );
    for (const reply of replies) expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*inside/);
    const lines = await rig.lines(40);
    const told = (line: string): number => lines.filter((one) => one === line).length;
    expect(told(`NONE_NONE/200 0 CONNECT ${authority} - HIER_DIRECT/127.0.0.1 -`)).toBe(20);
    expect(told(`TCP_MISS/200 N GET https://${authority}/ - HIER_DIRECT/127.0.0.1 -`)).toBe(20);
  });

  test('has HTTP/2 inside, too', async () => {
    const origin = await h2Origin(pair, (stream) => {
      stream.respond();
      stream.end('h2 in h2');
    });
    onTestFinished(() => origin.close());
    const rig = await rigFor();
    const { stream } = await connectOn(await h2ToProxy(rig), `ok.test:${origin.port}`);
    const tls = await tlsOn(stream, 'ok.test', { ca: rig.ca, ALPNProtocols: ['h2'] });
    const { connect } = await import('node:http2');
    const inner = connect(`https://ok.test:${origin.port}`, { createConnection: () => tls });
    onTestFinished(() => inner.destroy());
    expect((await ask(inner, { ':path': '/' })).body.toString()).toBe('h2 in h2');
  });

  test('passes unread where the rule says so', async () => {
    const origin = await httpsOrigin(pair, (_request, response) => response.end('unread'));
    onTestFinished(() => origin.close());
    const rig = await rigFor('splice');
    const authority = `ok.test:${origin.port}`;
    const { stream } = await connectOn(await h2ToProxy(rig), authority);
    const tls = await tlsOn(stream, 'ok.test', { ca: ca.root });
    expect(await get(tls, authority)).toContain('unread');
    expect(await rig.lines(1)).toEqual([`TCP_TUNNEL/200 N CONNECT ${authority} - HIER_DIRECT/127.0.0.1 -`]);
  });

  test.each<['bump' | 'splice' | 'tunnel']>([['bump'], ['splice'], ['tunnel']])(
    'carries 20 MB each way, %s',
    async (tls) => {
      const origin =
        tls === 'tunnel'
          ? await tcpOrigin((socket) => void socket.pipe(socket))
          : await httpsOrigin(pair, (request, response) => void request.pipe(response));
      onTestFinished(() => origin.close());
      const rig = await rigFor(tls);
      const { stream } = await connectOn(await h2ToProxy(rig), `ok.test:${origin.port}`);
      const trust = tls === 'bump' ? rig.ca : ca.root;
      const pipe = tls === 'tunnel' ? stream : await tlsOn(stream, 'ok.test', { ca: trust });
      const body = randomBytes(20 << 20);
      const got = createHash('sha256');
      let bytes = 0;
      const whole = Promise.withResolvers<void>();
      let inBody = tls === 'tunnel';
      pipe.on('data', (piece: Buffer) => {
        const from = inBody ? 0 : piece.indexOf('\r\n\r\n') + 4;
        inBody = true;
        bytes += piece.length - from;
        got.update(piece.subarray(from));
        if (bytes >= body.length) whole.resolve();
      });
      const head = `POST / HTTP/1.1\r\nHost: ok.test:${origin.port}\r\nContent-Length: ${body.length}\r\nX: y\r\n\r\n`;
      if (tls !== 'tunnel') pipe.write(head.replace('X: y', 'Connection: keep-alive'));
      pipe.write(body);
      if (tls === 'tunnel') {
        await whole.promise;
        expect(got.digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
        pipe.end();
        await once(pipe, 'end');
        expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
      } else
        await until(
          () => bytes > body.length,
          'all of it',
          () => String(bytes),
          20_000,
        );
    },
    30_000,
  );

  test('lets one half end while the other still flows', async () => {
    const origin = await tcpOrigin((socket) => {
      socket.on('end', () => socket.end('after yours')).resume();
    });
    onTestFinished(() => origin.close());
    const rig = await rigFor('tunnel');
    const { stream } = await connectOn(await h2ToProxy(rig), `ok.test:${origin.port}`);
    stream.end('begin');
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    await gone(stream);
    expect(Buffer.concat(pieces).toString()).toBe('after yours');
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    expect((await rig.lines(2))[1]).toMatch(/^TCP_TUNNEL\/200 N - ok\.test:\d+ - HIER_DIRECT/);
  });

  test('is reset with CONNECT_ERROR where the origin breaks off, and the other streams go on', async () => {
    const origin = await tcpOrigin((socket) => void socket.once('data', () => socket.resetAndDestroy()));
    onTestFinished(() => origin.close());
    const rig = await rigFor('tunnel');
    const session = await h2ToProxy(rig);
    const { stream } = await connectOn(session, `ok.test:${origin.port}`);
    stream.resume().write('x');
    await gone(stream);
    expect(stream.rstCode).toBe(constants.NGHTTP2_CONNECT_ERROR);
    expect((await rig.lines(2))[1]).toMatch(/^TCP_TUNNEL_ABORTED\/200 /);
    expect((await connectOn(session, `ok.test:${origin.port}`)).status).toBe(200);
  });

  test('resets the connection of its origin where the client resets it', async () => {
    const ended = Promise.withResolvers<string>();
    const origin = await tcpOrigin((socket) => {
      socket.resume().on('error', (error: NodeJS.ErrnoException) => ended.resolve(error.code ?? ''));
      socket.on('end', () => ended.resolve('end')).write('hello');
    });
    onTestFinished(() => origin.close());
    const rig = await rigFor('tunnel');
    const { stream } = await connectOn(await h2ToProxy(rig), `ok.test:${origin.port}`);
    stream.write('x');
    await once(stream, 'data');
    stream.close(constants.NGHTTP2_CANCEL);
    expect(await ended.promise).toBe('ECONNRESET');
    expect((await rig.lines(2))[1]).toMatch(/^TCP_TUNNEL_ABORTED\/200 /);
  });

  test('is refused by a reply with a page, and the connection goes on', async () => {
    const rig = await rigFor();
    const session = await h2ToProxy(rig);
    const { status, headers, stream } = await connectOn(session, 'no.test:443');
    expect(status).toBe(403);
    expect(headers).toMatchObject({ 'x-squid-error': 'ERR_ACCESS_DENIED 0' });
    let page = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      page += text;
    });
    await gone(stream);
    expect(page).toContain('no.test:443');
    expect(await rig.lines(1)).toEqual(['TCP_DENIED/403 N CONNECT no.test:443 - HIER_NONE/- text/html']);
    expect((await connectOn(session, 'no.test:443')).status).toBe(403);
  });

  test.each([
    ['text/html', 'text/html; charset=utf-8'],
    ['*/*', 'text/plain; charset=utf-8'],
    ['application/json', 'application/json'],
    ['text/plain', 'text/plain; charset=utf-8'],
  ])('is refused by the same fields and words as on a connection, for Accept: %s', async (accept, type) => {
    const rules = [{ name: 'closed', hosts: ['no.test'], action: 'deny', message: 'Ask the team.' }] as const;
    const rig = await rigFor('bump', { policy: { rules }, refusals: { contact: 'ask@a.test' } });
    const { headers, stream } = await connectOn(await h2ToProxy(rig), 'no.test:443', { accept });
    let page = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      page += text;
    });
    await gone(stream);
    const answer = await say(
      rig.port,
      `CONNECT no.test:443 HTTP/1.1\r\nHost: no.test:443\r\nAccept: ${accept}\r\n\r\n`,
    );
    const [head = '', body = ''] = answer.split(/\r\n\r\n([\s\S]*)/);
    const fields = head
      .split('\r\n')
      .slice(1)
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)])
      .filter(([name]) => name !== 'connection');
    // Each answer has an id of its own.
    const plain = (text: string, id: unknown): string => text.replaceAll(String(id), 'ID');
    const ours = new Map(fields.map(([name = '', value = '']) => [name, value]));
    const { ':status': status, 'x-proxy-request': id, date: _, ...others } = headers;
    expect([status, headers['content-type']]).toEqual([403, type]);
    expect(plain(page, id)).toBe(plain(body, ours.get('x-proxy-request')));
    ours.delete('x-proxy-request');
    ours.delete('date');
    for (const [name, value] of ours) expect([name, String(others[name])]).toEqual([name, value]);
    expect(page).toContain('Ask the team.');
    expect(page).toContain('ask@a.test');
  });

  test('is closed without a word where the rule says so', async () => {
    const rig = await rigFor('terminate');
    const session = await h2ToProxy(rig);
    const { status, stream } = await connectOn(session, 'ok.test:443');
    expect([status, stream.rstCode]).toEqual([0, constants.NGHTTP2_CONNECT_ERROR]);
    expect(await rig.lines(1)).toEqual(['NONE_NONE/000 0 CONNECT ok.test:443 - HIER_NONE/- -']);
    expect(session.destroyed).toBe(false);
  });

  test('is asked who it is of by a 407, and goes on with credentials', async () => {
    const origin = await httpsOrigin(pair, (request, response) => response.end(String(request.rawHeaders)));
    onTestFinished(() => origin.close());
    const rig = await rigFor('bump', {
      auth: { basic: { htpasswd: users.htpasswd, realm: 'r' }, groups: {} },
      policy: { rules: [{ name: 'alice', hosts: ['ok.test'], users: ['alice'], action: 'allow' }] },
    });
    const session = await h2ToProxy(rig);
    const authority = `ok.test:${origin.port}`;
    const first = await connectOn(session, authority);
    expect([first.status, first.headers['proxy-authenticate']]).toEqual([407, expect.stringMatching(/^Basic /)]);
    const [, credentials = ''] = /: (.*)\r\n/.exec(basic('alice', 'a')) ?? [];
    const second = await connectOn(session, authority, { 'proxy-authorization': credentials });
    expect(second.status).toBe(200);
    const reply = await get(await tlsOn(second.stream, 'ok.test', { ca: rig.ca }), authority);
    expect(reply).not.toMatch(/proxy-authorization/i);
    expect((await rig.entries(3)).map(({ status, user }) => [status, user])).toEqual([
      [407, undefined],
      [200, 'alice'],
      [200, 'alice'],
    ]);
  });

  test('of another server name than its own is ended', async () => {
    const rig = await rigFor('bump', { limits: { handshakeTimeout: 2_000 } });
    const origin = await httpsOrigin(pair, (_request, response) => void response.end());
    onTestFinished(() => origin.close());
    const { stream } = await connectOn(await h2ToProxy(rig), `ok.test:${origin.port}`);
    await expect(tlsOn(stream, 'no.test', { ca: rig.ca })).rejects.toThrow();
    expect((await rig.entries(1))[0]).toMatchObject({ error: 'sni-mismatch', outcome: 'terminated' });
  });

  test('that says nothing is reset at the deadline of a hello', async () => {
    const rig = await rigFor('bump', { limits: { handshakeTimeout: 150 } });
    const origin = await httpsOrigin(pair, (_request, response) => void response.end());
    onTestFinished(() => origin.close());
    const { stream } = await connectOn(await h2ToProxy(rig), `ok.test:${origin.port}`);
    await gone(stream.resume());
    expect(stream.rstCode).toBe(constants.NGHTTP2_CONNECT_ERROR);
    expect((await rig.entries(1))[0]).toMatchObject({ error: 'hello-timeout', outcome: 'timed_out' });
  });

  test('takes a place as a connection would, and gives it back', async () => {
    const origin = await tcpOrigin((socket) => void socket.pipe(socket));
    onTestFinished(() => origin.close());
    const rig = await rigFor('tunnel', { limits: { connectionsPerClient: 3 * WORKERS } });
    const session = await h2ToProxy(rig);
    const authority = `ok.test:${origin.port}`;
    const [one, two] = [await connectOn(session, authority), await connectOn(session, authority)];
    expect([one.status, two.status]).toEqual([200, 200]);
    expect((await connectOn(session, authority)).status).toBe(429);
    one.stream.resume().end();
    await gone(one.stream);
    expect((await connectOn(session, authority)).status).toBe(200);
    two.stream.destroy();
  });

  test('goes on at a drain, behind a GOAWAY, until it ends', async () => {
    const origin = await tcpOrigin((socket) => void socket.pipe(socket));
    onTestFinished(() => origin.close());
    const rig = await rigFor('tunnel');
    const session = await h2ToProxy(rig);
    const { stream } = await connectOn(session, `ok.test:${origin.port}`);
    const goaway = once(session, 'goaway');
    const closed = rig.proxy.close(10_000);
    expect((await goaway)[0]).toBe(constants.NGHTTP2_NO_ERROR);
    stream.write('still');
    expect(String((await once(stream, 'data'))[0])).toBe('still');
    stream.resume().end();
    await closed;
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });
});

describe('a head', () => {
  test.each<[string, string[], boolean]>([
    ['of a CONNECT is one', [':method', 'CONNECT', ':authority', 'a:1'], true],
    ['of a CONNECT in any order', [':authority', 'a:1', ':method', 'CONNECT'], true],
    ['of an extended CONNECT is none', [':method', 'CONNECT', ':protocol', 'websocket', ':path', '/'], false],
    ['of another method is none', [':method', 'GET', ':path', '/'], false],
    ['that only looks like one is none', [':method', 'GET', 'x', 'y', ':method', 'CONNECT'], false],
  ])('%s', (_, raw, expected) => {
    expect(isConnect(raw)).toBe(expected);
  });
});
