// HTTP/2 on the ways that are not the straight one: through parents, with client certificates of ours, to origins that want
// one, and by users who are known.

import { rmSync, writeFileSync } from 'node:fs';
import { connect as connectSession, type IncomingHttpHeaders, type ServerHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer, TLSSocket } from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, type H2OriginOptions, h2Origin, h2Through, type OnStream } from '../support/h2.ts';
import { frame, PREFACE, TYPE } from '../support/h2-frames.ts';
import { httpsOrigin, listening, type Origin } from '../support/origin.ts';
import { parentAt, tunnellingParent } from '../support/parents.ts';
import { dialProxy, get, type Rig, type RigOptions, readUntil, startRig, tlsThrough, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { basic, writeUsers } from '../support/users.ts';

const ca = new TestCa();
const clients = new TestCa('Client Root');
afterAll(() => {
  rmSync(ca.folder, { recursive: true });
  rmSync(clients.folder, { recursive: true });
});
const pair = ca.leaf({ san: 'DNS:ok.test' });
const ours = clients.leaf({ cn: 'ours', extensions: ['extendedKeyUsage=clientAuth'] });
const files = { cert: join(clients.folder, 'ours.pem'), key: join(clients.folder, 'ours-key.pem') };
writeFileSync(files.cert, ours.cert);
writeFileSync(files.key, ours.key, { mode: 0o600 });

const echo: OnStream = (stream, headers) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end(`${headers[':path']} via ${headers.via}`);
};

async function startOrigin(onStream: OnStream = echo, options: H2OriginOptions = {}) {
  const origin = await h2Origin(pair, onStream, options);
  onTestFinished(() => origin.close());
  return { origin, authority: `ok.test:${origin.port}` };
}

const rigFor = (options: RigOptions = {}): Promise<Rig> =>
  startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
    ...options,
  });

const inTurn = <T>(items: readonly T[], one: (item: T) => Promise<void>): Promise<void> =>
  items.reduce((before, item) => before.then(() => one(item)), Promise.resolve());

/** A parent that is spoken to by TLS, and notes which protocols it was offered. */
async function secureParent(): Promise<Origin & { readonly offered: string[][] }> {
  const offered: string[][] = [];
  const server = createTlsServer(
    {
      ...ca.leaf({ san: 'IP:127.0.0.1' }),
      ALPNCallback: ({ protocols }) => {
        offered.push(protocols);
        return protocols[0];
      },
    },
    (socket) => {
      socket.on('error', () => undefined);
      void readUntil(socket, '\r\n\r\n').then((head) => {
        const port = Number(/^CONNECT \S+:(\d+) HTTP\/1\.1\r\n/.exec(head)?.[1]);
        const upstream = connect(port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          socket.pipe(upstream).pipe(socket);
        });
        upstream.on('error', () => socket.destroy());
      });
    },
  );
  const parent = await listening(server, '127.0.0.1');
  onTestFinished(() => parent.close());
  return Object.assign(Object.create(parent), { offered, port: parent.port });
}

describe('HTTP/2 through a parent', () => {
  test('is spoken to the origin within one tunnel, by as many streams as there are', async () => {
    const { origin, authority } = await startOrigin();
    const parent = await tunnellingParent();
    const rig = await rigFor({ servers: ['127.0.0.1:1'], hosts: {}, parents: [parentAt(parent.port)] });
    const session = await h2Through(rig, authority);
    const replies = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(session, { ':path': `/${at}` })));
    for (const [at, { body }] of replies.entries()) {
      expect(String(body)).toMatch(new RegExp(`^/${at} via 2\\.0 sallyport \\([0-9a-f]{8}\\)$`));
    }
    expect(origin.accepted).toBe(1);
    expect(parent.heads.map((head) => head.split('\r\n')[0])).toEqual([`CONNECT ${authority} HTTP/1.1`]);
    const lines = await rig.lines(21);
    expect(lines[0]).toBe(`NONE_NONE/200 0 CONNECT ${authority} - FIRSTUP_PARENT/127.0.0.1 -`);
    expect(lines[1]).toMatch(/^TCP_MISS\/200 N GET https:\/\/ok\.test:\d+\/\d+ - FIRSTUP_PARENT\/127\.0\.0\.1 text/);
    expect((await rig.entries(21))[1]).toMatchObject({ parent: 'hq', http_version: '2.0' });
  });

  test('is offered to the origin alone, and never to a parent that is spoken to by TLS', async () => {
    const { authority } = await startOrigin();
    const parent = await secureParent();
    const rig = await rigFor({ parents: [parentAt(parent.port, { secure: true, trust: [ca.rootFile] })] });
    const session = await h2Through(rig, authority);
    expect(String((await ask(session, { ':path': '/a' })).body)).toMatch(/^\/a via 2\.0 sallyport \(/);
    expect(parent.offered).toEqual([['http/1.1']]);
  });

  test('carries a body both ways, unharmed', async () => {
    const { authority } = await startOrigin((stream) => {
      stream.respond();
      stream.pipe(stream);
    });
    const parent = await tunnellingParent();
    const rig = await rigFor({ parents: [parentAt(parent.port)] });
    const body = Buffer.alloc(3 << 20, 'carried ');
    const reply = await ask(await h2Through(rig, authority), { ':method': 'POST', ':path': '/' }, body);
    expect([reply.whole, reply.body.equals(body)]).toEqual([true, true]);
  });

  test('is spoken on connections of each parent where they take turns, and one each', async () => {
    const { origin, authority } = await startOrigin();
    const parents = [await tunnellingParent(), await tunnellingParent()];
    const names = ['one', 'two'];
    const rig = await rigFor({
      parents: parents.map(({ port }, at) => parentAt(port, { name: names[at] ?? '' })),
      routes: [{ via: names, choose: 'roundRobin' }],
    });
    const session = await h2Through(rig, authority);
    await inTurn([1, 2, 3, 4, 5, 6], async () => {
      expect((await ask(session, { ':path': '/' })).status).toBe(200);
    });
    const entries = (await rig.entries(7)).slice(1);
    expect(new Set(entries.map(({ parent }) => parent))).toEqual(new Set(names));
    expect(entries.filter(({ parent }) => parent === 'one')).toHaveLength(3);
    expect(parents.map(({ heads }) => heads.length)).toEqual([1, 1]);
    expect(origin.accepted).toBe(2);
  });

  test('is not asked for again where the origin has chosen HTTP/1 through it', async () => {
    const origin = await httpsOrigin(pair, (_request, response) => void response.end('one'));
    onTestFinished(() => origin.close());
    const authority = `ok.test:${origin.port}`;
    const parent = await tunnellingParent();
    const rig = await rigFor({ parents: [parentAt(parent.port)] });
    await inTurn([1, 2, 3], async () => {
      const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['h2', 'http/1.1'] });
      expect(tls.alpnProtocol).toBe('http/1.1');
      expect(await get(tls, authority)).toContain('one');
    });
    // Each worker keeps one of its own.
    expect(origin.accepted).toBeLessThanOrEqual(WORKERS);
  });
});

describe('an origin of HTTP/2 that asks for a client certificate', () => {
  /** As h2Through, from another address of loopback. */
  async function sessionFrom(from: string, rig: Rig, authority: string) {
    const socket = connect({ host: '127.0.0.1', port: rig.port, localAddress: from });
    onTestFinished(() => void socket.destroy());
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await readUntil(socket, '\r\n\r\n');
    const tls = connectTls({ socket, servername: 'ok.test', ca: rig.ca, ALPNProtocols: ['h2'] });
    const session = connectSession(`https://${authority}`, { createConnection: () => tls });
    session.on('error', () => undefined);
    onTestFinished(() => session.destroy());
    return session;
  }

  test.each([
    ['directly', false],
    ['through a parent', true],
  ])('POOL-02: gets ours on connections that only those share whom it is for, %s', async (_name, isThrough) => {
    const { origin, authority } = await startOrigin(
      (stream) => {
        const socket = stream.session?.socket;
        const shown = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
        stream.respond();
        stream.end(shown?.subject?.CN ?? 'nobody');
      },
      { requestCert: true, rejectUnauthorized: false },
    );
    const parents = isThrough ? [parentAt((await tunnellingParent()).port)] : [];
    const rig = await rigFor({
      parents,
      clientCertificates: [{ hosts: ['ok.test'], clients: ['127.0.0.2'], ...files }],
    });
    const whose: [string, string][] = [
      ['127.0.0.2', 'ours'],
      ['127.0.0.1', 'nobody'],
      ['127.0.0.2', 'ours'],
      ['127.0.0.1', 'nobody'],
    ];
    await inTurn(whose, async ([from, who]) => {
      const session = await sessionFrom(from, rig, authority);
      expect(String((await ask(session, { ':path': '/' })).body)).toBe(who);
    });
    expect(origin.accepted).toBeGreaterThanOrEqual(2);
    expect(origin.accepted).toBeLessThanOrEqual(2 * WORKERS);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'and goes no further without one is told of by a page, %s',
    async (version) => {
      const { authority } = await startOrigin(echo, {
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: version,
        maxVersion: version,
      });
      const rig = await rigFor();
      const session = await h2Through(rig, authority);
      const begin = performance.now();
      const reply = await ask(session, { ':path': '/' });
      expect(performance.now() - begin).toBeLessThan(1_000);
      expect(reply).toMatchObject({ status: 502, headers: { 'x-squid-error': 'ERR_SECURE_CONNECT_FAIL 0' } });
      expect(String(reply.body)).toContain('client-cert-required');
      expect((await rig.entries(2))[1]).toMatchObject({ error: 'client-cert-required', status: 502 });
    },
  );

  test('and goes no further without one sees the client itself where the rule permits, from the first connection', async () => {
    const { authority } = await startOrigin(
      (stream) => {
        stream.respond();
        stream.end('the client itself');
      },
      { requestCert: true, rejectUnauthorized: true, ca: clients.root },
    );
    const policy = { rules: [{ name: 'all', hosts: ['.test'], action: 'allow', onClientCert: 'splice' }] } as const;
    const rig = await rigFor({ policy });
    const theirs = clients.leaf({ cn: 'theirs', extensions: ['extendedKeyUsage=clientAuth'] });
    await inTurn([1, 2], async () => {
      const tls = await tlsThrough(rig.port, authority, { ca: ca.root, ...theirs, ALPNProtocols: ['h2'] });
      const session = connectSession(`https://${authority}`, { createConnection: () => tls });
      session.on('error', () => undefined);
      onTestFinished(() => session.destroy());
      expect(String((await ask(session, { ':path': '/' })).body)).toBe('the client itself');
      session.close();
    });
    expect((await rig.entries(2)).map(({ exception }) => exception)).toEqual(['client-cert', 'client-cert']);
  });

  test('and has answered is not taken for one that wants it when it then breaks off', async () => {
    const { authority } = await startOrigin(
      (stream, headers) => {
        if (headers[':path'] === '/bye') stream.session?.destroy();
        else echo(stream, headers);
      },
      { requestCert: true, rejectUnauthorized: false },
    );
    const rig = await rigFor();
    const session = await h2Through(rig, authority);
    expect((await ask(session, { ':path': '/a' })).status).toBe(200);
    const reply = await ask(session, { ':path': '/bye', ':method': 'POST' }, 'x');
    expect(String(reply.body)).not.toContain('client-cert-required');
    expect((await rig.entries(3))[2]).toMatchObject({ error: 'response-aborted' });
  });

  const optional = (): ReturnType<typeof startOrigin> =>
    startOrigin(
      (stream, headers) => {
        if (headers[':path'] === '/bye') stream.session?.destroy();
        else echo(stream, headers);
      },
      { requestCert: true, rejectUnauthorized: false },
    );
  const mayPass = { rules: [{ name: 'all', hosts: ['.test'], action: 'allow', onClientCert: 'splice' }] } as const;

  // What an origin has been seen to do, the worker knows which saw it.
  test.skipIf(WORKERS > 1)(
    'and breaks off for one client is decrypted for all the others, whether it has answered before or not',
    async () => {
      const { authority } = await optional();
      const rig = await rigFor({ policy: mayPass });
      const bye = async () => ask(await h2Through(rig, authority), { ':path': '/bye', ':method': 'POST' }, 'x');
      // As before: it may have been for want of a certificate.
      expect(String((await bye()).body)).toContain('client-cert-required');
      expect((await ask(await h2Through(rig, authority), { ':path': '/a' })).status).toBe(200);
      // It goes on without one, and now that is known.
      expect(String((await bye()).body)).not.toContain('client-cert-required');
      expect((await ask(await h2Through(rig, authority), { ':path': '/b' })).status).toBe(200);
      const entries = await rig.entries(8);
      expect(entries.map(({ tls }) => tls)).toEqual(Array.from({ length: 8 }, () => 'bump'));
      const errors = [1, 3, 5, 7].map((at) => entries[at]?.['error']);
      expect(errors).toEqual(['client-cert-required', undefined, 'response-aborted', undefined]);
      expect(entries[1]?.['error_detail']).not.toContain('connect again');
    },
  );

  test('and breaks off while another tunnel begins turns away nobody but who has asked', async () => {
    const { authority } = await startOrigin(
      (stream, headers) => {
        // Time enough for another tunnel to be waiting for its no.
        if (headers[':path'] === '/later') setTimeout(() => stream.session?.destroy(), 150);
        else stream.session?.destroy();
      },
      { requestCert: true, rejectUnauthorized: false },
    );
    const rig = await rigFor({ policy: mayPass });
    const session = await h2Through(rig, authority);
    expect((await ask(session, { ':path': '/bye', ':method': 'POST' }, 'x')).status).toBe(502);
    // It may want one, so that each tunnel waits for its no; and what they share is broken off meanwhile.
    const later = ask(session, { ':path': '/later', ':method': 'POST' }, 'x');
    expect((await h2Through(rig, authority)).closed).toBe(false);
    expect((await later).status).toBe(502);
    expect((await rig.entries(4)).filter(({ tls }) => tls === 'splice')).toEqual([]);
  });
});

test('what leads around us does not pass: Alt-Svc, Alt-Used and ALTSVC frames', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const { authority } = await startOrigin((stream, headers) => {
    seen.push(headers);
    const session = stream.session as ServerHttp2Session;
    session.altsvc('h3=":443"', `https://${headers[':authority']}`);
    session.origin('https://other.test');
    stream.additionalHeaders({ ':status': 103, 'alt-svc': 'h3=":443"', link: '</a>' });
    stream.respond({ ':status': 200, 'alt-svc': 'h3=":443"', 'x-end': 'yes' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'alt-svc': 'h3=":443"', 'x-last': 'yes' }));
    stream.end();
  });
  const rig = await rigFor();
  const session = await h2Through(rig, authority);
  const frames: string[] = [];
  session.on('altsvc', () => frames.push('altsvc')).on('origin', () => frames.push('origin'));
  const stream = session.request({ ':path': '/', 'alt-used': 'ok.test' });
  const interim: IncomingHttpHeaders[] = [];
  const trailers: IncomingHttpHeaders[] = [];
  stream
    .on('headers', (headers) => void interim.push(headers))
    .on('trailers', (headers) => void trailers.push(headers));
  const head = await new Promise<IncomingHttpHeaders>((resolve) => stream.once('response', resolve));
  stream.resume();
  await new Promise((resolve) => stream.once('close', resolve));
  expect(seen[0]?.['alt-used']).toBeUndefined();
  expect(interim).toMatchObject([{ ':status': 103, link: '</a>' }]);
  expect([interim[0]?.['alt-svc'], head['alt-svc'], trailers[0]?.['alt-svc']]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect([head['x-end'], trailers[0]?.['x-last'], frames]).toEqual(['yes', 'yes', []]);
});

test('OPTIONS for all of an origin is asked as such over HTTP/2, too', async () => {
  const { authority } = await startOrigin();
  const rig = await rigFor();
  const reply = await ask(await h2Through(rig, authority), { ':method': 'OPTIONS', ':path': '*' });
  expect(String(reply.body)).toMatch(/^\* via 2\.0 sallyport/);
  expect((await rig.entries(2))[1]).toMatchObject({ method: 'OPTIONS', status: 200, http_version: '2.0' });
});

describe('a client of HTTP/2 and our certificate', () => {
  const byName = { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' as const }] };
  test('has taken it when its first request comes, and is remembered so', async () => {
    const { authority } = await startOrigin();
    const rig = await rigFor({ onReject: 'splice', policy: byName });
    expect((await ask(await h2Through(rig, authority), { ':path': '/' })).status).toBe(200);
    // Who has taken it once is never excepted, however often it goes without a word.
    await inTurn([1, 2, 3, 4], async () => {
      const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['h2'] });
      tls.end();
    });
    const entries = (await rig.entries(6)).slice(2);
    expect(entries.map(({ outcome, tls: how }) => [outcome, how])).toEqual(
      Array.from({ length: 4 }, () => ['client_rejected_certificate', 'bump']),
    );
  });

  test('has taken it when it says how it speaks, though it asks nothing: so browsers connect ahead of need', async () => {
    const { authority } = await startOrigin();
    const rig = await rigFor({ onReject: 'splice', policy: byName });
    await inTurn([1, 2, 3, 4], async () => {
      const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['h2'] });
      tls.end(Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0)]));
    });
    const entries = await rig.entries(4);
    expect(entries.map(({ outcome, tls: how, exception }) => [outcome, how, exception])).toEqual(
      Array.from({ length: 4 }, () => ['bumped', 'bump', undefined]),
    );
  });
});

describe('a user who has come by HTTP/2', () => {
  const users = writeUsers({ alice: 'a', bob: 'b' });
  afterAll(() => rmSync(users.folder, { recursive: true }));

  test('is who has sent the CONNECT, on every stream, and credentials on one go nowhere', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const { authority } = await startOrigin((stream, headers) => {
      seen.push(headers);
      echo(stream, headers);
    });
    const rig = await rigFor({
      auth: { basic: { htpasswd: users.htpasswd, realm: 'r' }, groups: {} },
      policy: {
        rules: [
          { name: 'not bob', urls: [`https://${authority}/alice`], users: ['bob'], action: 'deny' },
          { name: 'known', urls: [`https://${authority}/**`], authenticated: true, action: 'allow' },
        ],
      },
    });
    const asUser = async (user: string, password: string) => {
      const socket = await dialProxy(rig.port);
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${basic(user, password)}\r\n`);
      expect(await readUntil(socket, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
      const tls = connectTls({ socket, servername: 'ok.test', ca: rig.ca, ALPNProtocols: ['h2'] });
      const session = connectSession(`https://${authority}`, { createConnection: () => tls });
      session.on('error', () => undefined);
      onTestFinished(() => session.destroy());
      return session;
    };
    const poses = basic('alice', 'a').replace(/^.*: |\r\n$/g, '');
    for (const [user, password, status] of [
      ['alice', 'a', 200],
      ['bob', 'b', 403],
    ] as const) {
      const session = await asUser(user, password);
      const replies = await Promise.all(
        ['/alice', '/any'].map((path) => ask(session, { ':path': path, 'proxy-authorization': poses })),
      );
      expect(replies.map((reply) => reply.status)).toEqual([status, 200]);
      expect(replies.map(({ headers }) => headers['proxy-authenticate'])).toEqual([undefined, undefined]);
    }
    expect(seen).toHaveLength(3);
    expect(seen.map((headers) => headers['proxy-authorization'])).toEqual([undefined, undefined, undefined]);
    const entries = await rig.entries(6);
    expect(entries.map(({ method, user }) => `${method} ${user}`).sort()).toEqual([
      'CONNECT alice',
      'CONNECT bob',
      'GET alice',
      'GET alice',
      'GET bob',
      'GET bob',
    ]);
  });
});
