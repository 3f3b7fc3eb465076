// One exchange with an origin: the request goes out, the reply comes back with backpressure both ways, in flat memory.
// Called by flow/answer-request once a Permit is there. After the first byte of a reply there is no clean end but its own.

import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import { formatAuthority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import { DEFAULT_PORT, type RequestTarget } from '../core/target.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import type { ReplyHead } from '../wire/http-head.ts';
import { type BodyLength, valuesOf } from './admission.ts';
import { H2Exchange } from './h2-exchange.ts';
import { h2RequestHead } from './h2-headers.ts';
import { clientHeaders, type RequestHeaderOptions, upstreamHeaders } from './headers.ts';
import type { Lane, ReplySink } from './lane.ts';
import type { OriginPools } from './origin-pools.ts';
import type { ReplyPort } from './reply-port.ts';
import type { BodySink, Request } from './request.ts';
import { statusPhrase } from './status-phrase.ts';

export interface ForwardOptions {
  /** The connection the request has come on. */
  readonly client: Socket;
  readonly pools: OriginPools;
  readonly permit: Permit;
  readonly target: RequestTarget;
  readonly body: BodyLength;
  /** Max-Forwards to send; without it the field passes as it is. */
  readonly maxForwards?: number | undefined;
  /** Our pseudonym in Via; none is sent without it. */
  readonly via: string | undefined;
  /** By HTTP/2 rather than HTTP/1, where the origin can. */
  readonly streams?: boolean;
}

export interface Forwarded {
  /** The connection the request went over; absent when there was none. */
  readonly connection: UpstreamConnection | undefined;
  /** Status and Content-Type of the reply that was begun to the client; absent when none was. */
  readonly reply: { readonly status: number; readonly contentType: string | undefined } | undefined;
  /** Milliseconds from the request to the first byte of the reply. */
  readonly firstByte: number | undefined;
  /** What went wrong; without a `reply` the caller may still answer with a page. */
  readonly error: ProxyError | undefined;
  /** The code by which the origin has reset the stream of this exchange. */
  readonly reset?: number | undefined;
  readonly bytesIn: number;
}

/** Methods that may be sent twice (RFC 9110 section 9.2.2) when a kept connection turns out to be stale. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** Methods that mean a body: without one, its length is said to be zero (RFC 9110 section 8.6). */
const MEANS_BODY = new Set(['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);
/** A stale connection is tried over once; the second attempt is on a new one. */
const MAX_ATTEMPTS = 2;

/** Never rejects: what went wrong is in the result. */
export async function forward(request: Request, reply: ReplyPort, options: ForwardOptions): Promise<Forwarded> {
  const { pools, permit, target, client } = options;
  const isLogin = logsIn(request.rawHeaders);
  // What logs a connection in must have it for itself.
  let streams = options.streams === true && !isLogin;
  let connection: UpstreamConnection | undefined;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const idle =
        attempt > 1
          ? undefined
          : isLogin
            ? pools.take(target.authority, target.scheme, client)
            : pools.takeWay(target.authority, target.scheme, client, streams);
      const lane = idle ?? (await pools.openWay(permit, target.scheme, streams));
      if (request.error || reply.gone) {
        pools.giveBack(lane);
        throw request.error ?? new ProxyError('client-aborted');
      }
      connection = lane.connection;
      if (isLogin && !(lane instanceof H2Exchange)) lane.bindTo(client);
      const relay = new Relay(lane, request, reply, options);
      const wasFresh = lane.fresh;
      const error = await relay.run();
      const reset = lane instanceof H2Exchange ? lane.reset : undefined;
      if (error && attempt < MAX_ATTEMPTS && relay.mayRepeat(error, wasFresh, reset)) {
        if (reset === constants.NGHTTP2_HTTP_1_1_REQUIRED) streams = false;
        continue;
      }
      const { status, contentType, firstByte } = relay;
      const begun = status === 0 ? undefined : { status, contentType };
      return { connection, reply: begun, firstByte, error, reset, bytesIn: request.bytes };
    }
  } catch (thrown) {
    const failed = { connection, reply: undefined, firstByte: undefined, bytesIn: request.bytes };
    return { ...failed, error: asProxyError(thrown) };
  }
}

/** Whether the credentials are for the connection, not for the request (RFC 4559). */
function logsIn(rawHeaders: readonly string[]): boolean {
  return valuesOf(rawHeaders, 'authorization').some((value) => /^(?:NTLM|Negotiate)(?:\s|$)/i.test(value));
}

/** One attempt: stands between the client's request and reply on one side and a lane on the other. */
class Relay implements ReplySink, BodySink {
  readonly #lane: Lane | H2Exchange;
  readonly #request: Request;
  readonly #reply: ReplyPort;
  readonly #options: ForwardOptions;
  readonly #begin = performance.now();
  readonly #settled = Promise.withResolvers<ProxyError | undefined>();
  /** The connection was gone before anything was sent. */
  #unsent = false;
  #over = false;
  /** Zero until the reply has begun. */
  status = 0;
  contentType: string | undefined;
  firstByte: number | undefined;

  constructor(lane: Lane | H2Exchange, request: Request, reply: ReplyPort, options: ForwardOptions) {
    this.#lane = lane;
    this.#request = request;
    this.#reply = reply;
    this.#options = options;
  }

  /** Resolves with what went wrong. */
  run(): Promise<ProxyError | undefined> {
    const { method } = this.#request;
    this.#reply.onGone = () => this.#abort(new ProxyError('client-aborted'));
    this.#reply.onDrain = () => this.#lane.resume();
    const hasBody = this.#options.body !== 'none';
    const lane = this.#lane;
    const begun =
      lane instanceof H2Exchange
        ? lane.start(this.#h2Head(), this, hasBody)
        : lane.begin(method, this.#head(), this, hasBody);
    if (!begun) {
      this.#unsent = true;
      this.#settle(new ProxyError('response-aborted'));
    } else if (!hasBody) this.#lane.push(true);
    else {
      this.#lane.push(false);
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
    return this.#unsent || (REPEATABLE.has(this.#request.method) && error.code === 'response-aborted');
  }

  onBody(piece: Buffer): void {
    const lane = this.#lane;
    const goesOn =
      this.#options.body !== 'chunked' || lane instanceof H2Exchange
        ? lane.write(piece)
        : lane.write(`${piece.length.toString(16)}\r\n`, piece, '\r\n');
    lane.push(false);
    if (!goesOn) this.#request.pause();
  }

  onBodyEnd(): void {
    const lane = this.#lane;
    if (lane instanceof H2Exchange) lane.end(this.#request.trailers ?? []);
    else if (this.#options.body === 'chunked') lane.write('0\r\n\r\n');
    lane.push(true);
  }

  onBodyError(error: ProxyError): void {
    this.#abort(error);
  }

  onDrain(): void {
    this.#request.resume();
  }

  onHead(head: ReplyHead): void {
    const { status, rawHeaders } = head;
    const { via } = this.#options;
    // HTTP/2 has none, and some clients of HTTP/1 want one.
    const reason = head.httpVersion === '2.0' ? statusPhrase(status) : head.reason;
    this.status = status;
    this.firstByte = performance.now() - this.#begin;
    this.contentType = valuesOf(rawHeaders, 'content-type')[0];
    // The origin will not wait for the rest of the body, nor shall the next request wait behind it.
    if (!this.#request.complete) this.#reply.last = true;
    const entry = via ? { version: head.httpVersion, pseudonym: via } : undefined;
    this.#reply.writeHead(status, reason, clientHeaders(rawHeaders, entry, status));
  }

  onData(piece: Buffer): void {
    this.#reply.write(piece);
  }

  onPause(): boolean {
    return this.#reply.flush();
  }

  onTrailers(trailers: readonly string[]): void {
    this.#reply.trailers = trailers;
  }

  onEnd(): void {
    if (!(this.#lane instanceof H2Exchange)) this.#options.pools.release(this.#lane);
    this.#reply.end();
    this.#settle(undefined);
  }

  onError(error: ProxyError): void {
    if (this.#over) return;
    // What has come of the reply goes out before it is broken off.
    this.#reply.flush();
    this.#settle(error);
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
    const { method, rawHeaders } = this.#request;
    return h2RequestHead(method, this.#options.target, rawHeaders, this.#fieldOptions());
  }

  #fieldOptions(): RequestHeaderOptions {
    const { target, via, body, maxForwards } = this.#options;
    const { method, httpVersion } = this.#request;
    return {
      host: formatAuthority(target.authority, DEFAULT_PORT[target.scheme]),
      via: via ? { version: httpVersion, pseudonym: via } : undefined,
      maxForwards,
      body: body === 'none' && MEANS_BODY.has(method) ? 0 : body,
    };
  }

  #head(): string {
    const { target } = this.#options;
    const { method, rawHeaders } = this.#request;
    const fields = upstreamHeaders(rawHeaders, this.#fieldOptions());
    let head = `${method} ${target.path}${target.query} HTTP/1.1\r\n`;
    for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`;
    return `${head}\r\n`;
  }
}
