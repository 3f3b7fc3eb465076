// Writes the reply to one request: frames it (RFC 9112 section 6), sends the head with the first bytes of the body, counts
// what it sends, and tells how it ended. Made by conversation.ts; flow/ and relay.ts write with it.

import type { Socket } from 'node:net';
import { Outbox } from '../net/outbox.ts';
import { isEmpty } from './reply-framing.ts';
import type { ReplyPort } from './reply-port.ts';
import { lastChunk } from './trailers.ts';

export interface Replied {
  /** Bytes of the reply, its header included, and of interim replies before it. */
  readonly bytes: number;
  /** All of it was handed to the system. */
  readonly complete: boolean;
}

export interface ReplyOptions {
  /** Of the request that is answered. */
  readonly method: string;
  readonly httpVersion: string;
  /** The client has said that it will send no further request. */
  readonly last: boolean;
  /** From then on the head of a reply says that it is the last. */
  readonly stopping?: AbortSignal | undefined;
  /** Milliseconds, told to the client. */
  readonly keepAliveTimeout: number;
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
/** Bytes that are small enough to be a piece of the pool that Node.js keeps for them. */
const SMALL = 4_000;

export class ReplyWriter implements ReplyPort {
  /** The connection ends behind this reply, and the client is told so; to be set before the head. */
  last: boolean;
  /** Resolves when the reply is out or the client is gone. */
  readonly done: Promise<Replied>;
  /** A client that had too much to take can take more. */
  onDrain: (() => void) | undefined;
  /** The client has gone before the end of the reply. */
  onGone: (() => void) | undefined;
  /** Sent behind a body in chunks, and nowhere else; to be set before its end. */
  trailers: readonly string[] | undefined;
  /** Behind a change of protocol: who reads from then on; what the client has sent already is put back. */
  takeOver: (() => Promise<void>) | undefined;
  readonly #socket: Socket;
  readonly #options: ReplyOptions;
  readonly #settle: (replied: Replied) => void;
  #pieces: (string | Buffer)[] = [];
  /** Made for the first bytes that are not small, or that come while others are on their way. */
  #outbox: Outbox | undefined;
  /** Bytes of its header. */
  headSize = 0;
  #bytes = 0;
  #bodiless = false;
  #chunked = false;
  #ended = false;

  constructor(socket: Socket, options: ReplyOptions) {
    const { promise, resolve } = Promise.withResolvers<Replied>();
    this.done = promise;
    this.#settle = resolve;
    this.#socket = socket;
    this.#options = options;
    this.last = options.last;
  }

  /** Whether the client is gone. */
  get gone(): boolean {
    return this.#socket.destroyed;
  }

  writeContinue(): void {
    this.#pieces.push(CONTINUE);
    this.flush();
  }

  /** A 1xx other than 101; HTTP/1.0 has none (RFC 9110 section 15.2). */
  writeInterim(status: number, reason: string, fields: readonly string[]): void {
    if (this.#options.httpVersion === '1.0') return;
    this.#pieces.push(`HTTP/1.1 ${status} ${reason}\r\n${fieldLines(fields)}\r\n`);
    this.flush();
  }

  /** A 101, the end of what is said here in HTTP. */
  writeSwitch(reason: string, fields: readonly string[]): void {
    this.#ended = true;
    this.#pieces.push(`HTTP/1.1 101 ${reason}\r\n${fieldLines(fields)}\r\n`);
    this.#send(this.#onOut);
  }

  /** Names and values in turn; the framing is made here, of Content-Length when there is one. */
  writeHead(status: number, reason: string, fields: readonly string[]): void {
    const { method, httpVersion, stopping, keepAliveTimeout } = this.#options;
    if (stopping?.aborted) this.last = true;
    let head = `HTTP/1.1 ${status} ${reason}\r\n`;
    let dated = false;
    let framed = false;
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const name = fields[at] ?? '';
      head += `${name}: ${fields[at + 1]}\r\n`;
      if (name.length === 4) dated ||= name.toLowerCase() === 'date';
      else if (name.length === 14) framed ||= name.toLowerCase() === 'content-length';
    }
    this.#bodiless = method === 'HEAD' || isEmpty(status) || status === 304;
    const isBare = !framed && !this.#bodiless;
    this.#chunked = isBare && httpVersion !== '1.0';
    // Its end is that of the connection.
    if (isBare && !this.#chunked) this.last = true;
    if (!dated) head += `Date: ${dateNow()}\r\n`;
    if (this.last) head += 'Connection: close\r\n';
    else head += `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeout / 1000)}\r\n`;
    const whole = this.#chunked ? `${head}Transfer-Encoding: chunked\r\n\r\n` : `${head}\r\n`;
    this.headSize = whole.length;
    this.#pieces.push(whole);
  }

  /** Sent with the next `flush` or `end`, which must come in the same turn: the piece is not ours for longer. */
  write(piece: Buffer): void {
    if (this.#bodiless || piece.length === 0) return;
    if (this.#chunked) this.#pieces.push(`${piece.length.toString(16)}\r\n`, piece, '\r\n');
    else this.#pieces.push(piece);
  }

  /** Sends what there is; false when the client has too much to take. */
  flush(): boolean {
    if (this.#pieces.length > 0) this.#send(undefined);
    return !this.#outbox?.full;
  }

  end(piece?: Buffer): void {
    if (this.#ended) return;
    this.#ended = true;
    if (piece) this.write(piece);
    if (this.#chunked) this.#pieces.push(lastChunk(this.trailers));
    else if (this.#pieces.length === 0) this.#pieces.push('');
    this.#send(this.#onOut);
  }

  /** To be called when the connection has closed; what is out by then stays complete. */
  close(): void {
    this.#settle({ bytes: this.#bytes, complete: false });
    this.onGone?.();
  }

  readonly #onOut = (error?: Error | null): void => {
    if (!error) this.#settle({ bytes: this.#bytes, complete: true });
  };

  #send(sent: ((error?: Error | null) => void) | undefined): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    const socket = this.#socket;
    if (socket.destroyed) return;
    let size = 0;
    for (const piece of pieces) size += piece.length;
    this.#bytes += size;
    // However small it is: behind a write that is not out yet there must be an end to what is kept. An end without bytes
    // is queued by the socket itself, behind what that has.
    if (size > SMALL || this.#outbox?.busy || (size > 0 && socket.writableLength > 0)) {
      this.#outbox ??= new Outbox(socket, () => this.onDrain?.());
      this.#outbox.send(pieces, sent);
    } else socket.write(joined(pieces, size), 'latin1', sent);
  }
}

function fieldLines(fields: readonly string[]): string {
  let lines = '';
  for (let at = 0; at + 1 < fields.length; at += 2) lines += `${fields[at]}: ${fields[at + 1]}\r\n`;
  return lines;
}

/** In Latin-1 where it is text. */
function joined(pieces: readonly (string | Buffer)[], size: number): string | Buffer {
  const [first = ''] = pieces;
  if (pieces.length === 1 && typeof first === 'string') return first;
  const all = Buffer.allocUnsafe(size);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') at += all.write(piece, at, 'latin1');
    else at += piece.copy(all, at);
  }
  return all;
}

let second = 0;
let date = '';

/** As a field has it (RFC 9110 section 5.6.7); made once in a second. */
function dateNow(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    date = new Date(now * 1000).toUTCString();
  }
  return date;
}
