// A CONNECT that has come on a stream of HTTP/2 (RFC 9113 section 8.5): the socket that the stream stands for, and how the
// CONNECT is answered. Made by h2-conversation.ts for each one on the plain side; flow/ answers.

import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { StreamSocket } from '../net/stream-socket.ts';
import type { ConnectAnswer } from './connection.ts';
import type { FrameWatch } from './frame-watch.ts';
import { watchEnd } from './h2-end.ts';
import { lowered } from './h2-headers.ts';

/** Milliseconds for a client to take our last words. */
const LINGER = 2_000;

export class H2Connect implements ConnectAnswer {
  readonly socket: StreamSocket;
  readonly #stream: ServerHttp2Stream;

  /** `whole`: the client has ended its half already. */
  constructor(stream: ServerHttp2Stream, whole: boolean, carrier: Socket, watch: FrameWatch) {
    this.#stream = stream;
    const isWhole = watchEnd(stream);
    this.socket = new StreamSocket(stream, {
      carrier,
      code: constants.NGHTTP2_CONNECT_ERROR,
      isWhole: () => whole || isWhole(),
      note: (bytes) => watch.noteData(bytes),
    });
    // Only bytes may follow (RFC 9113 section 8.5).
    stream.on('trailers', () => stream.close(constants.NGHTTP2_PROTOCOL_ERROR));
  }

  establish(): void {
    if (this.#gone) return;
    // Its end is not told before we say so: node:http2 would end a stream that is reset.
    this.#stream.respond([':status', '200'], { waitForTrailers: true });
  }

  refuse(status: number, fields: readonly string[], body: Buffer): number {
    if (this.#gone) return 0;
    const head = lowered(fields, [':status', String(status)]);
    let bytes = body.length;
    for (const text of head) bytes += text.length;
    this.#stream.respond(head, { waitForTrailers: true });
    const { socket } = this;
    const timer = setTimeout(() => socket.destroy(), LINGER);
    socket.on('close', () => clearTimeout(timer));
    socket.write(body);
    socket.destroySoon();
    return bytes;
  }

  get #gone(): boolean {
    return this.socket.destroyed || this.#stream.destroyed || this.#stream.closed;
  }
}

/** Whether a head is that of a CONNECT, and of none with a protocol. */
export function isConnect(raw: readonly string[]): boolean {
  let isOne = false;
  for (let at = 0; at + 1 < raw.length && raw[at]?.startsWith(':'); at += 2) {
    if (raw[at] === ':protocol') return false;
    isOne ||= raw[at] === ':method' && raw[at + 1] === 'CONNECT';
  }
  return isOne;
}
