// The requests of one client connection that speaks HTTP/2, all at once: each stream becomes a request and a reply like
// those of HTTP/1, and goes to the same handler. Made by server.ts for each socket that has negotiated it.

import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { Deadline } from '../net/deadline.ts';
import { type Connection, countExchange } from './connection.ts';
import type { Options } from './conversation.ts';
import { FrameWatch } from './frame-watch.ts';
import { SERVER_OPTIONS } from './h2-options.ts';
import { H2Stream } from './h2-stream.ts';
import type { Handlers } from './server.ts';

/** Milliseconds that a connection is kept longer than idle: its next request may be on its way. */
const KEEP_ALIVE_GRACE = 1_000;
/** Milliseconds for a client to close when we have said goodbye: it may not have read that, nor ever do. */
const LINGER = 1_000;

export class H2Conversation {
  readonly #connection: Connection;
  readonly #options: Options;
  readonly #handlers: Handlers;
  readonly #session: ServerHttp2Session;
  readonly #deadline = new Deadline(() => this.#onLate());
  readonly #watch: FrameWatch;
  #streams = 0;

  /** The socket is secure and has bytes for nobody else. `onOver` is called once, when it has closed. */
  constructor(connection: Connection, options: Options, handlers: Handlers, onOver: (over: H2Conversation) => void) {
    this.#connection = connection;
    this.#options = options;
    this.#handlers = handlers;
    const { socket } = connection;
    this.#session = performServerHandshake(socket, SERVER_OPTIONS);
    // A TLSSocket made by hand never says so itself, and the session would wait for it.
    socket.emit('secureConnect');
    this.#deadline.set(options.limits.headerTimeout);
    this.#watch = new FrameWatch(this.#session, socket, this.#farewell);
    this.#session.on('stream', this.#onStream).on('error', this.#farewell).on('goaway', this.#farewell);
    // It may stay half open (see listener.ts), which is no use to either side here.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.#deadline.end();
      this.#watch.end();
      onOver(this);
    });
  }

  /** Whether it has had a request and waits for a further one. */
  get idle(): boolean {
    return this.#connection.exchanges > 0 && this.#streams === 0;
  }

  /** No further requests, by GOAWAY; those that are under way may end. */
  leave(): void {
    if (this.#session.closed) return;
    this.#session.close();
    this.#farewell();
  }

  #onLate(): void {
    if (this.#session.closed || this.#session.destroyed) this.destroy();
    else this.leave();
  }

  /** There will be no further stream. */
  readonly #farewell = (): void => {
    if (this.#streams === 0 || this.#session.destroyed) this.#deadline.set(LINGER);
  };

  /** Closes the connection at once. */
  destroy(): void {
    this.#connection.socket.destroy();
  }

  readonly #onStream = (
    stream: ServerHttp2Stream,
    _headers: IncomingHttpHeaders,
    flags: number,
    rawHeaders: readonly string[],
  ): void => {
    // Whatever comes of it, an error of a stream is told by its end.
    stream.on('error', () => undefined);
    this.#streams += 1;
    this.#deadline.clear();
    stream.on('close', this.#onStreamClose);
    const whole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    void this.#serve(new H2Stream(stream, { rawHeaders, whole }, this.#connection, this.#options.limits, this.#watch));
  };

  readonly #onStreamClose = (): void => {
    this.#streams -= 1;
    if (this.#streams > 0) return;
    const isOver = this.#session.closed || this.#session.destroyed;
    this.#deadline.set(isOver ? LINGER : this.#options.limits.keepAliveTimeout + KEEP_ALIVE_GRACE);
  };

  async #serve(stream: H2Stream): Promise<void> {
    try {
      countExchange(this.#connection);
      await this.#handlers.request(stream.connection, stream.request, stream.reply);
      await stream.reply.done;
    } catch (fault) {
      stream.reply.abort(constants.NGHTTP2_INTERNAL_ERROR);
      this.#handlers.fault(this.#connection, fault);
    }
    // What is left of a body is not wanted (RFC 9113 section 8.1).
    stream.close();
  }
}
