// The reply on one stream of a client's HTTP/2 connection: head with the first bytes of the body, backpressure by the
// client's windows, trailers at the end. Made by h2-conversation.ts; flow/ and relay.ts write with it.

import type { ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import { ProxyError } from '../core/errors.ts';
import { Deadline } from '../net/deadline.ts';
import { hasField } from './admission.ts';
import { asObject, keepSecret, lowered } from './h2-headers.ts';
import { withoutProofs } from './h2-websocket.ts';
import { isEmpty } from './reply-framing.ts';
import type { ReplyPort, ReplySource } from './reply-port.ts';
import type { Replied } from './reply-writer.ts';
import type { Stalled, StalledShare } from './stalled-replies.ts';

/** Bytes that nobody counts behind the end of a reply: most clients take them at once. */
const SMALL = 16_384;

export class H2Reply implements ReplyPort, Stalled {
  last = false;
  readonly done: Promise<Replied>;
  onDrain: (() => void) | undefined;
  onGone: (() => void) | undefined;
  trailers: readonly string[] | undefined;
  secret: readonly string[] | undefined;
  source: ReplySource | undefined;
  failure: ProxyError | undefined;
  takeOver: (() => Promise<void>) | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #timeout: number;
  readonly #share: StalledShare | undefined;
  /** It is counted there. */
  #stalls = false;
  readonly #isHead: boolean;
  readonly #settle: (replied: Replied) => void;
  /** A client that takes nothing more of its reply holds an origin, or our buffers. */
  readonly #deadline = new Deadline(() => this.abort(constants.NGHTTP2_CANCEL));
  #head: string[] | undefined;
  #pieces: Buffer[] = [];
  /** Bytes of its header, uncompressed. */
  headSize = 0;
  #bytes = 0;
  #ended = false;
  #bodiless = false;
  #mayTrail = false;

  /**
   * `timeout`: milliseconds in which the client takes nothing, though there is something; `share`: where it is counted as
   * long as that is so.
   */
  constructor(stream: ServerHttp2Stream, method: string, timeout: number, share?: StalledShare) {
    this.#share = share;
    this.#isHead = method === 'HEAD';
    const { promise, resolve } = Promise.withResolvers<Replied>();
    this.done = promise;
    this.#settle = resolve;
    this.#stream = stream;
    this.#timeout = timeout;
    stream.on('drain', this.#onDrained).on('wantTrailers', this.#onWantTrailers);
    stream.on('finish', this.#onFinish).on('close', this.#onClose);
  }

  get gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  writeContinue(): void {
    if (!this.gone) this.#stream.additionalHeaders({ ':status': 100 });
  }

  /** A 1xx other than 101. */
  writeInterim(status: number, _reason: string, fields: readonly string[]): void {
    if (!this.gone) this.#stream.additionalHeaders({ ':status': status, ...asObject(lowered(fields, [])) });
  }

  /** A WebSocket stands by a 200 (RFC 8441 section 5); from now on the stream is another's. */
  writeSwitch(_reason: string, fields: readonly string[]): void {
    if (this.gone) return;
    this.#ended = true;
    const head = lowered(withoutProofs(fields), [':status', '200']);
    for (const text of head) this.#bytes += text.length;
    const stream = this.#stream;
    stream.off('drain', this.#onDrained).off('wantTrailers', this.#onWantTrailers).off('finish', this.#onFinish);
    stream.respond(head, { waitForTrailers: true });
    this.#over(true);
  }

  writeHead(status: number, _reason: string, fields: readonly string[]): void {
    this.#head = keepSecret(lowered(fields, [':status', String(status)]), this.secret);
    this.#bodiless = this.#isHead || isEmpty(status) || status === 304;
  }

  write(piece: Buffer): void {
    if (!this.#bodiless && piece.length > 0) this.#pieces.push(piece);
  }

  flush(): boolean {
    if (this.gone) return true;
    if (this.#head) this.#respond(this.#head, false);
    if (this.#pieces.length > 0) this.#send();
    if (!this.#stream.writableNeedDrain) return true;
    this.#deadline.set(this.#timeout);
    this.#stall();
    return false;
  }

  end(piece?: Buffer): void {
    if (this.#ended) return;
    this.#ended = true;
    if (piece) this.write(piece);
    if (this.gone) return;
    const isWhole = this.#pieces.length === 0 && !this.trailers;
    if (this.#head) this.#respond(this.#head, this.#bodiless || isWhole);
    if (this.#pieces.length > 0) this.#send();
    if (this.#stream.writableFinished) return;
    this.#deadline.set(this.#timeout);
    if (this.#stream.writableLength > SMALL) this.#stall();
    this.#stream.end();
  }

  get held(): number {
    return this.#stream.writableLength + (this.source?.ahead ?? 0);
  }

  /** What waits goes with the stream, its end too: nobody takes what has come for the whole. */
  giveUp(): void {
    this.#stalls = false;
    if (this.gone) return;
    this.failure = new ProxyError('client-limit', 'Too much waits for it on streams of which it takes nothing.');
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #stall(): void {
    if (!this.#share) return;
    this.#stalls = true;
    this.#share.replies.add(this.#share, this);
  }

  #goOn(): void {
    if (!this.#stalls) return;
    this.#stalls = false;
    this.#share?.replies.remove(this.#share, this);
  }

  /**
   * Resets the stream; the connection and its other streams go on. By `close` node:http2 first ends the body, as if it
   * were whole, unless trailers were to follow; by `destroy` it has one code for all.
   */
  abort(code: number): void {
    if (!this.#stream.headersSent || this.#mayTrail) this.#stream.close(code);
    else this.#stream.destroy(new Error('reset'));
  }

  #respond(head: string[], endStream: boolean): void {
    this.#head = undefined;
    for (const text of head) this.#bytes += text.length;
    this.headSize = this.#bytes;
    // A reply with a length has its end told; any other may have trailers.
    this.#mayTrail = !endStream && !this.#bodiless && !hasField(head, 'content-length');
    this.#stream.respond(head, { endStream: endStream || this.#bodiless, waitForTrailers: this.#mayTrail });
  }

  /** In a buffer of its own: a piece may be others' in the next turn, and the client may take its time. */
  #send(): void {
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes += whole.length;
    this.#stream.write(whole);
  }

  readonly #onDrained = (): void => {
    if (this.#ended) this.#deadline.set(this.#timeout);
    else this.#deadline.clear();
    this.#goOn();
    this.onDrain?.();
  };

  readonly #onWantTrailers = (): void => {
    const trailers = lowered(this.trailers ?? [], []);
    for (const text of trailers) this.#bytes += text.length;
    this.#stream.sendTrailers(asObject(trailers));
  };

  /** That of a reply to HEAD comes before there is one. */
  readonly #onFinish = (): void => {
    if (this.#ended && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#over(true);
  };

  readonly #onClose = (): void => {
    this.#over(this.#ended && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR && this.#stream.writableFinished);
    this.onGone?.();
  };

  #over(complete: boolean): void {
    this.#deadline.end();
    this.#goOn();
    this.#settle({ bytes: this.#bytes, complete });
  }
}
