// A client that takes nothing of what there is to take is cut at its deadline; one that is only slow is not.

import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { watchReader } from '../../src/http/watch-reader.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll, readUntil } from '../support/rig.ts';
import { closed, readBytes, socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

const TIMEOUT = 200;
/** More than the system's own buffers take. */
const MUCH = Buffer.alloc(64 << 20);
const PIECE = Buffer.alloc(65_536);

/** A request, and the client that waits for the reply to it. */
async function asked(): Promise<{ client: Socket; response: ServerResponse }> {
  const { near, far } = await socketPair();
  const arrived = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => arrived.resolve(response));
  onTestFinished(() => void server.close());
  server.emit('connection', near);
  far.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return { client: far, response: await arrived.promise };
}

function watch(response: ServerResponse): () => void {
  return watchReader(response.socket ?? expect.fail('no socket'), TIMEOUT);
}

/** Whether a piece is taken is known when it is taken whole: as in an exchange, the next one waits for that. */
function pour(response: ServerResponse): void {
  let left = MUCH.length;
  const more = (): void => {
    while (left > 0) {
      left -= PIECE.length;
      if (!response.write(PIECE)) return void response.once('drain', more);
    }
    response.end();
  };
  response.setHeader('Connection', 'close');
  more();
}

async function timeToClose(socket: Socket | null): Promise<number> {
  const begin = performance.now();
  if (socket) await closed(socket);
  return performance.now() - begin;
}

test.each(['write', 'end'] as const)('DOS-02: a client that takes nothing is cut, after a %s', async (last) => {
  const { response } = await asked();
  watch(response);
  response[last](MUCH);
  const took = await timeToClose(response.socket);
  expect(took).toBeGreaterThanOrEqual(TIMEOUT * 0.9);
  expect(took).toBeLessThan(TIMEOUT * 1.25 + 500);
});

test('a client that takes some and then nothing has the whole time from then', async () => {
  const { client, response } = await asked();
  watch(response);
  pour(response);
  await readBytes(client, MUCH.length / 2);
  const took = await timeToClose(response.socket);
  expect(took).toBeGreaterThanOrEqual(TIMEOUT * 0.9);
  expect(took).toBeLessThan(TIMEOUT * 1.25 + 500);
});

test('a client that takes a little from time to time is not cut', async () => {
  const { client, response } = await asked();
  watch(response);
  pour(response);
  const begin = performance.now();
  for (let at = 0; at < 12; at += 1) {
    await readBytes(client, 4 << 20);
    await wait(TIMEOUT / 4);
  }
  expect(performance.now() - begin).toBeGreaterThan(2 * TIMEOUT);
  await readAll(client);
  expect(response.writableFinished).toBe(true);
});

test('a client for which there is nothing to take is not cut', async () => {
  const { client, response } = await asked();
  watch(response);
  response.setHeader('Content-Length', 6);
  response.write('abc');
  await readUntil(client, 'abc');
  await wait(2 * TIMEOUT);
  response.end('def');
  expect(await readUntil(client, 'def')).toBe('def');
});

test('a client is not cut when the watch over it has ended', async () => {
  const { client, response } = await asked();
  const stop = watch(response);
  response.setHeader('Connection', 'close');
  response.end(MUCH);
  stop();
  await wait(2 * TIMEOUT);
  expect(response.socket?.destroyed).toBe(false);
  await readAll(client);
});
