// HTTP/2 within bumped tunnels, whole: real sockets, real origins of both protocols, the lines that are left.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { type ClientHttp2Session, constants } from 'node:http2';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { watchEnd } from '../../src/http/h2-end.ts';
import { ask, h2Origin, h2Through, replyOf } from '../support/h2.ts';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { get, openRig, type Rig, readAll, startRig, tlsThrough, until, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));
const pair = ca.leaf({ san: 'DNS:ok.test' });
const hosts = { 'ok.test': '127.0.0.1' };
const policy = {
  rules: [
    { name: 'no', hosts: ['.test'], methods: ['DELETE'], action: 'deny' as const },
    { name: 'all', hosts: ['.test'], action: 'allow' as const },
  ],
};

describe('a client and an origin that both speak HTTP/2', () => {
  let origin: Origin;
  let rig: Rig;
  let authority: string;

  beforeAll(async () => {
    origin = await h2Origin(pair, (stream, headers) => {
      if (headers[':path'] === '/echo') {
        stream.respond({ ':status': 200 });
        stream.pipe(stream);
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'text/plain' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
      stream.end(`${headers[':method']} ${headers[':path']} ${headers[':authority']} via ${headers.via}`);
    });
    authority = `ok.test:${origin.port}`;
    rig = await openRig({ trust: [ca.rootFile], hosts, policy });
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await origin.close();
  });

  test('exchange a request and its reply, trailers and all, and leave a line', async () => {
    const before = (await rig.lines(0)).length;
    const session = await h2Through(rig, authority);
    const reply = await ask(session, { ':path': '/a?secret=1' });
    expect(reply).toMatchObject({ status: 200, code: 0, trailers: { 'x-end': 'yes' } });
    expect(reply.headers.via).toBe('2.0 sallyport');
    expect(reply.body.toString()).toBe(`GET /a?secret=1 ${authority} via 2.0 sallyport`);
    expect((await rig.lines(before + 2)).slice(before)).toEqual([
      `NONE_NONE/200 0 CONNECT ${authority} - HIER_DIRECT/127.0.0.1 -`,
      `TCP_MISS/200 N GET https://${authority}/a? - HIER_DIRECT/127.0.0.1 text/plain`,
    ]);
  });

  test('hundred streams at once share one connection to the origin, with a line each', async () => {
    const before = (await rig.lines(0)).length;
    const accepted = origin.accepted;
    const session = await h2Through(rig, authority);
    const replies = await Promise.all(Array.from({ length: 100 }, (_, at) => ask(session, { ':path': `/${at}` })));
    expect(replies.map(({ body }) => body.toString().split(' ')[1])).toEqual(replies.map((_, at) => `/${at}`));
    expect(origin.accepted - accepted).toBeLessThanOrEqual(1);
    const lines = (await rig.lines(before + 101)).slice(before);
    expect(lines.filter((line) => line.startsWith('TCP_MISS/200'))).toHaveLength(100);
  });
});

/** Both ways at once, and what came back is what went. */
async function fiftyMegabytes(session: ClientHttp2Session): Promise<void> {
  const piece = randomBytes(1 << 20);
  const sent = createHash('sha256');
  const got = createHash('sha256');
  const stream = session.request({ ':method': 'POST', ':path': '/echo' });
  stream.on('data', (bytes: Buffer) => void got.update(bytes));
  const ended = once(stream, 'end');
  for (let at = 0; at < 50; at += 1) {
    sent.update(piece);
    if (!stream.write(piece)) await once(stream, 'drain');
  }
  stream.end();
  await ended;
  expect(got.digest('hex')).toBe(sent.digest('hex'));
}

describe('fifty megabytes up and down', () => {
  const echo: RequestListener = (request, response) => void request.pipe(response);

  test('from HTTP/2 to HTTP/2', { timeout: 30_000 }, async () => {
    const origin = await h2Origin(pair, (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    await fiftyMegabytes(await h2Through(rig, `ok.test:${origin.port}`));
    expect((await rig.entries(2))[1]).toMatchObject({ bytes_in: 50 << 20, outcome: 'forwarded' });
  });

  test('from HTTP/2 to HTTP/1, for a client that has nothing else', { timeout: 30_000 }, async () => {
    const origin = await httpsOrigin(pair, echo);
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    await fiftyMegabytes(await h2Through(rig, `ok.test:${origin.port}`));
    expect((await rig.entries(2))[1]).toMatchObject({ bytes_in: 50 << 20, outcome: 'forwarded' });
  });
});

describe('the protocol that a client is offered', () => {
  const negotiated = async (rig: Rig, authority: string, alpn: string[]): Promise<string | false | null> => {
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: alpn });
    const { alpnProtocol } = tls;
    tls.destroy();
    return alpnProtocol;
  };
  const any = ['h2', 'http/1.1'];

  test('is HTTP/2 where the origin has chosen it, HTTP/1 where it has not, and never what the client did not offer', async () => {
    const both = await h2Origin(pair, (stream) => stream.respond(undefined, { endStream: true }), { allowHTTP1: true });
    const old = await httpsOrigin(pair, (_request, response) => void response.end());
    onTestFinished(async () => void (await Promise.all([both.close(), old.close()])));
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    expect(await negotiated(rig, `ok.test:${both.port}`, any)).toBe('h2');
    expect(await negotiated(rig, `ok.test:${both.port}`, ['http/1.1'])).toBe('http/1.1');
    expect(await negotiated(rig, `ok.test:${old.port}`, any)).toBe('http/1.1');
    expect(await negotiated(rig, `ok.test:${old.port}`, ['h2'])).toBe('h2');
    expect(await negotiated(rig, 'sallyport.internal:443', any)).toBe('h2');
  });

  test('is never HTTP/2 where the config says so', async () => {
    const both = await h2Origin(pair, (stream) => stream.respond(undefined, { endStream: true }), { allowHTTP1: true });
    onTestFinished(() => both.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy, http2: false });
    expect(await negotiated(rig, `ok.test:${both.port}`, any)).toBe('http/1.1');
    expect(await negotiated(rig, 'sallyport.internal:443', any)).toBe('http/1.1');
  });

  test('does not cost a known origin of HTTP/1 a second connection', async () => {
    const old = await httpsOrigin(pair, (_request, response) => void response.end());
    onTestFinished(() => old.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    for (let at = 0; at < 3; at += 1) await negotiated(rig, `ok.test:${old.port}`, any);
    // Each worker keeps one of its own.
    expect(old.accepted).toBeGreaterThanOrEqual(1);
    expect(old.accepted).toBeLessThanOrEqual(WORKERS);
  });
});

describe('an HTTP/1 client', () => {
  // It is the worker's, and the two clients may fall to two of them.
  test.skipIf(WORKERS > 1)(
    'goes over a connection of HTTP/2 that there is already',
    async () => {
      const origin = await h2Origin(
        pair,
        (stream) => {
          stream.respond({ ':status': 200, 'x-from': 'h2' }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
          stream.pipe(stream);
        },
        { allowHTTP1: true },
      );
      onTestFinished(() => origin.close());
      const authority = `ok.test:${origin.port}`;
      const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
      const session = await h2Through(rig, authority);
      await ask(session, { ':path': '/' });
      const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['http/1.1'] });
      const body = randomBytes(50 << 20);
      tls.write(`POST / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`);
      tls.write(body);
      const reply = await readAll(tls);
      expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*x-from: h2\r\n/);
      const chunks = Buffer.from(reply.slice(reply.indexOf('\r\n\r\n') + 4), 'latin1');
      expect(hashOf(unchunked(chunks))).toBe(hashOf(body));
      expect(reply.slice(-20)).toMatch(/0\r\nx-end: yes\r\n\r\n$/);
      expect(origin.accepted).toBe(1);
    },
    30_000,
  );
});

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function unchunked(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (size === 0) break;
    pieces.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(pieces);
}

describe('an origin that has nothing but HTTP/2', () => {
  const asked = async (http2: boolean): Promise<string> => {
    const origin = await h2Origin(pair, (stream) => {
      stream.respond();
      stream.end('by HTTP/2');
    });
    onTestFinished(() => origin.close());
    const authority = `ok.test:${origin.port}`;
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy, http2 });
    return get(await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['http/1.1'] }), authority);
  };

  test('serves a client of HTTP/1', async () => {
    expect(await asked(true)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*by HTTP\/2/);
  });

  test('is told of where HTTP/2 is turned off', async () => {
    expect(await asked(false)).toMatch(/^HTTP\/1\.1 503 [\s\S]*upstream-tls/);
  });
});

describe('one stream of many', () => {
  test('FRONT-04: is refused by its own policy or for another authority, and the others go on', async () => {
    const origin = await h2Origin(pair, (stream) => {
      stream.respond();
      stream.end('here');
    });
    onTestFinished(() => origin.close());
    const authority = `ok.test:${origin.port}`;
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const session = await h2Through(rig, authority);
    const [denied, other, elsewhere, own] = await Promise.all([
      ask(session, { ':method': 'DELETE', ':path': '/x' }),
      ask(session, { ':path': '/ok' }),
      ask(session, { ':path': '/', ':authority': 'blocked.test' }),
      ask(session, { ':path': '/', ':authority': 'ok.test:1' }),
    ]);
    expect(denied).toMatchObject({ status: 403, headers: { 'x-squid-error': 'ERR_ACCESS_DENIED 0' } });
    expect(other.body.toString()).toBe('here');
    expect(elsewhere).toMatchObject({ status: 421, headers: { 'x-squid-error': 'ERR_CONFLICT_HOST 0' } });
    expect(own.status).toBe(421);
    const entries = await rig.entries(5);
    expect(entries.map(({ error }) => error).sort()).toEqual([
      'denied',
      'host-mismatch',
      'host-mismatch',
      undefined,
      undefined,
    ]);
    expect(entries.find(({ rule }) => rule === 'no')).toMatchObject({ method: 'DELETE', outcome: 'denied' });
  });

  test('that the client resets is reset to the origin, and is aborted in the log', async () => {
    const codes: number[] = [];
    const origin = await h2Origin(pair, (stream, headers) => {
      stream.respond();
      if (headers[':path'] !== '/slow') stream.end('quick');
      else {
        stream.write('begin');
        stream.on('close', () => codes.push(stream.rstCode));
      }
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const session = await h2Through(rig, `ok.test:${origin.port}`);
    const slow = session.request({ ':path': '/slow' });
    slow.on('error', () => undefined);
    await once(slow, 'data');
    slow.close(constants.NGHTTP2_CANCEL);
    await until(() => codes.length === 1, 'the reset at the origin');
    expect(codes).toEqual([constants.NGHTTP2_CANCEL]);
    expect((await ask(session, { ':path': '/' })).body.toString()).toBe('quick');
    const entries = await rig.entries(3);
    expect(entries.find(({ outcome }) => outcome === 'aborted')).toMatchObject({
      error: 'client-aborted',
      status: 200,
    });
  });

  test.each([
    ['before its head', false, {}],
    ['behind its head', true, {}],
    ['behind a head that tells its length', true, { 'content-length': '100' }],
  ])('that the origin resets %s is reset to the client, as it says', async (_, begun, fields) => {
    const origin = await h2Origin(pair, (stream) => {
      if (begun) {
        stream.respond(fields, { waitForTrailers: true });
        stream.write('begin', () => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM));
      } else stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const session = await h2Through(rig, `ok.test:${origin.port}`);
    const reply = await ask(session, { ':path': '/' });
    const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR } = constants;
    expect(reply.code).toBe('content-length' in fields ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_ENHANCE_YOUR_CALM);
    expect(reply.whole).toBe(false);
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'aborted', error: 'response-aborted' });
  });

  test.each([
    ['an error', constants.NGHTTP2_CANCEL],
    ['none', constants.NGHTTP2_NO_ERROR],
  ])('whose upload the client breaks off by a reset with %s is never whole to the origin', async (_, code) => {
    const ends: string[] = [];
    const origin = await h2Origin(pair, (stream) => {
      const isWhole = watchEnd(stream);
      stream.resume();
      stream.on('close', () => ends.push(isWhole() ? 'whole' : 'broken off'));
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const session = await h2Through(rig, `ok.test:${origin.port}`);
    const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false, waitForTrailers: true });
    stream.on('error', () => undefined);
    stream.write('half', () => stream.close(code));
    await until(() => ends.length === 1, 'the end at the origin');
    expect(ends).toEqual(['broken off']);
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'aborted', error: 'client-aborted' });
  });

  test('that the origin has refused unseen is tried once more, on a new connection', async () => {
    let seen = 0;
    const origin = await h2Origin(pair, (stream) => {
      seen += 1;
      if (seen === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else {
        stream.respond();
        stream.end('second');
      }
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const session = await h2Through(rig, `ok.test:${origin.port}`);
    const reply = await ask(session, { ':method': 'POST', ':path': '/' });
    expect(reply.body.toString()).toBe('second');
  });

  test('for which the origin wants HTTP/1 goes by that', async () => {
    const origin = await h2Origin(pair, (stream) => stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED), {
      allowHTTP1: true,
      onRequest: (request, response) => void response.end(`by ${request.httpVersion}`),
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const session = await h2Through(rig, `ok.test:${origin.port}`);
    expect(await ask(session, { ':path': '/' })).toMatchObject({ code: 0, body: Buffer.from('by 1.1') });
  });
});

describe('an origin that says goodbye', () => {
  test('gets no further stream on that connection, and the one under way ends well', async () => {
    let sessions = 0;
    const origin = await h2Origin(pair, (stream) => {
      stream.respond();
      stream.write('one ');
      const { session } = stream;
      if (!session) throw new Error('no session');
      if (Reflect.get(session, 'seen') === undefined) {
        sessions += 1;
        Reflect.set(session, 'seen', true);
      }
      session.goaway(constants.NGHTTP2_NO_ERROR, stream.id ?? 0);
      setTimeout(() => stream.end('two'), 20);
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const session = await h2Through(rig, `ok.test:${origin.port}`);
    for (let at = 1; at <= 3; at += 1) {
      expect((await ask(session, { ':path': '/' })).body.toString()).toBe('one two');
      expect(sessions).toBe(at);
    }
  });

  test('by closing under way cuts those streams, and they are never taken for whole', async () => {
    const origin = await h2Origin(pair, (stream) => {
      stream.respond();
      stream.write('begin', () => stream.session?.destroy());
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const session = await h2Through(rig, `ok.test:${origin.port}`);
    const reply = await ask(session, { ':path': '/' });
    expect(reply.whole).toBe(false);
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'aborted', error: 'response-aborted' });
  });
});

describe('the self-test host', () => {
  test('answers by HTTP/2 too', async () => {
    const rig = await startRig({});
    const session = await h2Through(rig, 'sallyport.internal:443');
    const [report, pem, none] = await Promise.all([
      ask(session, { ':path': '/', ':authority': 'sallyport.internal' }),
      ask(session, { ':path': '/ca.pem', ':authority': 'sallyport.internal' }),
      ask(session, { ':path': '/none', ':authority': 'sallyport.internal' }),
    ]);
    expect(JSON.parse(report.body.toString())).toMatchObject({ proxied: true, decrypted: true, trusted: true });
    expect(pem.body.toString()).toBe(rig.ca);
    expect(none.status).toBe(400);
  });
});

describe('a proxy that is stopped', () => {
  test('lets the streams under way end, and takes no more', async () => {
    const origin = await h2Origin(pair, (stream) => {
      stream.respond();
      stream.write('one ');
      setTimeout(() => stream.end('two'), 200);
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const session = await h2Through(rig, `ok.test:${origin.port}`);
    const stream = session.request({ ':path': '/' });
    const reply = replyOf(stream);
    await once(stream, 'response');
    const goaway = once(session, 'goaway');
    const closed = rig.proxy.close(5_000);
    await goaway;
    expect((await reply).body.toString()).toBe('one two');
    await closed;
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'forwarded', status: 200 });
  });
});

describe('a client that does not read', () => {
  test('is given up at the deadline, without more of the reply than its window and ours hold', async () => {
    let written = 0;
    const origin = await h2Origin(pair, (stream) => {
      stream.respond();
      const piece = Buffer.alloc(65_536);
      const more = (): void => {
        while (!stream.destroyed && written < 200 << 20) {
          written += piece.length;
          if (!stream.write(piece)) {
            stream.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    onTestFinished(() => origin.close());
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy, limits: { bodyTimeout: 400 } });
    const session = await h2Through(rig, `ok.test:${origin.port}`);
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => undefined);
    await once(stream, 'response');
    stream.pause();
    await rig.entries(2);
    expect(written).toBeLessThan(4 << 20);
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'aborted', status: 200 });
  });
});
