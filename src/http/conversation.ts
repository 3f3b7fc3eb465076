// The requests of one client connection, plain or decrypted, one after another: reads a head, then its body, hands the
// exchange to a handler, and only behind its reply looks for the next one. Made by server.ts for each socket.

import type { Socket } from 'node:net';
import { ProxyError } from '../core/errors.ts';
import { bodyPatience, type Limits } from '../core/limits.ts';
import type { Tunnel } from '../core/session.ts';
import { Deadline } from '../net/deadline.ts';
import { BodyReader } from '../wire/http-body.ts';
import { type HeadReading, MAX_HEAD, type RequestHead, readRequestHead } from '../wire/http-head.ts';
import { admitConnect, bodyLength, isLast, keepsAlive } from './admission.ts';
import { BodyPace } from './body-pace.ts';
import { type Connection, countExchange, hearFrom } from './connection.ts';
import { type KnownConnect, readConnect } from './known-connects.ts';
import { ReplyWriter } from './reply-writer.ts';
import { Request } from './request.ts';
import type { Handlers } from './server.ts';
import { watchReader } from './watch-reader.ts';

const NOTHING = Buffer.alloc(0);
const CR = 13;
/** Bytes of further requests that may wait for their turn before we stop reading. */
const MAX_WAITING = 65_536;
/** Milliseconds that a connection is kept longer than the client was told: its next request may be on its way. */
const KEEP_ALIVE_GRACE = 1_000;
/**
 * Milliseconds without a byte for it, after which a client that has ended its half is taken to be gone: a closed socket
 * and a half-closed one look alike from here until something is written.
 */
const HALF_CLOSED_IDLE = 5_000;
/**
 * Milliseconds for a client that is still sending to read why the rest is not wanted: to close on bytes that nobody has
 * read takes the reply back (RFC 9112 section 9.6).
 */
const LINGER = 1_000;

export interface Options {
  readonly limits: Limits;
  /** From then on each reply says that it is the last. */
  readonly stopping?: AbortSignal | undefined;
}

export class Conversation {
  readonly #connection: Connection;
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #stopping: AbortSignal | undefined;
  readonly #handlers: Handlers;
  readonly #onOver: () => void;
  readonly #deadline = new Deadline(() => this.#onLate());
  /** Ends the watch over what the client takes of its replies; it begins with the first that is due. */
  #unwatch: (() => void) | undefined;
  /** What came and is not used yet, and how much of it was seen to be no whole head. */
  #held: Buffer = NOTHING;
  #seen = 0;
  /** The exchange under way, and its body as long as that is not whole. */
  #request: Request | undefined;
  #reply: ReplyWriter | undefined;
  #body: BodyReader | undefined;
  #pace: BodyPace | undefined;
  /** The client has ended its half. */
  #ended = false;
  /** Nothing that comes is looked at any more. */
  #deaf = false;

  /** `onOver` is called once, when the socket has closed or was handed over. */
  constructor(connection: Connection, options: Options, handlers: Handlers, onOver: () => void) {
    const { limits, stopping } = options;
    this.#stopping = stopping;
    this.#connection = connection;
    this.#socket = connection.socket;
    this.#limits = limits;
    this.#handlers = handlers;
    this.#onOver = onOver;
  }

  /** Reads from now on. */
  begin(): void {
    this.#connection.inlet.read({ onPiece: this.#onPiece, onEnd: this.#onEnd, onClose: this.#onClose });
    // What was held may have been all of a head, or none at all.
    if (!this.#deaf && !this.#request) this.#deadline.set(this.#limits.headerTimeout);
  }

  /** The tunnel whose inside this is. */
  get tunnel(): Tunnel | undefined {
    return this.#connection.tunnel;
  }

  /** Whether it has had a request and waits for a further one. */
  get idle(): boolean {
    return this.#connection.exchanges > 0 && !this.#request && this.#silent;
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Whether no byte of a request is here; an empty line is none. */
  get #silent(): boolean {
    return this.#held.length === 0 || (this.#held.length <= 2 && this.#held[0] === CR);
  }

  readonly #onPiece = (bytes: Buffer): void => {
    try {
      this.#take(bytes);
    } catch (fault) {
      this.#fail(fault);
    }
  };

  #take(bytes: Buffer): void {
    if (this.#deaf || this.#connection.closing) return;
    hearFrom(this.#connection);
    const used = this.#readBody(bytes);
    if (used === bytes.length || this.#deaf) return;
    const rest = used === 0 ? bytes : bytes.subarray(used);
    this.#held = this.#held.length === 0 ? rest : Buffer.concat([this.#held, rest]);
    if (!this.#request) this.#next();
    else if (this.#held.length > MAX_WAITING) this.#socket.pause();
  }

  readonly #onEnd = (): void => {
    this.#ended = true;
    if (this.#deaf) return;
    if (this.#body) this.#request?.fail(new ProxyError('client-aborted'));
    if (this.#request) watchEnd(this.#socket);
    else this.#leave();
  };

  readonly #onClose = (): void => {
    this.#deaf = true;
    this.#onOver();
    this.#deadline.end();
    this.#request?.fail(new ProxyError('client-aborted'));
    this.#reply?.close();
  };

  #onLate(): void {
    if (this.#deaf) this.#socket.destroy();
    else if (this.#body) this.#request?.fail(new ProxyError('request-timeout', 'Its body stalled.'));
    else if (this.idle) this.#socket.destroy();
    // Without a byte of a request there is nothing to answer.
    else this.#refuse(new ProxyError(this.#silent ? 'client-aborted' : 'request-timeout'));
  }

  /** Looks for the next request in what is held. */
  #next(): void {
    const connect = this.#seen === 0 ? readConnect(this.#held) : undefined;
    if (connect) {
      this.#held = NOTHING;
      void this.#handOver(connect, NOTHING);
      return;
    }
    const reading = readRequestHead(this.#held, this.#seen);
    if (reading.state === 'more') this.#await();
    else if (reading.state !== 'head') this.#refuse(problemOf(reading));
    else {
      const { head, length } = reading;
      const rest = this.#held.length === length ? NOTHING : this.#held.subarray(length);
      this.#held = NOTHING;
      this.#seen = 0;
      this.#deadline.clear();
      if (head.method === 'CONNECT') void this.#handOver({ head, admitted: admitConnect(head) }, rest);
      else this.#serveNext(head, rest);
    }
  }

  /** There is no whole head here. */
  #await(): void {
    if (this.#ended) this.#leave();
    else if (this.#connection.exchanges > 0) {
      // The first header has its time from the accept, a further one from its first byte.
      if (this.#silent) this.#deadline.set(this.#limits.keepAliveTimeout + KEEP_ALIVE_GRACE);
      else if (this.#seen === 0) this.#deadline.set(this.#limits.headerTimeout);
    }
    this.#seen = this.#silent ? 0 : this.#held.length;
  }

  #serveNext(head: RequestHead, rest: Buffer): void {
    const framing = bodyLength(head);
    if (!framing.ok) {
      this.#refuse(new ProxyError('request-malformed', framing.reason));
      return;
    }
    this.#watch();
    const { method, httpVersion, rawHeaders } = head;
    const { keepAliveTimeout } = this.#limits;
    this.#request = new Request(head, framing.value === 'none', this.#onFlow);
    const last = httpVersion === '1.0' ? !keepsAlive(rawHeaders) : isLast(rawHeaders);
    const stopping = this.#stopping;
    this.#reply = new ReplyWriter(this.#socket, { method, httpVersion, last, stopping, keepAliveTimeout });
    if (framing.value !== 'none') {
      this.#body = new BodyReader(framing.value);
      this.#pace = new BodyPace(this.#limits.bodyTimeout, this.#limits.slowestBody);
      this.#pace.pause();
    }
    const used = this.#readBody(rest);
    if (used < rest.length) this.#held = used === 0 ? rest : rest.subarray(used);
    void this.#serve(this.#request, this.#reply);
  }

  async #serve(request: Request, reply: ReplyWriter): Promise<void> {
    const connection = this.#connection;
    try {
      countExchange(connection);
      await this.#handlers.request(connection, request, reply);
      await reply.done;
    } catch (fault) {
      this.#fail(fault);
    }
    if (reply.takeOver) return this.#giveAway(reply.takeOver);
    if (this.#socket.destroyed) return;
    // What was meant for another protocol would be taken for the next request, and so would what is left of a body.
    const isOther = request.mayLeaveHttp && !this.#silent;
    if (reply.last || connection.closing || !request.complete || isOther) {
      this.#deaf = true;
      // One that has stalled sends nothing that could be in the way.
      if ((request.complete && !isOther) || request.error) this.#socket.destroySoon();
      else this.#linger();
      return;
    }
    this.#request = undefined;
    this.#reply = undefined;
    if (this.#held.length <= MAX_WAITING && this.#socket.isPaused()) this.#socket.resume();
    if (this.#held.length > 0) this.#next();
    else this.#await();
  }

  /** Ends our half, and the connection soon; meanwhile nothing of what the client goes on to send is read. */
  #linger(): void {
    this.#socket.pause();
    this.#socket.end();
    this.#deadline.set(LINGER);
  }

  /** The connection is no longer ours; what came behind the CONNECT is put back. */
  async #handOver({ head, admitted }: KnownConnect, rest: Buffer): Promise<void> {
    const connection = this.#connection;
    this.#detach(rest);
    try {
      countExchange(connection);
      await this.#handlers.connect(connection, head, admitted);
    } catch (fault) {
      this.#fail(fault);
    }
  }

  /** As with a CONNECT, behind a change of protocol. */
  async #giveAway(takeOver: () => Promise<void>): Promise<void> {
    // One that says nothing any more has no use for it.
    if (this.#ended) this.#socket.destroy();
    this.#detach(this.#held);
    try {
      await takeOver();
    } catch (fault) {
      this.#fail(fault);
    }
  }

  #detach(rest: Buffer): void {
    this.#deaf = true;
    this.#onOver();
    this.#deadline.end();
    this.#unwatch?.();
    this.#held = NOTHING;
    this.#connection.inlet.hold();
    this.#connection.inlet.putBack(rest);
  }

  /** Returns how much of it belongs to the body that is arriving. */
  #readBody(bytes: Buffer): number {
    const [request, body] = [this.#request, this.#body];
    if (!request || !body) return 0;
    const used = body.read(bytes, this.#onBody);
    if (body.problem === undefined && !body.done) {
      if (!request.lasting && this.#pace?.isTooSlow(used)) {
        request.fail(new ProxyError('request-timeout', 'Its body comes too slowly.'));
      }
      this.#onFlow();
      return used;
    }
    this.#body = undefined;
    this.#deadline.clear();
    if (body.done) {
      request.trailers = body.trailers;
      request.finish();
    } else {
      this.#deaf = true;
      request.fail(new ProxyError('request-malformed', `${body.problem}.`));
    }
    return used;
  }

  readonly #onBody = (piece: Buffer): void => this.#request?.arrive(piece);

  /** Reads on as the body is wanted; while somebody waits for it, the client has a deadline. */
  readonly #onFlow = (): void => {
    if (!this.#body || !this.#request) return;
    const { wanted, lasting } = this.#request;
    if (wanted === 'awaited') {
      this.#deadline.set(bodyPatience(this.#limits, lasting));
      this.#pace?.resume();
    } else {
      this.#deadline.clear();
      this.#pace?.pause();
    }
    if (wanted === 'no') this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  };

  /** The client has ended its half, and nothing is under way. */
  #leave(): void {
    if (!this.#silent) this.#refuse(new ProxyError('client-aborted'));
    this.#deaf = true;
    this.#socket.destroySoon();
  }

  #watch(): void {
    this.#unwatch ??= watchReader(this.#socket, this.#limits.bodyTimeout);
  }

  /** What came is no request; one that began counts. */
  #refuse(problem: ProxyError): void {
    this.#watch();
    this.#deaf = true;
    this.#deadline.end();
    try {
      if (problem.code !== 'client-aborted') countExchange(this.#connection);
      this.#handlers.malformed(this.#connection, problem);
    } catch (fault) {
      this.#fail(fault);
    }
  }

  #fail(fault: unknown): void {
    this.#deaf = true;
    this.#socket.destroy();
    this.#handlers.fault(this.#connection, fault);
  }
}

function problemOf(reading: Exclude<HeadReading<RequestHead>, { state: 'head' | 'more' }>): ProxyError {
  if (reading.state === 'malformed') return new ProxyError('request-malformed', `${reading.reason}.`);
  const code = reading.where === 'line' ? 'request-target-long' : 'request-too-large';
  return new ProxyError(code, `More than ${MAX_HEAD} bytes.`);
}

function watchEnd(socket: Socket): void {
  let seen = socket.bytesWritten;
  const timer = setInterval(() => {
    // What is still on its way out has somebody who takes it, or a deadline of its own.
    if (socket.bytesWritten === seen && socket.writableLength === 0) socket.destroy();
    seen = socket.bytesWritten;
  }, HALF_CLOSED_IDLE);
  socket.once('close', () => clearInterval(timer));
}
