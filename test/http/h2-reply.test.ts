// Replies on a stream: what the client gets of them, and how they end.

import { constants } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { H2Reply } from '../../src/http/h2-reply.ts';
import { StalledReplies, StalledShare } from '../../src/http/stalled-replies.ts';
import { replyOf } from '../support/h2.ts';
import { h2Pair } from '../support/h2-pair.ts';

async function answered(write: (reply: H2Reply) => void, method = 'GET') {
  const { client, nextStream } = await h2Pair();
  const asked = replyOf(client.request({ ':method': method }));
  const reply = new H2Reply(await nextStream(), method, 1_000);
  write(reply);
  return { got: await asked, done: await reply.done };
}

test('a head and a body in pieces', async () => {
  const { got, done } = await answered((reply) => {
    reply.writeHead(200, 'OK', ['Content-Type', 'text/plain', 'Connection', 'close']);
    reply.write(Buffer.from('one '));
    reply.flush();
    reply.end(Buffer.from('two'));
  });
  expect(got).toMatchObject({ status: 200, code: 0, whole: true, trailers: undefined });
  expect(got.headers['content-type']).toBe('text/plain');
  expect(got.headers.connection).toBeUndefined();
  expect(got.body.toString()).toBe('one two');
  expect(done.complete).toBe(true);
});

test('trailers behind the body, also where there is none', async () => {
  for (const body of ['x', '']) {
    const { got } = await answered((reply) => {
      reply.writeHead(200, 'OK', []);
      reply.write(Buffer.from(body));
      reply.trailers = ['grpc-status', '0'];
      reply.end();
    });
    expect(got).toMatchObject({ trailers: { 'grpc-status': '0' }, whole: true });
  }
});

test('no body to HEAD, nor with 204 or 304', async () => {
  for (const [status, method] of [
    [200, 'HEAD'],
    [204, 'GET'],
    [304, 'GET'],
  ] as const) {
    const { got, done } = await answered((reply) => {
      reply.writeHead(status, '', status === 204 ? [] : ['content-length', '4']);
      reply.end(Buffer.from('body'));
    }, method);
    expect(got).toMatchObject({ status, code: 0 });
    expect(got.body.length).toBe(0);
    expect(done.complete).toBe(true);
  }
});

test('interim replies come before it', async () => {
  const { client, nextStream } = await h2Pair();
  const stream = client.request({ ':method': 'GET' });
  const interim: unknown[] = [];
  stream.on('headers', (headers) => interim.push([headers[':status'], headers['link']]));
  const asked = replyOf(stream);
  const reply = new H2Reply(await nextStream(), 'GET', 1_000);
  reply.writeContinue();
  reply.writeInterim(103, 'Early Hints', ['Link', '</a>']);
  reply.writeHead(200, 'OK', []);
  reply.end();
  expect((await asked).status).toBe(200);
  expect(interim).toEqual([
    [100, undefined],
    [103, '</a>'],
  ]);
});

test.each([[[]], [['content-length', '100']]])('one that is broken off is never whole: %j', async (fields) => {
  const { client, nextStream } = await h2Pair();
  const asked = replyOf(client.request({ ':method': 'GET' }));
  const reply = new H2Reply(await nextStream(), 'GET', 1_000);
  reply.writeHead(200, 'OK', fields);
  reply.write(Buffer.from('half'));
  reply.flush();
  setImmediate(() => reply.abort(constants.NGHTTP2_INTERNAL_ERROR));
  expect(await asked).toMatchObject({ whole: false, code: constants.NGHTTP2_INTERNAL_ERROR });
  expect((await reply.done).complete).toBe(false);
});

test('a client that takes nothing is given up', async () => {
  const { client, nextStream } = await h2Pair();
  const stream = client.request({ ':method': 'GET' });
  stream.on('error', () => undefined);
  const reply = new H2Reply(await nextStream(), 'GET', 100);
  let gone = 0;
  reply.onGone = () => {
    gone += 1;
  };
  reply.writeHead(200, 'OK', []);
  reply.write(Buffer.alloc(1 << 20));
  expect(reply.flush()).toBe(false);
  expect((await reply.done).complete).toBe(false);
  expect(gone).toBe(1);
});

describe('one that waits for its client', () => {
  async function stalled(fields: string[], size: number, ends: boolean) {
    const { client, nextStream } = await h2Pair({ settings: { initialWindowSize: 0 } });
    const asked = replyOf(client.request({ ':method': 'GET' }));
    const replies = new StalledReplies({ share: 1 << 20, patience: 100 });
    const reply = new H2Reply(
      await nextStream(),
      'GET',
      60_000,
      new StalledShare(replies, 'c', { bytesWritten: 0, writableLength: 0 }),
    );
    reply.writeHead(200, 'OK', fields);
    reply.write(Buffer.alloc(size));
    if (ends) reply.end();
    else expect(reply.flush()).toBe(false);
    return { client, asked, replies, reply };
  }

  test.each([
    ['under way', [], false],
    ['under way, with a length', ['content-length', '9000000'], false],
    ['whole', [], true],
    ['whole, with a length', ['content-length', '2097152'], true],
  ])('is counted, and given up by a reset that says so: %s', async (_, fields, ends) => {
    const { asked, replies, reply } = await stalled(fields, 2 << 20, ends);
    expect(replies.of('c')).toBe(2 << 20);
    expect(await asked).toMatchObject({ status: 200, whole: false, code: constants.NGHTTP2_ENHANCE_YOUR_CALM });
    expect((await reply.done).complete).toBe(false);
    expect(reply.failure).toMatchObject({ code: 'client-limit' });
    expect(replies.of('c')).toBe(0);
  });

  test('counts with what its origin may have sent ahead', async () => {
    const { replies, reply } = await stalled([], 100_000, false);
    reply.source = { ahead: 50_000 };
    reply.flush();
    expect(replies.of('c')).toBe(150_000);
  });

  test('counts no more when it has been taken', async () => {
    const { client, asked, replies, reply } = await stalled([], 100_000, true);
    expect(replies.of('c')).toBe(100_000);
    client.settings({ initialWindowSize: 1 << 20 });
    expect((await asked).body.length).toBe(100_000);
    expect((await reply.done).complete).toBe(true);
    expect([replies.of('c'), reply.failure]).toEqual([0, undefined]);
  });

  test('is not counted where it is small', async () => {
    const { replies } = await stalled([], 10_000, true);
    expect(replies.of('c')).toBe(0);
  });
});
