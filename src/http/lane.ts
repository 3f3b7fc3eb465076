// One connection to an origin and the parser on it, for one exchange at a time. Made and kept by origin-pools.ts; undici
// speaks HTTP on it and is never allowed to dial: when the connection is gone, so is the lane.

import { Client, type Dispatcher } from 'undici';
import { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import { MessageStream } from '../wire/message-stream.ts';

export type DispatchOptions = Omit<Dispatcher.DispatchOptions, 'origin'>;

/** Milliseconds a verified connection waits for its first request before it is closed. */
const UNUSED_LIFE = 10_000;
/** Bytes of one header section of a reply. */
const MAX_HEADER = 65_536;

export class Lane {
  readonly connection: UpstreamConnection;
  readonly #onGone: () => void;
  readonly #options: Client.Options;
  readonly #origin: string;
  #client: Client | undefined;
  #unused: NodeJS.Timeout | undefined;
  /** What the origin has sent since the last dispatch. */
  #replies = new MessageStream();

  /** `onGone` is called once, when the connection has closed or must not be used any more. */
  constructor(origin: string, connection: UpstreamConnection, limits: Limits, onGone: (lane: Lane) => void) {
    this.#origin = origin;
    this.connection = connection;
    this.#options = {
      pipelining: 1,
      allowH2: false,
      headersTimeout: limits.responseTimeout,
      bodyTimeout: limits.responseTimeout,
      keepAliveTimeout: limits.keepAliveTimeout,
      keepAliveMaxTimeout: limits.keepAliveTimeout,
      maxHeaderSize: MAX_HEADER,
    };
    this.#onGone = () => {
      clearTimeout(this.#unused);
      onGone(this);
    };
    connection.socket.once('close', this.#onGone);
    // Before the first request, an origin that speaks or ends has nothing to say to us.
    connection.socket.once('readable', this.#end);
    this.#unused = setTimeout(this.#end, UNUSED_LIFE);
  }

  /** Whether no exchange has run on it yet: a failure then is not that of a stale connection. */
  get fresh(): boolean {
    return this.#client === undefined;
  }

  get alive(): boolean {
    return !this.connection.socket.destroyed;
  }

  dispatch(options: DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client ??= this.#start();
    this.#replies = new MessageStream();
    this.#client.dispatch(options, handler);
  }

  /** The status line of the reply whose head was just parsed, byte for byte; undefined when there is none to be seen. */
  statusLine(status: number): string | undefined {
    return this.#replies.next(status < 200 ? 0 : Number.POSITIVE_INFINITY);
  }

  /** Closes the connection at once. */
  destroy(): void {
    clearTimeout(this.#unused);
    this.connection.socket.destroy();
  }

  #start(): Client {
    clearTimeout(this.#unused);
    this.#unused = undefined;
    const { socket } = this.connection;
    socket.off('readable', this.#end);
    // undici reads piece by piece. To listen for the pieces would set the socket flowing, past undici.
    const read = socket.read.bind(socket);
    socket.read = (size?: number): unknown => {
      const bytes: unknown = read(size);
      if (!Buffer.isBuffer(bytes)) return bytes;
      this.#replies.feed(bytes);
      if (!this.#replies.overflown) return bytes;
      // undici counts the bytes of fields only: a status line, or lines before it, might have no end.
      socket.destroy(new ProxyError('response-malformed', 'Its header has no end.'));
      return null;
    };
    return new Client(this.#origin, {
      ...this.#options,
      connect: (_options, callback) => {
        // undici asks again when the connection is gone: the exchange then belongs on another lane.
        // It does not hear an answer that comes before its own call has returned.
        queueMicrotask(() => {
          if (socket.destroyed) callback(new LaneGone(), null);
          else callback(null, socket);
        });
      },
    });
  }

  readonly #end = (): void => this.destroy();
}

/** The connection closed before the request was sent on it: nothing has left, the exchange may go elsewhere. */
export class LaneGone extends Error {
  override readonly name = 'LaneGone';
  constructor() {
    super('the connection closed before the request was sent');
  }
}
