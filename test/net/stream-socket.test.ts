// A stream of HTTP/2 as a socket: its bytes, its two ends, and how it breaks off.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Stream, constants, type ServerHttp2Stream } from 'node:http2';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { watchEnd } from '../../src/http/h2-end.ts';
import { StreamSocket } from '../../src/net/stream-socket.ts';
import { h2Pair } from '../support/h2-pair.ts';
import { gone } from '../support/h2-proxy.ts';

interface Opened {
  readonly socket: StreamSocket;
  readonly stream: ServerHttp2Stream;
  readonly far: ClientHttp2Stream;
  readonly noted: () => number;
}

async function open(): Promise<Opened> {
  const pair = await h2Pair();
  const far = pair.client.request({ ':method': 'POST' }, { endStream: false, waitForTrailers: true });
  far.on('error', () => undefined);
  const stream = await pair.nextStream();
  let noted = 0;
  const note = (bytes: number): void => {
    noted += bytes;
  };
  const carrier = new Socket();
  const socket = new StreamSocket(stream, {
    carrier,
    code: constants.NGHTTP2_CONNECT_ERROR,
    isWhole: watchEnd(stream),
    note,
  });
  stream.respond(undefined, { waitForTrailers: true });
  return { socket, stream, far, noted: () => noted };
}

function all(readable: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    readable.on('data', (piece: Buffer) => pieces.push(piece)).on('error', reject);
    readable.on('end', () => resolve(Buffer.concat(pieces)));
  });
}

describe('a socket that is a stream', () => {
  test('carries bytes both ways, each half to its own end, and closes then', async () => {
    const { socket, far, noted } = await open();
    const [up, down] = [randomBytes(3 << 20), randomBytes(3 << 20)];
    far.end(up);
    socket.write(down.subarray(0, 100));
    socket.end(down.subarray(100));
    const closed = once(socket, 'close');
    const [gotUp, gotDown] = await Promise.all([all(socket), all(far)]);
    expect(gotUp.equals(up)).toBe(true);
    expect(gotDown.equals(down)).toBe(true);
    await closed;
    expect(far.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    expect([socket.bytesRead, socket.bytesWritten, noted()]).toEqual([up.length, down.length, up.length]);
  });

  test('takes text as any other', async () => {
    const { socket, far } = await open();
    socket.cork();
    socket.write('größer', 'latin1');
    socket.write('c3bc', 'hex');
    socket.end('ß');
    expect((await all(far)).toString('hex')).toBe(
      Buffer.concat([Buffer.from('größer', 'latin1'), Buffer.from('üß')]).toString('hex'),
    );
    expect(socket.bytesWritten).toBe(10);
  });

  test('waits for a side that does not read', async () => {
    const { socket, far } = await open();
    far.pause();
    let written = 0;
    while (socket.write(Buffer.alloc(10_000)) && written < 10_000_000) written += 10_000;
    expect(written).toBeLessThan(1_000_000);
    far.resume();
    await once(socket, 'drain');
    socket.destroy();
  });

  test('holds back what nobody reads', async () => {
    const { socket, far } = await open();
    far.write(Buffer.alloc(10 << 20));
    await once(socket, 'readable');
    await new Promise(setImmediate);
    expect(socket.bytesRead).toBeLessThan(1 << 20);
    socket.destroy();
    await gone(far);
  });

  test('keeps what came before the stream closed for whoever reads late', async () => {
    const { socket, stream, far } = await open();
    socket.read(0);
    socket.end();
    far.resume().end('late');
    await gone(far);
    expect((await all(socket)).toString()).toBe('late');
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test('that is destroyed breaks off by its code, without an end before', async () => {
    const { socket, far } = await open();
    const isWhole = watchEnd(far);
    socket.write('half');
    await once(far, 'data');
    socket.destroy();
    far.resume();
    await gone(far);
    expect([far.rstCode, isWhole()]).toEqual([constants.NGHTTP2_CONNECT_ERROR, false]);
  });

  test('that is destroyed behind its end takes nothing back', async () => {
    const { socket, far } = await open();
    const got = all(far);
    socket.write(Buffer.alloc(1 << 20));
    const closed = once(socket, 'close');
    socket.destroySoon();
    expect((await got).length).toBe(1 << 20);
    await closed;
    await gone(far);
    expect(far.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test('is destroyed, and has no end, where the other side resets it', async () => {
    const { socket, far } = await open();
    let ended = false;
    socket.on('end', () => {
      ended = true;
    });
    far.write('half');
    await once(socket.resume(), 'data');
    far.close(constants.NGHTTP2_CANCEL);
    await once(socket, 'close');
    expect([ended, socket.destroyed]).toEqual([false, true]);
  });

  test('of a stream that is gone already is gone', async () => {
    const pair = await h2Pair();
    pair.client.request({ ':method': 'POST' }, { endStream: false }).on('error', () => undefined);
    const stream = await pair.nextStream();
    stream.destroy();
    const note = (): void => undefined;
    const socket = new StreamSocket(stream, { carrier: new Socket(), code: 8, isWhole: () => false, note });
    await once(socket, 'close');
    expect(socket.write('x')).toBe(false);
  });
});
