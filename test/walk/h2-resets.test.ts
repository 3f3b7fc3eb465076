// A reply or a body that is cut: by which code each side of the proxy hears of it (RFC 9113 section 7), and never as its end.

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { watchEnd } from '../../src/http/h2-end.ts';
import { h2Origin, h2Through, replyOf } from '../support/h2.ts';
import { fields, frame, RawH2, requestFields, setting, TYPE, uint32 } from '../support/h2-frames.ts';
import { gone } from '../support/h2-proxy.ts';
import { httpsOrigin } from '../support/origin.ts';
import { readAll, readUntil, startRig, tlsThrough, until, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));
const pair = ca.leaf({ san: 'DNS:ok.test' });
const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR } = constants;

async function start(port: number) {
  const rig = await startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
  });
  return { rig, session: await h2Through(rig, `ok.test:${port}`) };
}

describe('a reply that its origin cuts', () => {
  test.each<[string, OutgoingHttpHeaders, number]>([
    // node:http2 has one code for a reply whose end it would else tell.
    ['with a length, by INTERNAL_ERROR', { 'content-length': '10' }, NGHTTP2_INTERNAL_ERROR],
    ['without a length, by the code of the origin', {}, NGHTTP2_ENHANCE_YOUR_CALM],
  ])('by a reset is reset to the client: %s', async (_, head, code) => {
    const streams: ServerHttp2Stream[] = [];
    const origin = await h2Origin(pair, (stream) => {
      streams.push(stream);
      stream.respond({ ':status': 200, ...head }, { waitForTrailers: true });
      stream.write('five.');
    });
    onTestFinished(() => origin.close());
    const { rig, session } = await start(origin.port);
    const stream = session.request({ ':path': '/' });
    const reply = replyOf(stream);
    await once(stream, 'data');
    streams[0]?.close(NGHTTP2_ENHANCE_YOUR_CALM);
    expect(await reply).toMatchObject({ status: 200, code, whole: false });
    expect((await rig.entries(2))[1]).toMatchObject({
      ...{ outcome: 'aborted', error: 'response-aborted' },
      error_detail: expect.stringContaining('ENHANCE_YOUR_CALM'),
    });
  });

  test.each<[string, OutgoingHttpHeaders]>([
    ['with a length', { 'content-length': '10' }],
    ['without a length', {}],
  ])('by its connection of HTTP/1 is reset to the client: %s', async (_, head) => {
    let cut = (): void => undefined;
    const origin = await httpsOrigin(pair, (request, response) => {
      cut = () => void request.socket.destroy();
      response.writeHead(200, head);
      response.write('five.');
    });
    onTestFinished(() => origin.close());
    const { rig, session } = await start(origin.port);
    const stream = session.request({ ':path': '/' });
    const reply = replyOf(stream);
    await once(stream, 'data');
    cut();
    expect(await reply).toMatchObject({ status: 200, code: NGHTTP2_INTERNAL_ERROR, whole: false });
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'aborted', error: 'response-aborted' });
  });
});

describe('a body that its client cuts', () => {
  test.each<[string, OutgoingHttpHeaders]>([
    ['with a length', { 'content-length': '10' }],
    ['without a length', {}],
  ])('is reset to the origin by CANCEL, never ended: %s', async (_, head) => {
    const arrived = Promise.withResolvers<ServerHttp2Stream>();
    const origin = await h2Origin(pair, (stream) => void stream.once('data', () => arrived.resolve(stream)));
    onTestFinished(() => origin.close());
    const { rig, session } = await start(origin.port);
    const stream = session.request({ ':method': 'POST', ':path': '/', ...head }, { endStream: false });
    stream.on('error', () => undefined).write('five.');
    const there = await arrived.promise;
    const isWhole = watchEnd(there);
    stream.close(NGHTTP2_ENHANCE_YOUR_CALM);
    await gone(there.resume());
    expect([there.rstCode, isWhole()]).toEqual([NGHTTP2_CANCEL, false]);
    expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'aborted', error: 'client-aborted', status: 0 });
  });
});

// It is the worker's connection, and the client may fall to another.
describe.skipIf(WORKERS > 1)('an HTTP/1 client on a connection of HTTP/2 that there is already', () => {
  async function begin(serve: (stream: ServerHttp2Stream) => void) {
    let isFirst = true;
    const serveBoth = (stream: ServerHttp2Stream): void => {
      // By HTTP/2, for the connection.
      if (isFirst) stream.respond({}, { endStream: true });
      else serve(stream);
      isFirst = false;
    };
    const origin = await h2Origin(pair, serveBoth, { allowHTTP1: true });
    onTestFinished(() => origin.close());
    const { rig, session } = await start(origin.port);
    await replyOf(session.request({ ':path': '/' }));
    const authority = `ok.test:${origin.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['http/1.1'] });
    onTestFinished(() => void tls.destroy());
    return { rig, tls, authority };
  }

  test('never takes a reply that was reset for the whole', async () => {
    const streams: ServerHttp2Stream[] = [];
    const { rig, tls, authority } = await begin((stream) => {
      streams.push(stream);
      // Else node:http2 ends the body before it resets.
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.write('five.');
    });
    tls.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    expect(await readUntil(tls, 'five.\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*transfer-encoding: chunked/i);
    streams[0]?.close(NGHTTP2_ENHANCE_YOUR_CALM);
    // Nothing more, not the end of the body either.
    expect(await readAll(tls)).toBe('');
    expect((await rig.entries(4)).at(-1)).toMatchObject({ outcome: 'aborted', error: 'response-aborted' });
  });

  test('that goes away within its body has the stream reset by CANCEL, never ended', async () => {
    const arrived = Promise.withResolvers<ServerHttp2Stream>();
    const { rig, tls, authority } = await begin((stream) => void stream.once('data', () => arrived.resolve(stream)));
    tls.on('error', () => undefined);
    tls.write(`POST / HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: 10\r\n\r\nfive.`);
    const there = await arrived.promise;
    const isWhole = watchEnd(there);
    tls.destroy();
    await gone(there.resume());
    expect([there.rstCode, isWhole()]).toEqual([NGHTTP2_CANCEL, false]);
    expect((await rig.entries(4)).at(-1)).toMatchObject({ outcome: 'aborted', error: 'client-aborted' });
  });
});

describe('a client that takes its stream back', () => {
  async function asked(path: string) {
    const origin = await h2Origin(pair, (stream) => stream.respond());
    onTestFinished(() => origin.close());
    const authority = `ok.test:${origin.port}`;
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      policy: {
        rules: [
          { name: 'no', urls: [`https://${authority}/no`], action: 'deny' },
          { name: 'all', hosts: ['ok.test'], action: 'allow' },
        ],
      },
    });
    // Nothing of a body comes: by the head alone it knows.
    const raw = await RawH2.through(rig, authority, setting(4, 0));
    raw.request(1, fields(requestFields(authority, [], 'GET', path)));
    await until(() => raw.of(TYPE.headers, 1).length === 1, 'the head');
    expect(raw.of(TYPE.data, 1)).toEqual([]);
    raw.send(frame(TYPE.reset, 0, 1, uint32(NGHTTP2_CANCEL)));
    const [entries, lines] = [await rig.entries(2), await rig.lines(2)];
    return { entry: entries[1], line: lines[1], authority };
  }

  test('when it has read that it is denied has a line that says so', async () => {
    const { entry, line, authority } = await asked('/no');
    expect(entry).toMatchObject({ outcome: 'denied', tag: 'TCP_DENIED', status: 403, rule: 'no', error: 'denied' });
    expect(entry?.['bytes']).toBeGreaterThan(100);
    expect(line).toBe(`TCP_DENIED/403 N GET https://${authority}/no - HIER_NONE/- text/html`);
  });

  test('when it has read that its request is malformed, likewise', async () => {
    const { entry } = await asked('/%zz');
    expect(entry).toMatchObject({ outcome: 'malformed', tag: 'NONE_NONE', status: 400, error: 'request-target' });
  });

  test('when it has read the head of an origin has one that says that', async () => {
    const { entry, line, authority } = await asked('/yes');
    expect(entry).toMatchObject({ outcome: 'aborted', status: 200, error: 'client-aborted' });
    expect(line).toBe(`TCP_MISS_ABORTED/200 N GET https://${authority}/yes - HIER_DIRECT/127.0.0.1 -`);
  });
});
