// Replies on a stream: what the client gets of them, and how they end.

import { constants } from 'node:http2';
import { expect, test } from 'vitest';
import { H2Reply } from '../../src/http/h2-reply.ts';
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
