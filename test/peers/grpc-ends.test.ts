// How calls of gRPC end, all four kinds, through a bumped tunnel: status, message and trailers, of calls that succeed and of
// calls that fail, and the deadline of a client, which an origin that keeps none sees as a cancellation.

import { rmSync } from 'node:fs';
import { constants, type IncomingHttpHeaders } from 'node:http2';
import {
  type Client,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { call, ECHO, grpcThrough, KINDS } from '../support/grpc.ts';
import { h2Origin } from '../support/h2.ts';
import { uint32 } from '../support/h2-frames.ts';
import { openRig, type Rig, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

/** What a field cannot hold as it is. */
const MESSAGE = 'no good: 100 % of Zoë, 日本';
const BLOB = Buffer.from([0, 1, 255, 44]);

function trailersFor(request: string): Metadata {
  const trailers = new Metadata();
  trailers.set('x-trailer', `for ${request}`);
  trailers.set('x-blob-bin', BLOB);
  return trailers;
}

const failure = (request: string) => ({
  code: status.FAILED_PRECONDITION,
  details: MESSAGE,
  metadata: trailersFor(request),
});

/** Says each item back, and ends as the last one asks. */
function answerOnce(items: readonly string[], done: sendUnaryData<string>): void {
  const last = items.at(-1) ?? '';
  if (last === 'fail') done(failure(last));
  else done(null, `re: ${items}`, trailersFor(last));
}

function endStream(
  call: ServerWritableStream<string, string> | ServerDuplexStream<string, string>,
  last: string,
): void {
  if (last === 'fail') call.emit('error', failure(last));
  else call.end(trailersFor(last));
}

const SERVICE = {
  one: ({ request }: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => answerOnce([request], done),
  many: (call: ServerWritableStream<string, string>) => {
    call.write(`re: ${call.request}`);
    endStream(call, call.request);
  },
  collect: (call: ServerReadableStream<string, string>, done: sendUnaryData<string>) => {
    const items: string[] = [];
    call.on('data', (item: string) => items.push(item)).on('end', () => answerOnce(items, done));
  },
  talk: (call: ServerDuplexStream<string, string>) => {
    let last = '';
    call.on('data', (item: string) => {
      last = item;
      call.write(`re: ${item}`);
    });
    call.on('end', () => endStream(call, last));
  },
};

const ca = new TestCa();
const pair = ca.leaf({ san: 'DNS:grpc.test' });
let rig: Rig;

beforeAll(async () => {
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'grpc.test': '127.0.0.1' },
    policy: { rules: [{ name: 'grpc', hosts: ['grpc.test'], methods: ['POST'], action: 'allow' }] },
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  rmSync(ca.folder, { recursive: true });
});

function clientTo(port: number): Client {
  const client = grpcThrough(rig, `grpc.test:${port}`);
  onTestFinished(() => client.close());
  return client;
}

describe.each(KINDS)('a call of kind "%s"', (kind) => {
  const server = new Server();
  let port = 0;
  beforeAll(async () => {
    server.addService(ECHO, SERVICE);
    const secure = ServerCredentials.createSsl(null, [
      { private_key: Buffer.from(pair.key), cert_chain: Buffer.from(pair.cert) },
    ]);
    port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', secure, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
  });
  afterAll(() => server.forceShutdown());

  test('that succeeds has its status and its trailers, binary ones too', async () => {
    const { code, details, metadata, items } = await call(clientTo(port), kind, 'well');
    expect({ code, details, items }).toEqual({ code: status.OK, details: 'OK', items: ['re: well'] });
    expect(metadata.get('x-trailer')).toEqual(['for well']);
    expect(metadata.get('x-blob-bin')).toEqual([BLOB]);
  });

  test('that fails has its status, its message and its trailers, behind what was said before', async () => {
    const { code, details, metadata, items } = await call(clientTo(port), kind, 'fail');
    const said = ECHO[kind].responseStream ? ['re: fail'] : [];
    expect({ code, details, items }).toEqual({ code: status.FAILED_PRECONDITION, details: MESSAGE, items: said });
    expect(metadata.get('x-trailer')).toEqual(['for fail']);
    expect(metadata.get('x-blob-bin')).toEqual([BLOB]);
  });
});

/** Milliseconds: enough for a stream and an item on a connection that stands, also on a machine that has much to do. */
const DEADLINE = 2_000;

/** How a call ended at an origin that keeps no deadline, and so hears of one by the reset alone. */
interface AtOrigin {
  readonly timeout: string | undefined;
  readonly reset: number;
}

test('a deadline ends a call of each kind at the client, and resets it to the origin', async () => {
  const ends = new Map<string, AtOrigin>();
  const streaming = KINDS.filter((kind) => ECHO[kind].responseStream).map((kind) => ECHO[kind].path);
  const origin = await h2Origin(pair, (stream, headers: IncomingHttpHeaders) => {
    const path = String(headers[':path']);
    const timeout = headers['grpc-timeout']?.toString();
    stream.resume().on('close', () => ends.set(path, { timeout, reset: stream.rstCode }));
    if (!streaming.includes(path)) return;
    stream.respond({ 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    // Not compressed, four bytes of length.
    stream.write(Buffer.concat([Buffer.from([0]), uint32(5), Buffer.from('first')]));
  });
  onTestFinished(() => origin.close());
  const client = clientTo(origin.port);
  const before = (await rig.entries(0)).length;
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 15_000, (error) => (error ? reject(error) : resolve()));
  });
  const deadline = Date.now() + DEADLINE;
  const calls = await Promise.all(KINDS.map((kind) => call(client, kind, 'x', { deadline })));
  const exceeded = { code: status.DEADLINE_EXCEEDED, items: [] };
  expect(calls.map(({ code, items }) => ({ code, items }))).toEqual(
    KINDS.map((kind) => (ECHO[kind].responseStream ? { ...exceeded, items: ['first'] } : exceeded)),
  );
  await until(
    () => ends.size === KINDS.length,
    'the end of each at the origin',
    () => [...ends.keys()].join('\n'),
  );
  const cancelled = { timeout: expect.stringMatching(/^\d+[mun]$/), reset: constants.NGHTTP2_CANCEL };
  expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(KINDS.map((kind) => [ECHO[kind].path, cancelled])));
  const entries = (await rig.entries(before + 1 + KINDS.length)).slice(before);
  const told = KINDS.map((kind) => entries.find(({ url }) => String(url).endsWith(ECHO[kind].path)));
  const aborted = { method: 'POST', outcome: 'aborted', tag: 'TCP_MISS_ABORTED', error: 'client-aborted' };
  expect(told).toMatchObject(KINDS.map((kind) => ({ ...aborted, status: ECHO[kind].responseStream ? 200 : 0 })));
});
