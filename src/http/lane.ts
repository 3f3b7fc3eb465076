// One connection to an origin and the parser on it, for one exchange at a time. Made and kept by origin-pools.ts; undici
// speaks HTTP on it and is never allowed to dial: when the connection is gone, so is the lane.

import { Client, type Dispatcher } from 'undici';
import type { Limits } from '../core/limits.ts';
import type { UpstreamConnection } from '../net/upstream.ts';

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
    this.#client.dispatch(options, handler);
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
