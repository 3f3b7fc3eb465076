// One connection to an origin that speaks HTTP/2: many exchanges at once, each on a stream of its own. Made and kept by
// h2-pool.ts. It takes no further exchange once the origin has said goodbye, has been silent, or we have enough of it.

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type Http2Session,
  type Settings,
} from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Seat } from '../core/roster.ts';
import { Deadline } from '../net/deadline.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import { FrameWatch } from './frame-watch.ts';
import { H2Exchange } from './h2-exchange.ts';
import { CLIENT_OPTIONS, MAX_STREAMS, ORIGIN_CONNECTION_WINDOW } from './h2-options.ts';
import type { LaneParts } from './lane.ts';

/** Milliseconds a verified connection waits for its first request before it is closed. */
const UNUSED_LIFE = 10_000;
/** Milliseconds for which one takes exchanges at most. */
const MAX_LIFE = 3_600_000;
/** Milliseconds for an origin to close when all is said. */
const LINGER = 1_000;

export class H2Lane {
  readonly connection: UpstreamConnection;
  /** As that of a Lane. */
  readonly origin: string;
  readonly #limits: Limits;
  readonly #session: ClientHttp2Session;
  readonly #onIdle: (lane: H2Lane) => void;
  readonly #deadline = new Deadline(() => this.#onLate());
  readonly #watch: FrameWatch;
  /** Exchanges under way. */
  #busy = 0;
  #life: NodeJS.Timeout | undefined;
  #mostStreams = MAX_STREAMS;
  /** By the monotonic clock: when anything was said on any stream. */
  #heardAt = performance.now();
  /** It can be spoken over a WebSocket to (RFC 8441). */
  extended = false;
  /** Its settings have come. */
  #told = false;
  /** Whether no exchange has run on it yet. */
  fresh = true;
  /** Among the connections that rest; for the pools. */
  restingSeat: Seat | undefined;
  /** The origin has said anything to a request. */
  answered = false;
  #retired = false;

  /** `onIdle`: nothing is under way on it any more; `onGone`: it has closed. Each is called with the lane. */
  constructor(parts: LaneParts, limits: Limits, onIdle: (lane: H2Lane) => void, onGone: (lane: H2Lane) => void) {
    const { connection, intake, origin } = parts;
    this.connection = connection;
    this.origin = origin;
    this.#limits = limits;
    this.#onIdle = onIdle;
    const { socket } = connection;
    const early = intake.early();
    if (early && early.length > 0) socket.unshift(early);
    this.#session = connect(urlOf(origin), { ...CLIENT_OPTIONS, createConnection: () => socket });
    this.#watch = new FrameWatch(this.#session, socket, () => this.destroy());
    this.#session.on('error', () => this.destroy()).on('goaway', this.#onGoaway);
    this.#session.on('remoteSettings', this.#onSettings).on('stream', refuse).on('connect', widen);
    // It may stay half open (see dial.ts), which is no use to either side here.
    socket.on('end', () => socket.destroy());
    socket.once('close', () => {
      this.#retired = true;
      this.#deadline.end();
      clearTimeout(this.#life);
      this.#watch.end();
      onGone(this);
    });
    this.#deadline.set(UNUSED_LIFE);
    this.#life = setTimeout(() => this.retire(), lifeOf(socket, Date.now())).unref();
    if (!early) this.destroy();
  }

  get alive(): boolean {
    return !this.#retired && !this.#session.closed && !this.connection.socket.destroyed;
  }

  /** Whether another exchange can begin now. */
  get hasRoom(): boolean {
    return this.alive && this.#busy < this.#mostStreams;
  }

  /** It has come to its end before its time: what its streams say of themselves was not said of them. */
  get broken(): boolean {
    return this.#session.destroyed || this.connection.socket.destroyed;
  }

  /** Why it has, where the origin let us know. */
  get loss(): ProxyError {
    return this.connection.wish?.refusal(this.answered) ?? new ProxyError('response-aborted');
  }

  /** Whether it is `extended`, as soon as that is known. */
  async mayOpen(): Promise<boolean> {
    if (!this.#told && !this.broken) await this.#settings();
    return this.extended && this.alive;
  }

  #settings(): Promise<void> {
    return new Promise((resolve) => {
      const { socket } = this.connection;
      const finish = (): void => {
        clearTimeout(timer);
        this.#session.off('remoteSettings', finish);
        socket.off('close', finish);
        resolve();
      };
      const timer = setTimeout(finish, this.#limits.responseTimeout);
      this.#session.on('remoteSettings', finish);
      socket.on('close', finish);
    });
  }

  get idle(): boolean {
    return this.#busy === 0;
  }

  /** A place for one exchange, which ends by its `onEnd` or `onError`, or by `destroy`. */
  enter(): H2Exchange {
    this.#busy += 1;
    this.#deadline.clear();
    return new H2Exchange(this, this.#limits);
  }

  /** For the exchange: its stream, once it has its head. Undefined: the connection is gone. */
  request(head: readonly string[], endStream: boolean, waitForTrailers: boolean): ClientHttp2Stream | undefined {
    if (!this.alive) return undefined;
    this.fresh = false;
    return this.#session.request(head, { endStream, waitForTrailers });
  }

  /** For the exchange: a frame of a body has come. */
  noteData(bytes: number): void {
    this.#heardAt = performance.now();
    this.#watch.noteData(bytes);
  }

  /** For the exchange: so much of a body may have come that is read no more, which is no flood of the origin's. */
  noteUnread(bytes: number): void {
    this.#watch.noteData(bytes);
  }

  /** For the exchange: a head or trailers have come. */
  noteHead(raw: readonly string[]): void {
    this.#heardAt = performance.now();
    this.#watch.noteHead(raw);
  }

  /** For the exchange: its origin has been silent for so many milliseconds. Where that is all there is, it may be dead. */
  late(patience: number): void {
    if (performance.now() - this.#heardAt >= patience) this.retire();
  }

  /** For the exchange, once: it is over. */
  leave(): void {
    this.#busy -= 1;
    if (this.#busy > 0) return;
    if (this.#retired) this.retire();
    else {
      this.#deadline.set(this.#limits.keepAliveTimeout);
      this.#onIdle(this);
    }
  }

  /** No further exchanges; those under way may end. */
  retire(): void {
    this.#retired = true;
    if (!this.#session.closed) this.#session.close();
    if (this.idle) this.#deadline.set(LINGER);
  }

  #onLate(): void {
    if (this.#retired) this.destroy();
    else this.retire();
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#retired = true;
    this.#deadline.end();
    this.connection.socket.destroy();
  }

  readonly #onGoaway = (): void => {
    this.#retired = true;
    if (this.idle) this.#deadline.set(LINGER);
  };

  readonly #onSettings = ({ maxConcurrentStreams, enableConnectProtocol }: Settings): void => {
    this.#mostStreams = Math.min(MAX_STREAMS, maxConcurrentStreams ?? MAX_STREAMS);
    this.extended = enableConnectProtocol === true;
    this.#told = true;
  };
}

/**
 * Milliseconds that a connection may take exchanges: one that is always busy would outlive the certificate by which its
 * origin was verified, and what a name server has said.
 */
export function lifeOf(socket: Socket, now: number): number {
  const leaf = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  const left = leaf ? leaf.validToDate.getTime() - now : MAX_LIFE;
  return Math.min(Math.max(left, 0), MAX_LIFE);
}

/** Without the way there, and who we are, which are no part of a URL. */
function urlOf(origin: string): string {
  return origin.split(' ', 1)[0] ?? origin;
}

function widen(session: Http2Session): void {
  if (!session.destroyed) session.setLocalWindowSize(ORIGIN_CONNECTION_WINDOW);
}

/** Pushed, though we have said that we take none (RFC 9113 section 8.4). */
function refuse(stream: ClientHttp2Stream): void {
  stream.on('error', () => undefined);
  stream.close(constants.NGHTTP2_REFUSED_STREAM);
}
