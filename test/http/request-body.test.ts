// The body of a request on its way: every byte, as fast as the upstream takes it, and an end to every silence.

import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RequestBody } from '../../src/http/request-body.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { until } from '../support/rig.ts';
import { pourUntilStuck, socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

/** A request with the header given, and the client that goes on with its body. */
async function requestWith(header: string): Promise<{ client: Socket; request: IncomingMessage }> {
  const { near, far } = await socketPair();
  const arrived = Promise.withResolvers<IncomingMessage>();
  const server = createServer((request) => arrived.resolve(request.on('error', () => undefined)));
  onTestFinished(() => void server.close());
  server.on('clientError', (_error, socket) => void socket.destroy());
  server.emit('connection', near);
  far.write(`POST / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n`);
  return { client: far, request: await arrived.promise };
}

function bodyOf(
  request: IncomingMessage,
  timeout = 5_000,
  slowest = 0,
): { body: RequestBody; error: Promise<unknown> } {
  const body = new RequestBody(request, timeout, slowest);
  const error = new Promise<unknown>(
    (resolve) => void body.once('error', resolve).once('close', () => resolve(undefined)),
  );
  onTestFinished(() => void body.destroy());
  return { body, error };
}

async function read(body: RequestBody): Promise<string> {
  let text = '';
  for await (const chunk of body) text += String(chunk);
  return text;
}

describe('a body', () => {
  test('of known length comes whole, with its bytes counted', async () => {
    const { client, request } = await requestWith('Content-Length: 11');
    const { body } = bodyOf(request);
    client.write('hello ');
    client.write('world');
    expect(await read(body)).toBe('hello world');
    expect(body.bytes).toBe(11);
  });

  test('in chunks comes without their framing', async () => {
    const { client, request } = await requestWith('Transfer-Encoding: chunked');
    const { body } = bodyOf(request);
    client.write('5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: x\r\n\r\n');
    expect(await read(body)).toBe('hello world');
    expect(body.bytes).toBe(11);
  });

  test('that nobody takes is not taken from the client', async () => {
    const { client, request } = await requestWith(`Content-Length: ${1 << 30}`);
    const { body } = bodyOf(request);
    body.read(0);
    const taken = await pourUntilStuck(client, 256 << 20);
    expect(taken).toBeLessThan(32 << 20);
    expect(body.readableLength + request.readableLength).toBeLessThan(512 << 10);
  });
});

describe('a client that falls silent', () => {
  test.each([
    ['before its body', ''],
    ['within its body', 'abc'],
  ])('%s is request-timeout', async (_name, bytes) => {
    const { client, request } = await requestWith('Content-Length: 10');
    const { body, error } = bodyOf(request, 80);
    body.resume();
    client.write(bytes);
    expect(await error).toMatchObject({ code: 'request-timeout', detail: 'Its body stalled.' });
    expect(body.bytes).toBe(bytes.length);
  });

  test('has the whole time again after each byte', async () => {
    const { client, request } = await requestWith('Content-Length: 6');
    const { body } = bodyOf(request, 150);
    const text = read(body);
    for (const byte of 'abcdef') {
      await new Promise((resolve) => setTimeout(resolve, 60));
      client.write(byte);
    }
    expect(await text).toBe('abcdef');
  });

  test('is not blamed while the upstream is slow, but is when it falls silent after that', async () => {
    const { client, request } = await requestWith('Content-Length: 1000000');
    const { body, error } = bodyOf(request, 100);
    body.read(0);
    client.write(Buffer.alloc(200_000));
    await until(() => body.readableLength >= body.readableHighWaterMark, 'a full buffer');
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(body.destroyed).toBe(false);
    body.resume();
    expect(await error).toMatchObject({ code: 'request-timeout' });
    expect(body.bytes).toBe(200_000);
  });
});

describe('a client that goes away', () => {
  test.each([
    ['closes', (client: Socket) => void client.destroy()],
    ['resets', (client: Socket) => void client.resetAndDestroy()],
  ])('because it %s within its body is client-aborted', async (_name, leave) => {
    const { client, request } = await requestWith('Content-Length: 10');
    const { body, error } = bodyOf(request);
    body.resume();
    client.write('abc');
    await until(() => body.bytes === 3, 'the first bytes');
    leave(client);
    expect(await error).toMatchObject({ code: 'client-aborted' });
  });

  test('after its body does no harm', async () => {
    const { client, request } = await requestWith('Content-Length: 3');
    const { body, error } = bodyOf(request);
    client.end('abc');
    expect(await read(body)).toBe('abc');
    expect(await error).toBeUndefined();
  });
});

describe('a body that is given up', () => {
  test('leaves the client’s connection alone, and no listener behind', async () => {
    const { client, request } = await requestWith('Content-Length: 10');
    const before = request.eventNames().map((name) => [name, request.listenerCount(name)]);
    const { body, error } = bodyOf(request);
    client.write('abc');
    body.destroy();
    expect(await error).toBeUndefined();
    expect(request.eventNames().map((name) => [name, request.listenerCount(name)])).toEqual(before);
    expect(request.destroyed).toBe(false);
    expect(client.destroyed).toBe(false);
  });
});

describe('a client that brings its body a byte at a time', () => {
  const drip = async (slowest: number): Promise<unknown> => {
    const { client, request } = await requestWith('Content-Length: 1000');
    const { body, error } = bodyOf(request, 100, slowest);
    body.resume();
    const timer = setInterval(() => client.write('x'), 20);
    onTestFinished(() => clearInterval(timer));
    return Promise.race([error, new Promise((resolve) => setTimeout(() => resolve('still read'), 600))]);
  };

  test('is cut when that is too slow, though it is never silent', async () => {
    expect(await drip(1_000)).toMatchObject({ code: 'request-timeout', detail: 'Its body comes too slowly.' });
  });

  test('is read on where nothing is asked of it, or when it is fast enough', async () => {
    expect(await drip(0)).toBe('still read');
    expect(await drip(5)).toBe('still read');
  });

  test('has all the time in which the upstream takes nothing', async () => {
    const { client, request } = await requestWith('Content-Length: 200000');
    const { body, error } = bodyOf(request, 100, 100_000);
    client.write(Buffer.alloc(100_000));
    body.read(0);
    await until(() => body.bytes > 0, 'the first part');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const ended = new Promise((resolve) => body.once('end', () => resolve('whole')));
    body.resume();
    client.write(Buffer.alloc(100_000));
    expect(await Promise.race([ended, error])).toBe('whole');
  });
});
