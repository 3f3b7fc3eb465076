// One attempt at an exchange: stands between the client's request and reply on one side and a lane or a stream to an origin
// on the other, with backpressure both ways, in flat memory. Made by forward.ts, which may try a second time.

import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import { formatAuthority } from '../core/authority.ts';
import { ProxyError } from '../core/errors.ts';
import { DEFAULT_PORT, formatForm, formatTarget, type RequestTarget, WHOLE_SERVER } from '../core/target.ts';
import type { ReplyHead } from '../wire/http-head.ts';
import { type BodyLength, valuesOf } from './admission.ts';
import type { Expectation } from './expectation.ts';
import { H2Exchange } from './h2-exchange.ts';
import { h2RequestHead, keepSecret } from './h2-headers.ts';
import { WEBSOCKET, withoutProofs } from './h2-websocket.ts';
import { clientHeaders, type RequestHeaderOptions, upstreamHeaders } from './headers.ts';
import type { Lane, ReplySink } from './lane.ts';
import type { OriginPools } from './origin-pools.ts';
import type { ReplyPort } from './reply-port.ts';
import type { BodySink, Request } from './request.ts';
import { statusPhrase } from './status-phrase.ts';
import { lastChunk, passableTrailers } from './trailers.ts';
import { grantedProtocol, type Upgrade } from './upgrade.ts';
import { Upgraded } from './upgraded.ts';

export interface RelayOptions {
  /** Where a lane goes back to. */
  readonly pools: OriginPools;
  readonly target: RequestTarget;
  readonly body: BodyLength;
  /** Max-Forwards to send; without it the field passes as it is. */
  readonly maxForwards?: number | undefined;
  /** Our pseudonym in Via; none is sent without it. */
  readonly via: string | undefined;
  /** What the origin may change the protocol to. */
  readonly upgrade?: Upgrade | undefined;
  /** Milliseconds that a stream of events or a call of gRPC may be silent, where that is longer than a reply may. */
  readonly eventTimeout?: number;
  /** The client takes us for a proxy: it would take a 407 for ours. */
  readonly asProxy?: boolean;
  /** A log wants the fields of the reply. */
  readonly keepFields?: boolean;
}

/** Methods that may be sent twice (RFC 9110 section 9.2.2) when a kept connection turns out to be stale. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** Methods that mean a body: without one, its length is said to be zero (RFC 9110 section 8.6). */
const MEANS_BODY = new Set(['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);
/** A stream of server-sent events, which may have nothing to say for long. */
const EVENTS = 'text/event-stream';
/** Calls of gRPC and their streams, likewise, on either side; they have deadlines of their own. */
const CALLS = 'application/grpc';
const NOT_ASKED = { ok: false, reason: 'A change of protocol that nobody asked for.' } as const;
const NO_FIELDS: readonly string[] = [];
const NOTHING = Buffer.alloc(0);
/** What a WebSocket is logged with, however it was granted. */
const SWITCHED = 101;

export class Relay implements ReplySink, BodySink {
  readonly #lane: Lane | H2Exchange;
  readonly #request: Request;
  readonly #reply: ReplyPort;
  readonly #options: RelayOptions;
  readonly #expectation: Expectation | undefined;
  readonly #begin = performance.now();
  readonly #settled = Promise.withResolvers<ProxyError | undefined>();
  /** The connection was gone before anything was sent. */
  #unsent = false;
  #over = false;
  /** Zero until the reply has begun. */
  status = 0;
  contentType: string | undefined;
  firstByte: number | undefined;
  upgraded: Upgraded | undefined;
  /** What the client got; names and values in turn. */
  fields: readonly string[] | undefined;

  constructor(
    lane: Lane | H2Exchange,
    request: Request,
    reply: ReplyPort,
    options: RelayOptions,
    expectation: Expectation | undefined,
  ) {
    this.#expectation = expectation;
    this.#lane = lane;
    this.#request = request;
    this.#reply = reply;
    this.#options = options;
  }

  /** Resolves with what went wrong. */
  run(): Promise<ProxyError | undefined> {
    const { method } = this.#request;
    this.#reply.onGone = this.#onGone;
    this.#reply.onDrain = this.#onTaken;
    const hasBody = this.#options.body !== 'none';
    const lane = this.#lane;
    lane.connection.wish?.use();
    const begun =
      lane instanceof H2Exchange
        ? lane.start(this.#h2Head(), this, hasBody, this.#options.upgrade !== undefined)
        : lane.begin(method, this.#head(), this, hasBody);
    if (!begun) {
      this.#unsent = true;
      this.#settle(new ProxyError('response-aborted'));
    } else if (!hasBody) this.#lane.push(true);
    else {
      // Not before a lane has begun, which gives each exchange a patience of its own.
      if (isOf(valuesOf(this.#request.rawHeaders, 'content-type')[0], CALLS)) this.#outlast();
      this.#lane.push(false);
      this.#expectation?.begin();
      this.#request.read(this);
    }
    return this.#settled.promise;
  }

  /** `wasFresh`: the connection had carried nothing before; `reset`: the code of a stream, where that was reset. */
  mayRepeat(error: ProxyError, wasFresh: boolean, reset: number | undefined): boolean {
    if (this.status > 0 || this.#request.bytes > 0) return false;
    // The origin has not looked at it (RFC 9113 section 8.7).
    if (reset === constants.NGHTTP2_REFUSED_STREAM || reset === constants.NGHTTP2_HTTP_1_1_REQUIRED) return true;
    if (wasFresh || reset !== undefined) return false;
    if (this.#unsent) return true;
    // An origin does nothing for a request whose body it has not asked for.
    const isSafe = REPEATABLE.has(this.#request.method) || this.#expectation?.isOpen === true;
    return isSafe && error.code === 'response-aborted';
  }

  readonly #onGone = (): void => this.#abort(this.#reply.failure ?? new ProxyError('client-aborted'));
  readonly #onTaken = (): void => this.#lane.resume();

  onBody(piece: Buffer): void {
    this.#expectation?.drop();
    const lane = this.#lane;
    const goesOn =
      this.#options.body !== 'chunked' || lane instanceof H2Exchange
        ? lane.write(piece)
        : lane.write(`${piece.length.toString(16)}\r\n`, piece, '\r\n');
    lane.push(false);
    if (!goesOn) this.#request.pause();
  }

  onBodyEnd(): void {
    this.#expectation?.drop();
    const lane = this.#lane;
    const trailers = passableTrailers(this.#request.trailers);
    if (lane instanceof H2Exchange) lane.end(trailers ?? NO_FIELDS);
    else if (this.#options.body === 'chunked') lane.write(lastChunk(trailers));
    lane.push(true);
  }

  onBodyError(error: ProxyError): void {
    this.#abort(error);
  }

  onDrain(): void {
    this.#request.resume();
  }

  onInterim(head: ReplyHead): void {
    const { status, rawHeaders } = head;
    // A 100 is the answer to an expectation, or to nothing.
    if (status === 100) this.#expectation?.meet();
    else this.#reply.writeInterim(status, phraseOf(head), clientHeaders(rawHeaders, undefined, status));
  }

  onSwitch(head: ReplyHead, rest: Buffer): (piece: Buffer) => void {
    const { upgrade, via } = this.#options;
    const granted = upgrade && this.#reply.writeSwitch ? grantedProtocol(head, upgrade) : NOT_ASKED;
    if (!granted.ok) {
      this.#abort(new ProxyError('response-malformed', granted.reason));
      return () => undefined;
    }
    this.status = head.status;
    this.firstByte = performance.now() - this.#begin;
    const upgraded = new Upgraded(this.#lane.connection, granted.value, rest);
    this.upgraded = upgraded;
    const entry = via ? { version: head.httpVersion, pseudonym: via } : undefined;
    const fields = clientHeaders(head.rawHeaders, entry, head.status);
    this.#reply.writeSwitch?.(head.reason, ['Connection', 'Upgrade', 'Upgrade', granted.value, ...fields]);
    this.#settle(undefined);
    return upgraded.take;
  }

  /** The origin has opened a WebSocket on a stream. */
  onOpen(head: ReplyHead, socket: Socket): void {
    const { upgrade, via } = this.#options;
    if (this.#over) socket.destroy();
    if (this.#over || !upgrade) return;
    this.status = SWITCHED;
    this.firstByte = performance.now() - this.#begin;
    const upgraded = new Upgraded({ ...this.#lane.connection, socket }, WEBSOCKET, NOTHING);
    this.upgraded = upgraded;
    // Flows when somebody carries it on.
    socket.pause().on('data', upgraded.take);
    const entry = via ? { version: head.httpVersion, pseudonym: via } : undefined;
    const fields = clientHeaders(withoutProofs(head.rawHeaders), entry, SWITCHED);
    const proof = upgrade.accept === undefined ? [] : ['Sec-WebSocket-Accept', upgrade.accept];
    this.#reply.writeSwitch?.('Switching Protocols', [
      'Connection',
      'Upgrade',
      'Upgrade',
      WEBSOCKET,
      ...proof,
      ...fields,
    ]);
    this.#settle(undefined);
  }

  onHead(head: ReplyHead): void {
    const { status, rawHeaders } = head;
    const { via } = this.#options;
    const { parent, address } = this.#lane.connection;
    parent?.plain?.health.answered();
    if (status === 407 && parent?.plain) {
      // To us, not to the client, who would answer it with credentials that are for us.
      const detail = `${parent.name}: it answered with 407 ${head.reason.slice(0, 100)}`.trimEnd();
      this.#abort(new ProxyError('parent-auth', `${detail}.`, { peer: address, parent }));
      return;
    }
    if (status === 407 && this.#options.asProxy) {
      // Its Proxy-Authenticate does not pass, and without one it is no answer that a client could use.
      const detail = 'It asks for the credentials of a proxy (407), and is none.';
      this.#abort(new ProxyError('response-malformed', detail, { peer: address, parent }));
      return;
    }
    this.#expectation?.drop();
    this.status = status;
    this.firstByte = performance.now() - this.#begin;
    this.contentType = valuesOf(rawHeaders, 'content-type')[0];
    if (isOf(this.contentType, EVENTS)) this.#bearSilence();
    if (!this.#request.complete) {
      // The origin will not wait for the rest of the body, nor shall the next request wait behind it.
      this.#reply.last = true;
      // Or it talks with the client.
      this.#outlast();
    }
    const entry = via ? { version: head.httpVersion, pseudonym: via } : undefined;
    const fields = clientHeaders(rawHeaders, entry, status);
    if (this.#options.keepFields) this.fields = fields;
    this.#reply.secret = head.secret;
    if (this.#lane instanceof H2Exchange) this.#reply.source = this.#lane;
    this.#reply.writeHead(status, phraseOf(head), fields);
  }

  #bearSilence(): void {
    const { eventTimeout = 0 } = this.#options;
    this.#lane.patience = Math.max(this.#lane.patience, eventTimeout);
  }

  /** Neither side has to say anything soon. */
  #outlast(): void {
    this.#bearSilence();
    this.#request.outlast();
  }

  onTrailers(trailers: readonly string[]): void {
    this.#reply.trailers = passableTrailers(trailers);
  }

  onData(piece: Buffer): void {
    if (!this.#over) this.#reply.write(piece);
  }

  onPause(): boolean {
    return this.#over || this.#reply.flush();
  }

  onEnd(): void {
    // The head was one that does not pass.
    if (this.#over) return;
    if (!(this.#lane instanceof H2Exchange)) this.#options.pools.release(this.#lane);
    this.#reply.end();
    this.#settle(undefined);
  }

  onError(error: ProxyError): void {
    if (this.#over) return;
    // What has come of the reply goes out before it is broken off.
    this.#reply.flush();
    const { parent, address } = this.#lane.connection;
    if (!parent?.plain || error.side !== 'upstream') {
      this.#settle(error);
      return;
    }
    // It may have been the parent's doing: nothing tells the two apart.
    const detail = `${error.detail} (through the parent ${parent.name})`.trimStart();
    if (this.status === 0)
      parent.plain.health.silent(this.#options.target.authority.host, `${parent.name}: ${error.message}`);
    this.#settle(new ProxyError(error.code, detail, { cause: error.cause, peer: address, parent }));
  }

  #abort(error: ProxyError): void {
    if (this.#over) return;
    this.#lane.destroy();
    this.#settle(error);
  }

  #settle(error: ProxyError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#reply.onGone = undefined;
    this.#reply.onDrain = undefined;
    this.#request.stop();
    this.#settled.resolve(error);
  }

  #h2Head(): string[] {
    const { method, rawHeaders, secret } = this.#request;
    const { upgrade } = this.#options;
    const asked = this.#options.target;
    // RFC 9113 section 8.3.1.
    const target = asked.wholeServer ? { ...asked, path: WHOLE_SERVER } : asked;
    const head = upgrade
      ? h2RequestHead(method, target, withoutProofs(rawHeaders), this.#fieldOptions(), WEBSOCKET)
      : h2RequestHead(method, target, rawHeaders, this.#fieldOptions());
    return keepSecret(head, secret);
  }

  #fieldOptions(): RequestHeaderOptions {
    const { target, via, body, maxForwards, upgrade } = this.#options;
    const { method, httpVersion } = this.#request;
    const { parent } = this.#lane.connection;
    return {
      host: formatAuthority(target.authority, DEFAULT_PORT[target.scheme]),
      via: via ? { version: httpVersion, pseudonym: parent?.via ?? via } : undefined,
      authorization: parent?.plain?.authorization,
      maxForwards,
      expectsContinue: this.#expectation?.isOpen,
      upgrade: upgrade?.protocols,
      body: body === 'none' && MEANS_BODY.has(method) ? 0 : body,
    };
  }

  #head(): string {
    const { target } = this.#options;
    const { method, rawHeaders } = this.#request;
    const fields = upstreamHeaders(rawHeaders, this.#fieldOptions());
    // Where a parent reads it, it says all of the URL, also of a request to leave HTTP.
    const form = this.#lane.connection.parent?.plain ? formatTarget(target) : formatForm(target);
    let head = `${method} ${form} HTTP/1.1\r\n`;
    for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`;
    return `${head}\r\n`;
  }
}

/** A media type is written in any case (RFC 9110 section 8.3.1). */
function isOf(contentType: string | undefined, type: string): boolean {
  return contentType?.slice(0, type.length).toLowerCase() === type;
}

/** HTTP/2 has none, and some clients of HTTP/1 want one. */
function phraseOf({ status, reason, httpVersion }: ReplyHead): string {
  return httpVersion === '2.0' ? statusPhrase(status) : reason;
}
