// Parent proxies for tests: an honest one that notes what it was asked, one that says what the test wants, and the options
// that name them.

import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { ParentOptions } from '../../src/net/options.ts';
import { type Origin, tcpOrigin } from './origin.ts';

/** A parent on 127.0.0.1, or another address of loopback. */
export function parentAt(
  port: number,
  more: Partial<ParentOptions> & { secure?: boolean; host?: string } = {},
): ParentOptions {
  const { secure = false, host = '127.0.0.1', ...options } = more;
  const kind = /^\d+\./.test(host) ? 'ipv4' : 'name';
  return { name: 'hq', url: { secure, authority: { kind, host, port } }, timeout: 5_000, ...options };
}

export interface RecordingParent extends Origin {
  /** The head of each request that came, in order. */
  readonly heads: string[];
}

/** Calls `serve` with each connection and the first head on it; what came behind the head is on the socket. */
export async function scriptedParent(
  serve: (socket: Socket, head: string) => void,
  address = '127.0.0.1',
): Promise<RecordingParent> {
  const heads: string[] = [];
  const server = await tcpOrigin((socket) => {
    let text = '';
    const onData = (piece: Buffer): void => {
      text += piece.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', onData).pause();
      const rest = text.slice(end + 4);
      if (rest) socket.unshift(Buffer.from(rest, 'latin1'));
      const head = text.slice(0, end + 4);
      heads.push(head);
      serve(socket, head);
    };
    socket.on('data', onData);
  }, address);
  onTestFinished(() => server.close());
  return Object.defineProperties({ heads }, Object.getOwnPropertyDescriptors(server)) as RecordingParent;
}

/** Opens the tunnels it is asked for, to the port of the authority on 127.0.0.1. */
export function tunnellingParent(address = '127.0.0.1'): Promise<RecordingParent> {
  return scriptedParent((socket, head) => {
    const port = Number(/^CONNECT \S+:(\d+) /.exec(head)?.[1]);
    const upstream = connect({ host: '127.0.0.1', port, allowHalfOpen: true }, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(upstream);
      upstream.pipe(socket);
    });
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  }, address);
}
