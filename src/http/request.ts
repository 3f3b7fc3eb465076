// A client's request: its head, and its body as it comes. Whoever sends it on reads the body piece by piece, and stops it
// when it is more than the origin takes. Made by conversation.ts; nothing here touches the client's connection.

import type { ProxyError } from '../core/errors.ts';
import { sweepAfter } from '../net/buffer-sweep.ts';
import type { RequestHead } from '../wire/http-head.ts';

export interface BodySink {
  onBody(piece: Buffer): void;
  onBodyEnd(): void;
  /** The client went away, fell silent, or what it sends is no body. */
  onBodyError(error: ProxyError): void;
}

/** Bytes that wait here for whoever reads; then the client waits. A piece counts for what it costs, however small. */
const MAX_HELD = 65_536;
const PIECE_COST = 256;

export class Request implements RequestHead {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
  readonly secret: readonly string[] | undefined;
  /** Its end has arrived. */
  complete: boolean;
  /** Why its end will not arrive. */
  error: ProxyError | undefined;
  /** Bytes of the body that were handed on. */
  bytes = 0;
  /** What came behind the body: names and values in turn. */
  trailers: readonly string[] | undefined;
  /** It offers to leave HTTP: what the client sends before it has the reply need not be a request. */
  mayLeaveHttp = false;
  /** It is a conversation rather than an upload: it may be as slow, and as silent, as a tunnel. */
  lasting = false;
  readonly #onFlow: () => void;
  #held: Buffer[] = [];
  /** How many of them were handed on. */
  #used = 0;
  #heldBytes = 0;
  #sink: BodySink | undefined;
  #paused = false;
  #heldBack = false;

  /** `onFlow` is called when `wanted` may have changed. */
  constructor({ method, url, httpVersion, rawHeaders, secret }: RequestHead, complete: boolean, onFlow: () => void) {
    this.method = method;
    this.url = url;
    this.httpVersion = httpVersion;
    this.rawHeaders = rawHeaders;
    this.secret = secret;
    this.complete = complete;
    this.#onFlow = onFlow;
  }

  /** Whether more of the body may come; `awaited` when somebody waits for it. */
  get wanted(): 'no' | 'yes' | 'awaited' {
    if (this.complete || this.error) return 'no';
    if (this.#sink && !this.#paused && !this.#heldBack) return 'awaited';
    return this.#heldBytes < MAX_HELD ? 'yes' : 'no';
  }

  /** From now on the body goes to `sink`, what is here of it at once. */
  read(sink: BodySink): void {
    this.#sink = sink;
    this.#paused = true;
    this.resume();
  }

  /** The client waits for a word of ours: until it has that, it is not to blame for what does not come. */
  holdBack(isHeld: boolean): void {
    if (this.#heldBack === isHeld) return;
    this.#heldBack = isHeld;
    this.#onFlow();
  }

  /** From now on it is `lasting`. */
  outlast(): void {
    if (this.lasting || this.complete) return;
    this.lasting = true;
    this.#onFlow();
  }

  pause(): void {
    this.#paused = true;
    this.#onFlow();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    while (this.#sink && !this.#paused) {
      const piece = this.#held[this.#used];
      if (!piece) {
        this.#drop();
        break;
      }
      this.#used += 1;
      this.#heldBytes -= piece.length + PIECE_COST;
      this.#hand(this.#sink, piece);
    }
    this.#tellEnd();
    this.#onFlow();
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.#sink = undefined;
    this.#drop();
    this.#onFlow();
  }

  /** A piece has arrived. */
  arrive(piece: Buffer): void {
    if (this.#sink && !this.#paused) this.#hand(this.#sink, piece);
    else {
      this.#held.push(piece);
      this.#heldBytes += piece.length + PIECE_COST;
    }
  }

  /** Its end has arrived. */
  finish(): void {
    this.complete = true;
    this.#tellEnd();
  }

  fail(error: ProxyError): void {
    if (this.complete || this.error) return;
    this.error = error;
    this.#sink?.onBodyError(error);
  }

  #drop(): void {
    this.#held = [];
    this.#used = 0;
    this.#heldBytes = 0;
  }

  #hand(sink: BodySink, piece: Buffer): void {
    this.bytes += piece.length;
    sweepAfter(piece.length);
    sink.onBody(piece);
  }

  #tellEnd(): void {
    if (!this.complete || this.#paused || this.#used < this.#held.length) return;
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.onBodyEnd();
  }
}
