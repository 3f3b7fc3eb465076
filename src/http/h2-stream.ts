// One stream of a client's HTTP/2 connection: its request with the body as it comes, its reply, and a connection of its
// own, so that what ends one exchange leaves the others alone. Made by h2-conversation.ts.

import type { ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import { ProxyError } from '../core/errors.ts';
import { bodyPatience, type Limits } from '../core/limits.ts';
import { Deadline } from '../net/deadline.ts';
import { Inlet } from '../net/inlet.ts';
import { StreamSocket } from '../net/stream-socket.ts';
import { BodyPace } from './body-pace.ts';
import type { Connection } from './connection.ts';
import type { FrameWatch } from './frame-watch.ts';
import { watchEnd } from './h2-end.ts';
import { areTrailers, type H2Head, isForUs, readH2Head } from './h2-head.ts';
import { H2Reply } from './h2-reply.ts';
import { asHandshake, isWebSocket, WEBSOCKET } from './h2-websocket.ts';
import { Request } from './request.ts';
import type { StalledShare } from './stalled-replies.ts';

export interface StreamHead {
  /** Names and values in turn, pseudo fields among them. */
  readonly rawHeaders: readonly string[];
  /** No body follows. */
  readonly whole: boolean;
  /** Names of fields that came marked as never to be indexed. */
  readonly secret: readonly string[] | undefined;
}

export class H2Stream {
  readonly connection: Connection;
  readonly request: Request;
  readonly reply: H2Reply;
  readonly #stream: ServerHttp2Stream;
  readonly #limits: Limits;
  readonly #deadline = new Deadline(() => this.request.fail(new ProxyError('request-timeout', 'Its body stalled.')));
  readonly #watch: FrameWatch;
  readonly #isWhole: () => boolean;
  /** It asks for a WebSocket, by an extended CONNECT. */
  readonly #opens: boolean;
  #pace: BodyPace | undefined;

  constructor(
    stream: ServerHttp2Stream,
    { rawHeaders, whole, secret }: StreamHead,
    on: Connection,
    limits: Limits,
    watch: FrameWatch,
    share: StalledShare,
  ) {
    this.#stream = stream;
    this.#limits = limits;
    this.#watch = watch;
    watch.noteHead(rawHeaders);
    this.#opens = isWebSocket(rawHeaders);
    const isAll = whole || this.#opens;
    const reading = readH2Head(rawHeaders, isAll, on.tunnel === undefined && !isForUs(rawHeaders, on.ownName));
    const head = reading.ok && this.#opens ? asHandshake(reading.head) : reading.head;
    this.request = new Request({ ...head, secret }, isAll, this.#onFlow);
    this.reply = new H2Reply(stream, head.method, limits.bodyTimeout, share);
    const isWhole = watchEnd(stream);
    const inlet = this.#opens ? new Inlet(this.#socketOf(stream, on, () => whole || isWhole())) : on.inlet;
    this.connection = {
      ...on,
      inlet,
      socket: inlet.socket,
      abort: (code = constants.NGHTTP2_INTERNAL_ERROR) => this.reply.abort(code),
    };
    // Not by `fail`: a request may be whole and no good.
    this.request.error = problemOf(reading);
    stream.on('close', this.#onClose);
    this.#isWhole = isWhole;
    if (isAll || this.request.error) return;
    this.#pace = new BodyPace(limits.bodyTimeout, limits.slowestBody);
    this.#pace.pause();
    stream.on('data', this.#onData).on('end', this.#onEnd).on('trailers', this.#onTrailers);
  }

  /** Takes no more of a body that nobody reads, and ends the stream behind its reply. */
  close(): void {
    this.#deadline.end();
    if (!this.request.complete || this.#opens) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** What a WebSocket is carried on, once it stands; its end is no reset but where it breaks off (RFC 8441 section 5). */
  #socketOf(stream: ServerHttp2Stream, { socket: carrier }: Connection, isWhole: () => boolean): StreamSocket {
    const note = (bytes: number): void => this.#watch.noteData(bytes);
    return new StreamSocket(stream, { carrier, code: constants.NGHTTP2_CANCEL, isWhole, note });
  }

  readonly #onData = (piece: Buffer): void => {
    this.#watch.noteData(piece.length);
    this.request.arrive(piece);
    if (!this.request.lasting && this.#pace?.isTooSlow(piece.length)) {
      this.request.fail(new ProxyError('request-timeout', 'Its body comes too slowly.'));
    }
    this.#onFlow();
  };

  readonly #onEnd = (): void => {
    if (!this.#isWhole()) return;
    this.#deadline.clear();
    this.request.finish();
  };

  readonly #onTrailers = (_headers: unknown, _flags: number, rawHeaders: readonly string[]): void => {
    this.#watch.noteHead(rawHeaders);
    if (areTrailers(rawHeaders)) this.request.trailers = rawHeaders;
    else this.request.fail(new ProxyError('request-malformed', 'Malformed trailers.'));
  };

  readonly #onClose = (): void => {
    this.#deadline.end();
    this.request.fail(new ProxyError('client-aborted'));
  };

  /** Reads on as the body is wanted; while somebody waits for it, the client has a deadline. */
  readonly #onFlow = (): void => {
    if (!this.#pace) return;
    const { wanted, lasting } = this.request;
    if (wanted === 'awaited') {
      this.#deadline.set(bodyPatience(this.#limits, lasting));
      this.#pace.resume();
    } else {
      this.#deadline.clear();
      this.#pace.pause();
    }
    if (wanted === 'no' && !this.request.complete) this.#stream.pause();
    else if (this.#stream.isPaused()) this.#stream.resume();
  };
}

function problemOf(reading: H2Head): ProxyError | undefined {
  if (!reading.ok) return new ProxyError('request-malformed', reading.reason);
  const { protocol, head } = reading;
  if (protocol !== undefined && protocol !== WEBSOCKET)
    return new ProxyError('request-method', `CONNECT to the protocol ${protocol}.`);
  return head.method === 'CONNECT' && protocol === undefined
    ? new ProxyError('request-malformed', 'CONNECT within a tunnel.')
    : undefined;
}
