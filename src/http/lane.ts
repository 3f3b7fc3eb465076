// One connection to an origin, for one exchange at a time. Made and kept by origin-pools.ts, used by relay.ts. It lives
// as long as each reply ends exactly where the next one may begin; whatever else comes ends it.

import type { Socket } from 'node:net';
import { asProxyError, ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Seat } from '../core/roster.ts';
import { Deadline } from '../net/deadline.ts';
import type { SharedIntake } from '../net/shared-intake.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import { BodyReader } from '../wire/http-body.ts';
import { type ReplyHead, readReplyHead } from '../wire/http-head.ts';
import { isLast, valuesOf } from './admission.ts';
import { announcesTooMuch, replyFraming } from './reply-framing.ts';

/** Who has the lane for an exchange. */
export interface ReplySink {
  /** The final one. */
  onHead(head: ReplyHead): void;
  /** A 1xx before it, other than 101; nobody has to listen. */
  onInterim?(head: ReplyHead): void;
  /**
   * A 101, for whoever has asked for one: from now on all that comes goes to the function that it gives back, `rest` has
   * come already, and the lane carries no exchange any more.
   */
  onSwitch?(head: ReplyHead, rest: Buffer): (piece: Buffer) => void;
  /** The origin has granted an extended CONNECT, which was asked for: the stream is the socket, paused, from now on. */
  onOpen?(head: ReplyHead, socket: Socket): void;
  onData(piece: Buffer): void;
  /** All is said that has come so far; false: no more until `resume`. */
  onPause(): boolean;
  /** What came behind the body, right before `onEnd`. */
  onTrailers?(trailers: readonly string[]): void;
  /** The reply is whole. The lane is free for another exchange, or closed. */
  onEnd(): void;
  /** The reply is not whole, and the lane is closed. */
  onError(error: ProxyError): void;
  /** More of the request can be taken. */
  onDrain(): void;
}

/** Milliseconds a verified connection waits for its first request before it is closed. */
const UNUSED_LIFE = 10_000;
/** Milliseconds by which we close before the origin does: what is sent into its close is lost. */
const BEFORE_ORIGIN = 1_000;
/** Interim replies to one request, and their bytes: an origin could send them for ever. */
const MAX_INTERIM = 50;
const MAX_INTERIM_BYTES = 65_536;
const NOTHING = Buffer.alloc(0);

export interface LaneParts {
  readonly connection: UpstreamConnection;
  /** What the connection was dialled with. */
  readonly intake: SharedIntake;
  /** Scheme and authority, the parent and the client certificate where there is one, as one text. */
  readonly origin: string;
}

export class Lane {
  readonly connection: UpstreamConnection;
  /** Scheme and authority, the parent and the client certificate where there is one, as one text. */
  readonly origin: string;
  readonly #limits: Limits;
  readonly #deadline = new Deadline(() => this.#onLate());
  /** Whether no exchange has run on it yet: a failure then is not that of a stale connection. */
  fresh = true;
  /** Among the connections that are open; for the pools. */
  openSeat: Seat | undefined;
  /** Among those that rest; likewise. */
  restingSeat: Seat | undefined;
  /** The client whose credentials the connection itself has taken on; it is nobody else's then. */
  owner: Socket | undefined;
  #method = '';
  #sink: ReplySink | undefined;
  /** All of the request is written. */
  #sent = false;
  #held: Buffer = NOTHING;
  #seen = 0;
  #interim = 0;
  /** A reply has come on it, to the last byte. */
  #answered = false;
  #interimBytes = 0;
  /** Who gets what comes when this is no HTTP any more. */
  #raw: ((piece: Buffer) => void) | undefined;
  /** Milliseconds that the origin may be silent before its reply and within it, for this exchange. */
  patience: number;
  #head: ReplyHead | undefined;
  #body: BodyReader | undefined;

  /** `onGone` is called once, when the connection has closed or must not be used any more. */
  constructor({ connection, intake, origin }: LaneParts, limits: Limits, onGone: (lane: Lane) => void) {
    this.connection = connection;
    this.origin = origin;
    this.#limits = limits;
    this.patience = limits.responseTimeout;
    const { socket } = connection;
    socket.on('drain', this.#onDrain).once('end', this.#onEnd);
    socket.once('close', () => {
      onGone(this);
      this.#fail(this.#broken());
    });
    this.#deadline.set(UNUSED_LIFE);
    if (!intake.deliverTo(this.#onData)) this.destroy();
    socket.resume();
  }

  /**
   * NTLM and Negotiate log a connection in, not a request (RFC 4559 section 6): from now on it carries requests of this
   * client only, and ends with it.
   */
  bindTo(client: Socket): void {
    if (this.owner) return;
    this.owner = client;
    if (client.destroyed) this.destroy();
    else client.once('close', () => this.destroy());
  }

  get alive(): boolean {
    return !this.connection.socket.destroyed;
  }

  /**
   * Begins an exchange; `head` in Latin-1; `more`: pieces follow, and it goes out with those that are here.
   * False: the connection is gone, and nothing of the request has left.
   */
  begin(method: string, head: string, sink: ReplySink, more: boolean): boolean {
    const { socket } = this.connection;
    if (!this.alive || this.#sink) return false;
    this.fresh = false;
    this.#method = method;
    this.#sink = sink;
    this.#sent = false;
    this.#interim = 0;
    this.#interimBytes = 0;
    this.patience = this.#limits.responseTimeout;
    if (more) this.#gather();
    socket.write(head, 'latin1');
    return true;
  }

  /** Pieces of the request behind its head; false: no more until `onDrain`. */
  write(...pieces: (string | Buffer)[]): boolean {
    if (pieces.length > 1) this.#gather();
    for (const piece of pieces) this.connection.socket.write(piece, 'latin1');
    return !this.connection.socket.writableNeedDrain;
  }

  /** The origin has its time while it has something to do. `sent`: there is no more to write. */
  push(sent: boolean): void {
    this.#sent = sent;
    if (!this.#sink || this.#body) return;
    if (sent || this.connection.socket.writableNeedDrain) this.#deadline.set(this.patience);
    else this.#deadline.clear();
  }

  /** Goes on behind an `onPause` that said false. */
  resume(): void {
    if (!this.#sink || !this.connection.socket.isPaused()) return;
    this.#deadline.set(this.patience);
    this.connection.socket.resume();
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#deadline.end();
    this.connection.socket.destroy();
  }

  /** What is written in this turn goes out in one piece. */
  #gather(): void {
    const { socket } = this.connection;
    if (socket.writableCorked > 0) return;
    socket.cork();
    process.nextTick(() => socket.uncork());
  }

  readonly #onData = (bytes: Buffer): void => {
    try {
      if (this.#raw) this.#raw(bytes);
      else this.#take(bytes);
    } catch (fault) {
      this.#fail(asProxyError(fault));
    }
  };

  #take(bytes: Buffer): void {
    // Between two replies an origin has nothing to say to us.
    if (!this.#sink) this.destroy();
    const rest = this.#body ? bytes : this.#readHeads(bytes);
    const [sink, body] = [this.#sink, this.#body];
    if (!rest || !sink || !body) return;
    const used = body.read(rest, this.#onPiece);
    if (body.problem !== undefined) this.#fail(new ProxyError('response-malformed', `${body.problem}.`));
    else if (body.done) {
      if (body.trailers) sink.onTrailers?.(body.trailers);
      this.#finish(used === rest.length);
    } else if (sink.onPause()) this.#deadline.set(this.patience);
    else {
      // The client is slow, not the origin.
      this.#deadline.clear();
      this.connection.socket.pause();
    }
  }

  readonly #onPiece = (piece: Buffer): void => this.#sink?.onData(piece);

  /** Up to the final head; gives back what came behind it, or undefined when it is not here or no head. */
  #readHeads(bytes: Buffer): Buffer | undefined {
    const isFirst = this.#held.length === 0;
    let held = isFirst ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = NOTHING;
    while (held.length > 0) {
      const reading = readReplyHead(held, this.#seen);
      if (reading.state === 'more') {
        this.#seen = held.length;
        // The buffer of what has come just now is others' in the next turn.
        this.#held = isFirst ? Buffer.from(held) : held;
        return undefined;
      }
      this.#seen = 0;
      if (reading.state !== 'head') return this.#fail(malformed(reading));
      const { head, length } = reading;
      if (head.status === 101 && this.#sent && this.#sink?.onSwitch)
        return this.#leaveHttp(head, held.subarray(length));
      const framing = replyFraming(head, this.#method);
      if (!framing.ok) return this.#fail(new ProxyError('response-malformed', framing.reason));
      held = held.subarray(length);
      if (head.status >= 200) {
        this.#head = head;
        this.#body = new BodyReader(framing.value);
        this.#sink?.onHead(head);
        return held;
      }
      this.#interim += 1;
      this.#interimBytes += length;
      if (this.#interim > MAX_INTERIM || this.#interimBytes > MAX_INTERIM_BYTES) {
        return this.#fail(new ProxyError('response-malformed', 'Too many interim replies.'));
      }
      this.#sink?.onInterim?.(head);
    }
    return undefined;
  }

  /** Its socket is left paused; it is the lane's no more, but for its close. */
  #leaveHttp(head: ReplyHead, rest: Buffer): undefined {
    this.#deadline.end();
    this.connection.socket.pause();
    this.#raw = this.#sink?.onSwitch?.(head, rest);
    this.#sink = undefined;
  }

  readonly #onDrain = (): void => {
    if (!this.#sink) return;
    // A pause of its own when nobody has more to write: the client is awaited then.
    if (!this.#body && !this.#sent) this.#deadline.clear();
    this.#sink.onDrain();
  };

  readonly #onEnd = (): void => {
    if (this.#raw) return;
    const wasLast = this.#body?.untilClose === true;
    if (wasLast && this.#sink) this.#finish(false);
    else this.#fail(this.#broken());
  };

  /** Why the origin has gone, where it let us know. */
  #broken(): ProxyError {
    const answered = this.#answered || this.#head !== undefined || this.#interim > 0 || this.#held.length > 0;
    return this.connection.wish?.refusal(answered) ?? new ProxyError('response-aborted');
  }

  #onLate(): void {
    if (this.#sink) this.#fail(new ProxyError('response-timeout'));
    else this.destroy();
  }

  /** `exact`: nothing came behind the reply. */
  #finish(exact: boolean): void {
    const [sink, head] = [this.#sink, this.#head];
    this.#sink = undefined;
    this.#answered = true;
    this.#head = undefined;
    this.#body = undefined;
    const rest =
      head && exact && this.#sent && !announcesTooMuch(head) && this.connection.socket.writableLength === 0
        ? this.#restOf(head)
        : 0;
    if (rest > 0) {
      this.#deadline.set(rest);
      // A pause does not hold back what TLS has decrypted by then, and that may be the end.
      if (this.connection.socket.isPaused()) this.connection.socket.resume();
    } else this.destroy();
    sink?.onEnd();
  }

  /** Milliseconds that the connection may be kept behind a reply. */
  #restOf({ httpVersion, rawHeaders }: ReplyHead): number {
    if (httpVersion === '1.0') return 0;
    if (isLast(rawHeaders)) return 0;
    const { keepAliveTimeout } = this.#limits;
    const [text] = valuesOf(rawHeaders, 'keep-alive');
    if (text === undefined) return keepAliveTimeout;
    const hint = /timeout=(\d{1,9})/i.exec(text)?.[1];
    return hint === undefined ? keepAliveTimeout : Math.min(keepAliveTimeout, Number(hint) * 1000 - BEFORE_ORIGIN);
  }

  #fail(error: ProxyError): undefined {
    const sink = this.#sink;
    this.#sink = undefined;
    this.destroy();
    sink?.onError(error);
  }
}

function malformed(
  reading: { readonly state: 'malformed'; readonly reason: string } | { readonly state: 'too-large' },
) {
  const detail = reading.state === 'malformed' ? reading.reason : 'Header too large';
  return new ProxyError('response-malformed', `${detail}.`);
}
