// One stream of a client's HTTP/2 connection: its request with the body as it comes, its reply, and a connection of its
// own, so that what ends one exchange leaves the others alone. Made by h2-conversation.ts.

import type { ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { Deadline } from '../net/deadline.ts';
import { BodyPace } from './body-pace.ts';
import type { Connection } from './connection.ts';
import type { FrameWatch } from './frame-watch.ts';
import { watchEnd } from './h2-end.ts';
import { areTrailers, type H2Head, readH2Head } from './h2-head.ts';
import { H2Reply } from './h2-reply.ts';
import { Request } from './request.ts';

export interface StreamHead {
  /** Names and values in turn, pseudo fields among them. */
  readonly rawHeaders: readonly string[];
  /** No body follows. */
  readonly whole: boolean;
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
  #pace: BodyPace | undefined;

  constructor(
    stream: ServerHttp2Stream,
    { rawHeaders, whole }: StreamHead,
    on: Connection,
    limits: Limits,
    watch: FrameWatch,
  ) {
    this.#stream = stream;
    this.#limits = limits;
    this.#watch = watch;
    watch.note(rawHeaders.join().length);
    const reading = readH2Head(rawHeaders, whole, on.tunnel === undefined);
    this.request = new Request(reading.head, whole, this.#onFlow);
    this.reply = new H2Reply(stream, reading.head.method, limits.bodyTimeout);
    this.connection = {
      ...on,
      abort: (code = constants.NGHTTP2_INTERNAL_ERROR) => this.reply.abort(code),
    };
    // Not by `fail`: a request may be whole and no good.
    this.request.error = problemOf(reading);
    stream.on('close', this.#onClose);
    this.#isWhole = watchEnd(stream);
    if (whole || this.request.error) return;
    this.#pace = new BodyPace(limits.bodyTimeout, limits.slowestBody);
    this.#pace.pause();
    stream.on('data', this.#onData).on('end', this.#onEnd).on('trailers', this.#onTrailers);
  }

  /** Takes no more of a body that nobody reads, and ends the stream behind its reply. */
  close(): void {
    this.#deadline.end();
    if (!this.request.complete) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  readonly #onData = (piece: Buffer): void => {
    this.#watch.note(piece.length);
    this.request.arrive(piece);
    if (this.#pace?.isTooSlow(piece.length)) {
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
    const { wanted } = this.request;
    if (wanted === 'awaited') {
      this.#deadline.set(this.#limits.bodyTimeout);
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
  if (protocol !== undefined) return new ProxyError('request-method', `CONNECT to the protocol ${protocol}.`);
  return head.method === 'CONNECT' ? new ProxyError('request-malformed', 'CONNECT within a tunnel.') : undefined;
}
