// One exchange on a stream of a connection to an origin; what lane.ts is for HTTP/1, seen from relay.ts. Made by
// h2-lane.ts. Backpressure is that of the stream's own windows, so one that waits does not hold up the others.

import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { asProxyError, ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { sweepAfter } from '../net/buffer-sweep.ts';
import { Deadline } from '../net/deadline.ts';
import { StreamSocket } from '../net/stream-socket.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import type { ReplyHead } from '../wire/http-head.ts';
import { MAX_FIELDS } from './admission.ts';
import { watchEnd } from './h2-end.ts';
import { areTrailers } from './h2-head.ts';
import { asObject, lowered, secretOf } from './h2-headers.ts';
import type { H2Lane } from './h2-lane.ts';
import { ORIGIN_WINDOW } from './h2-options.ts';
import type { ReplySink } from './lane.ts';
import type { ReplySource } from './reply-port.ts';

/** Interim replies to one request: an origin could send them for ever. */
const MAX_INTERIM = 50;

export class H2Exchange implements ReplySource {
  readonly #lane: H2Lane;
  readonly #deadline = new Deadline(() => this.#onLate());
  #stream: ClientHttp2Stream | undefined;
  #sink: ReplySink | undefined;
  #sent = false;
  #opens = false;
  #begun = false;
  #isWhole: () => boolean = () => false;
  #interim = 0;
  #trailers: readonly string[] | undefined;
  /** Bytes of the body that are still to be handed on, where it has a length. */
  #left = Number.POSITIVE_INFINITY;
  #over = false;
  /** Milliseconds that the origin may be silent before its reply and within it. */
  patience: number;
  /** The code by which the origin has reset the stream (RFC 9113 section 7). */
  reset: number | undefined;

  constructor(lane: H2Lane, limits: Limits) {
    this.#lane = lane;
    this.patience = limits.responseTimeout;
  }

  get connection(): UpstreamConnection {
    return this.#lane.connection;
  }

  /** What its connection is kept under. */
  get origin(): string {
    return this.#lane.origin;
  }

  /** Whether a WebSocket can be opened here, which is known once the origin has told of itself. */
  mayOpen(): Promise<boolean> {
    return this.#lane.mayOpen();
  }

  /** What the origin may have sent while nobody was reading. */
  get ahead(): number {
    return this.#over ? 0 : Math.max(0, Math.min(this.#left, ORIGIN_WINDOW));
  }

  get fresh(): boolean {
    return this.#lane.fresh;
  }

  /**
   * Begins it; `head`: pseudo fields and fields in turn; `more`: a body follows. False: the connection is gone, and
   * nothing of the request has left. `opens`: it is an extended CONNECT.
   */
  start(head: readonly string[], sink: ReplySink, more: boolean, opens = false): boolean {
    let stream: ClientHttp2Stream | undefined;
    try {
      stream = this.#lane.request(head, !more && !opens, more || opens);
    } finally {
      // Nor where node:http2 throws, which is particular about fields: its place is free again.
      if (!stream) this.#leave();
    }
    if (!stream) return false;
    this.#sink = sink;
    this.#opens = opens;
    this.#stream = stream;
    this.#isWhole = watchEnd(stream);
    stream.on('error', () => undefined).on('close', this.#onClose);
    stream.on('response', this.#onResponse).on('headers', this.#onInterim).on('trailers', this.#onTrailers);
    stream.on('drain', this.#onDrain);
    if (!opens) stream.on('wantTrailers', () => stream.sendTrailers({}));
    return true;
  }

  /** A piece of the request behind its head, which is nobody else's; false: no more until `onDrain`. */
  write(piece: Buffer): boolean {
    const stream = this.#stream;
    if (!stream || stream.destroyed || stream.closed) return true;
    return stream.write(piece);
  }

  /** All of the body is written; `trailers`: names and values in turn. */
  end(trailers: readonly string[]): void {
    const stream = this.#stream;
    if (!stream || stream.destroyed || stream.closed) return;
    if (trailers.length > 0) {
      stream.removeAllListeners('wantTrailers');
      stream.on('wantTrailers', () => stream.sendTrailers(asObject(lowered(trailers, []))));
    }
    stream.end();
  }

  /** The origin has its time while it has something to do. `sent`: there is no more to write. */
  push(sent: boolean): void {
    this.#sent = sent;
    if (!this.#sink || this.#begun) return;
    if (sent || this.#stream?.writableNeedDrain) this.#deadline.set(this.patience);
    else this.#deadline.clear();
  }

  /** Goes on behind an `onPause` that said false. */
  resume(): void {
    if (!this.#sink || !this.#stream?.isPaused()) return;
    this.#deadline.set(this.patience);
    this.#stream.resume();
  }

  /** Ends it at once, by a reset of its stream. */
  destroy(): void {
    this.#sink = undefined;
    if (this.#begun) this.#lane.noteUnread(this.ahead);
    this.#stream?.close(constants.NGHTTP2_CANCEL);
    this.#leave();
  }

  readonly #onResponse = (headers: IncomingHttpHeaders, flags: number, raw: readonly string[]): void => {
    const [stream, sink] = [this.#stream, this.#sink];
    if (!stream || !sink || this.#begun) return;
    this.#begun = true;
    this.#lane.answered = true;
    this.#lane.noteHead(raw);
    const head: ReplyHead = { ...replyHead(raw), secret: secretOf(headers) };
    const { status, rawHeaders } = head;
    const length = headers['content-length'];
    // nghttp2 has held it to be one.
    if (length !== undefined) this.#left = Number(length);
    if (rawHeaders.length / 2 > MAX_FIELDS) {
      this.#fail(new ProxyError('response-malformed', `More than ${MAX_FIELDS} fields.`));
      return;
    }
    if (this.#opens && status >= 200 && status < 300) {
      this.#open(stream, sink, head);
      return;
    }
    if (!(status >= 200 && status <= 599)) {
      this.#fail(new ProxyError('response-malformed', `Status ${status}.`));
      return;
    }
    try {
      sink.onHead(head);
      if (this.#over) return;
      this.#deadline.set(this.patience);
      stream.on('data', this.#onData).on('end', this.#onEnd);
      // With its end, head and all go out as one: gRPC tells its status so.
      if ((flags & constants.NGHTTP2_FLAG_END_STREAM) === 0) sink.onPause();
    } catch (fault) {
      // Nobody stands above a listener, and node:http2 is particular about fields.
      this.#fail(asProxyError(fault));
    }
  };

  /** The stream is another's from now on; its place here it has until it closes. */
  #open(stream: ClientHttp2Stream, sink: ReplySink, head: ReplyHead): void {
    this.#sink = undefined;
    this.#deadline.end();
    stream.off('close', this.#onClose).off('drain', this.#onDrain).off('trailers', this.#onTrailers);
    stream.on('close', () => this.#leave());
    const note = (bytes: number): void => this.#lane.noteData(bytes);
    const { socket: carrier } = this.#lane.connection;
    const socket = new StreamSocket(stream, { carrier, code: constants.NGHTTP2_CANCEL, isWhole: this.#isWhole, note });
    sink.onOpen?.(head, socket);
  }

  readonly #onInterim = (_headers: unknown, _flags: number, raw: readonly string[]): void => {
    this.#interim += 1;
    this.#lane.answered = true;
    this.#lane.noteHead(raw);
    const head = replyHead(raw);
    // None of them is a 101, which nghttp2 takes for malformed (RFC 9113 section 8.6).
    if (this.#interim > MAX_INTERIM || head.rawHeaders.length / 2 > MAX_FIELDS) {
      this.#fail(new ProxyError('response-malformed', 'Too many interim replies, or fields of one.'));
    } else this.#sink?.onInterim?.(head);
  };

  readonly #onTrailers = (_headers: unknown, _flags: number, raw: readonly string[]): void => {
    this.#lane.noteHead(raw);
    if (areTrailers(raw)) this.#trailers = raw;
  };

  readonly #onData = (piece: Buffer): void => {
    const sink = this.#sink;
    if (!sink) return;
    sweepAfter(piece.length);
    this.#lane.noteData(piece.length);
    this.#left -= piece.length;
    sink.onData(piece);
    if (this.#left > 0) {
      this.#handOn(sink);
      return;
    }
    // Its end is told within this turn, as a rule, and goes out with it as one.
    this.#deadline.set(this.patience);
    setImmediate(this.#handOnLast);
  };

  readonly #handOnLast = (): void => {
    if (this.#sink) this.#handOn(this.#sink);
  };

  #handOn(sink: ReplySink): void {
    if (sink.onPause()) this.#deadline.set(this.patience);
    else {
      // The client is slow, not the origin.
      this.#deadline.clear();
      this.#stream?.pause();
    }
  }

  readonly #onDrain = (): void => {
    if (!this.#sink) return;
    if (!this.#begun && !this.#sent) this.#deadline.clear();
    this.#sink.onDrain();
  };

  readonly #onEnd = (): void => {
    const stream = this.#stream;
    if (!stream || !this.#isWhole()) return;
    const sink = this.#sink;
    this.#sink = undefined;
    // The rest of the request is not wanted any more.
    if (!this.#sent || this.#opens) stream.close(constants.NGHTTP2_NO_ERROR);
    this.#leave();
    if (this.#trailers) sink?.onTrailers?.(this.#trailers);
    sink?.onEnd();
  };

  readonly #onClose = (): void => {
    const stream = this.#stream;
    if (!stream || this.#lane.broken) {
      this.#fail(this.#lane.loss);
      return;
    }
    this.reset = stream.rstCode || constants.NGHTTP2_INTERNAL_ERROR;
    this.#fail(new ProxyError('response-aborted', `It has reset the stream: ${nameOf(this.reset)}.`));
  };

  /** A connection on which nobody is answered may be dead: others shall not wait for it too. */
  #onLate(): void {
    this.#lane.late(this.patience);
    this.#fail(new ProxyError('response-timeout'));
  }

  #fail(error: ProxyError): void {
    const sink = this.#sink;
    this.destroy();
    sink?.onError(error);
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.end();
    this.#lane.leave();
  }
}

function replyHead(raw: readonly string[]): ReplyHead {
  const rawHeaders: string[] = [];
  let status = 0;
  let announces = false;
  let measured = false;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]];
    if (name === ':status') status = Number(value);
    else rawHeaders.push(name, value);
    announces ||= name === 'trailer';
    measured ||= name === 'content-length';
  }
  // Said in the words of HTTP/1.1: trailers are to come.
  if (announces && !measured) rawHeaders.push('transfer-encoding', 'chunked');
  return { status, reason: '', httpVersion: '2.0', rawHeaders };
}

const CODES = [
  ...['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT', 'STREAM_CLOSED'],
  ...['FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM'],
  ...['INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED'],
];

/** As RFC 9113 section 7 names it. */
function nameOf(code: number): string {
  return CODES[code] ?? `0x${code.toString(16)}`;
}
