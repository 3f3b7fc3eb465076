// Two ends of one TCP connection over loopback, half-open as the proxy's own sockets are, for tests of a single room.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface SocketPair {
  /** The accepted end, as a listener hands it over: paused. */
  readonly near: Socket;
  /** The end that dialled: the other party. */
  readonly far: Socket;
}

/** Both ends are destroyed when the test that called this has ended. */
export async function socketPair(): Promise<SocketPair> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const far = connect({ host: '127.0.0.1', port: portOf(server), allowHalfOpen: true, noDelay: true });
  far.on('error', () => undefined);
  const near = await accepted;
  near.on('error', () => undefined);
  if (far.connecting) await once(far, 'connect');
  server.close();
  onTestFinished(() => {
    near.destroy();
    far.destroy();
  });
  return { near, far };
}

/** The port that a listener got from the system. */
export function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address === 'object' && address !== null && 'port' in address) return Number(address.port);
  throw new Error('the server does not listen');
}

/** A port of loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Until the socket is closed, however that came. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => void socket.once('close', () => resolve()));
}

/** Exactly `length` bytes; what follows stays on the socket. Fails when the stream ends before. */
export function readBytes(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes < length) return;
      socket.off('data', onData).off('end', onEnd).off('close', onEnd);
      socket.pause();
      const all = Buffer.concat(chunks);
      if (bytes > length) socket.unshift(all.subarray(length));
      resolve(all.subarray(0, length));
    };
    const onEnd = (): void => reject(new Error(`ended after ${bytes} of ${length} bytes`));
    socket.on('data', onData).once('end', onEnd).once('close', onEnd);
    socket.resume();
  });
}

/**
 * Writes blocks until the other side has stopped taking them for `quiet` milliseconds, or `most` bytes are written.
 * Gives back the bytes that were taken out of our own buffer.
 */
export async function pourUntilStuck(socket: Socket, most: number, quiet = 150): Promise<number> {
  const block = Buffer.alloc(65_536, 'x');
  let written = 0;
  while (written < most) {
    written += block.length;
    if (socket.write(block)) continue;
    const drained = await Promise.race([
      once(socket, 'drain').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, quiet, false)),
    ]);
    if (!drained) break;
  }
  return written - socket.writableLength;
}
