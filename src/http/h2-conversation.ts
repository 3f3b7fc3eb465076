// The requests of one client connection that speaks HTTP/2, all at once: each stream becomes a request and a reply like
// those of HTTP/1, and goes to the same handler. Made by server.ts for each socket that has negotiated it.

import {
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Tunnel } from '../core/session.ts';
import { clientKey } from '../net/client-key.ts';
import { Deadline } from '../net/deadline.ts';
import { Inlet } from '../net/inlet.ts';
import type { RequestHead } from '../wire/http-head.ts';
import { admitConnect } from './admission.ts';
import { type Connection, countExchange, hearFrom } from './connection.ts';
import { FrameWatch } from './frame-watch.ts';
import { H2Connect, isConnect } from './h2-connect.ts';
import { readH2Head } from './h2-head.ts';
import { secretOf } from './h2-headers.ts';
import { CLIENT_CONNECTION_WINDOW, SERVER_OPTIONS, WEBSOCKET_OPTIONS } from './h2-options.ts';
import { H2Stream } from './h2-stream.ts';
import type { Handlers } from './server.ts';
import { type StalledReplies, StalledShare } from './stalled-replies.ts';

/** Milliseconds that a connection is kept longer than idle: its next request may be on its way. */
const KEEP_ALIVE_GRACE = 1_000;
/** Milliseconds for a client to close when we have said goodbye: it may not have read that, nor ever do. */
const LINGER = 1_000;

export interface StreamsOptions {
  readonly limits: Limits;
  /** The client may open WebSockets. */
  readonly webSockets: boolean;
  /** Where replies are counted that wait for their client. */
  readonly stalled: StalledReplies;
}

export class H2Conversation {
  readonly #connection: Connection;
  readonly #options: StreamsOptions;
  readonly #handlers: Handlers;
  readonly #session: ServerHttp2Session;
  readonly #deadline = new Deadline(() => this.#onLate());
  readonly #watch: FrameWatch;
  readonly #share: StalledShare;
  #streams = 0;
  /** The last stream whose head has come to us, or was told of as refused. */
  #heard = -1;
  /** Runs from a question of ours to its answer. */
  #asking: NodeJS.Timeout | undefined;

  /** The socket is secure and has bytes for nobody else. `onOver` is called once, when it has closed. */
  constructor(connection: Connection, options: StreamsOptions, handlers: Handlers, onOver: () => void) {
    this.#connection = connection;
    this.#options = options;
    this.#handlers = handlers;
    const { socket, session } = connection;
    this.#share = new StalledShare(options.stalled, clientKey(session.client.address), socket);
    this.#session = performServerHandshake(socket, options.webSockets ? WEBSOCKET_OPTIONS : SERVER_OPTIONS);
    // A TLSSocket made by hand never says so itself, and the session would wait for it.
    socket.emit('secureConnect');
    this.#deadline.set(options.limits.headerTimeout);
    this.#watch = new FrameWatch(this.#session, socket, this.#farewell, () => this.#lookForRefused(false));
    this.#session
      .on('connect', widen)
      .on('stream', this.#onStream)
      .on('error', this.#farewell)
      .on('goaway', this.#farewell);
    this.#session.once('remoteSettings', () => hearFrom(connection));
    // It may stay half open (see listener.ts), which is no use to either side here.
    socket.on('end', () => {
      this.#lookForRefused(true);
      socket.destroy();
    });
    socket.on('close', () => {
      this.#deadline.end();
      clearTimeout(this.#asking);
      this.#watch.end();
      onOver();
    });
  }

  /** The tunnel whose inside this is; absent on our own port. */
  get tunnel(): Tunnel | undefined {
    return this.#connection.tunnel;
  }

  /** Whether it has had a request and waits for a further one. */
  get idle(): boolean {
    return this.#connection.exchanges > 0 && this.#streams === 0;
  }

  /** Whether a request has come; the first may be on its way, and has the time of a header. */
  get hasBegun(): boolean {
    return this.#heard >= 0;
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
    headers: IncomingHttpHeaders,
    flags: number,
    rawHeaders: readonly string[],
  ): void => {
    // Whatever comes of it, an error of a stream is told by its end.
    stream.on('error', () => undefined);
    this.#streams += 1;
    const id = stream.id ?? this.#heard + 2;
    if (id > this.#heard + 2) this.#tellRefused((id - this.#heard) / 2 - 1);
    this.#heard = Math.max(this.#heard, id);
    this.#deadline.clear();
    stream.on('close', this.#onStreamClose);
    const whole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (this.#connection.tunnel === undefined && isConnect(rawHeaders)) {
      const reading = readH2Head(rawHeaders, true);
      if (reading.ok) {
        this.#watch.noteHead(rawHeaders);
        void this.#handOver(new H2Connect(stream, whole, this.#connection.socket, this.#watch), reading.head);
        return;
      }
    }
    void this.#serve(
      new H2Stream(
        stream,
        { rawHeaders, whole, secret: secretOf(headers) },
        this.#connection,
        this.#options.limits,
        this.#watch,
        this.#share,
      ),
    );
  };

  /** nghttp2 resets a stream whose head it cannot take for one, and says nothing of it but that it was there. */
  #lookForRefused(isLast: boolean): void {
    if (this.#session.destroyed) return;
    const { lastProcStreamID: last = 0 } = this.#session.state;
    // Zero: there was none.
    if (last === 0 || last <= this.#heard) return;
    if (isLast) this.#hearOfRefused(last);
    else if (!this.#asking) this.#askBehind(last);
  }

  /**
   * The rest of a head may be on its way, and no other frame comes before that is here, the answer to a ping neither (RFC
   * 9113 section 4.3). It has the time of a header: other streams keep the connection, and would keep it for ever.
   */
  #askBehind(last: number): void {
    this.#asking = setTimeout(this.#onHeadLate, this.#options.limits.headerTimeout);
    this.#session.ping((error) => {
      clearTimeout(this.#asking);
      // Whose head has come just now is told of before.
      setImmediate(() => {
        this.#asking = undefined;
        if (!error && last > this.#heard) this.#hearOfRefused(last);
      });
    });
  }

  readonly #onHeadLate = (): void => {
    if (this.#session.destroyed) return;
    const late = new ProxyError('request-timeout', 'The rest of a head did not come.');
    this.#tell(late);
    // Without an error its code would not be looked at.
    this.#session.destroy(late, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#farewell();
  };

  #hearOfRefused(last: number): void {
    const refused = (last - this.#heard) / 2;
    this.#heard = last;
    this.#tellRefused(refused);
  }

  /** Streams that were over before they could be told one by one. */
  #tellRefused(count: number): void {
    const detail = `${count === 1 ? 'A stream was' : `${count} streams were`} reset at a head that is none.`;
    this.#tell(new ProxyError('request-malformed', detail));
  }

  /** What has come of heads of which no request has come. */
  #tell(error: ProxyError): void {
    try {
      countExchange(this.#connection);
      this.#handlers.malformed({ ...this.#connection, abort: nothing }, error);
    } catch (fault) {
      this.#handlers.fault(this.#connection, fault);
    }
  }

  readonly #onStreamClose = (): void => {
    this.#streams -= 1;
    if (this.#streams > 0) return;
    const isOver = this.#session.closed || this.#session.destroyed;
    this.#deadline.set(isOver ? LINGER : this.#options.limits.keepAliveTimeout + KEEP_ALIVE_GRACE);
  };

  /** One stream is a tunnel from now on; the others go on. */
  async #handOver(answer: H2Connect, head: RequestHead): Promise<void> {
    const { socket } = answer;
    try {
      countExchange(this.#connection);
      // What would end its carrier would end the other streams.
      const inlet = new Inlet(socket);
      const connection = { ...this.#connection, socket, inlet, carrier: undefined, answer };
      await this.#handlers.connect(connection, head, admitConnect(head));
    } catch (fault) {
      socket.destroy();
      this.#handlers.fault(this.#connection, fault);
    }
  }

  async #serve(stream: H2Stream): Promise<void> {
    try {
      countExchange(this.#connection);
      await this.#handlers.request(stream.connection, stream.request, stream.reply);
      await stream.reply.done;
      const { takeOver } = stream.reply;
      if (takeOver) return await takeOver();
    } catch (fault) {
      stream.reply.abort(constants.NGHTTP2_INTERNAL_ERROR);
      this.#handlers.fault(this.#connection, fault);
    }
    // What is left of a body is not wanted (RFC 9113 section 8.1).
    stream.close();
  }
}

function widen(session: Http2Session): void {
  if (!session.destroyed) session.setLocalWindowSize(CLIENT_CONNECTION_WINDOW);
}

function nothing(): void {
  // The stream is reset already.
}
