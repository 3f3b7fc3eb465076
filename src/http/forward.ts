// One exchange with an origin: the request goes out, the reply comes back with backpressure both ways, in flat memory.
// Called by flow/answer-request once a Permit is there. After the first byte of a reply there is no clean end but its own.

import type { Socket } from 'node:net';
import { formatAuthority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import { DEFAULT_PORT, formatTarget, type RequestTarget } from '../core/target.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import type { ReplyHead } from '../wire/http-head.ts';
import { type BodyLength, valuesOf } from './admission.ts';
import { clientHeaders, upstreamHeaders } from './headers.ts';
import type { Lane, ReplySink } from './lane.ts';
import type { OriginPools } from './origin-pools.ts';
import type { ReplyWriter } from './reply-writer.ts';
import type { BodySink, Request } from './request.ts';

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
  readonly bytesIn: number;
}

/** Methods that may be sent twice (RFC 9110 section 9.2.2) when a kept connection turns out to be stale. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** Methods that mean a body: without one, its length is said to be zero (RFC 9110 section 8.6). */
const MEANS_BODY = new Set(['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);
/** A stale connection is tried over once; the second attempt is on a new one. */
const MAX_ATTEMPTS = 2;

/** Never rejects: what went wrong is in the result. */
export async function forward(request: Request, reply: ReplyWriter, options: ForwardOptions): Promise<Forwarded> {
  const { pools, permit, target, client } = options;
  let connection: UpstreamConnection | undefined;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const idle = attempt === 1 ? pools.take(target.authority, target.scheme, client, permit.identity) : undefined;
      const lane = idle ?? (await pools.open(permit, target.scheme));
      if (request.error || reply.gone) {
        pools.release(lane);
        throw request.error ?? new ProxyError('client-aborted');
      }
      connection = lane.connection;
      if (logsIn(request.rawHeaders)) lane.bindTo(client);
      const relay = new Relay(lane, request, reply, options);
      const wasFresh = lane.fresh;
      const error = await relay.run();
      if (error && attempt < MAX_ATTEMPTS && !wasFresh && relay.mayRepeat(error)) continue;
      const { status, contentType, firstByte } = relay;
      const begun = status === 0 ? undefined : { status, contentType };
      return { connection, reply: begun, firstByte, error, bytesIn: request.bytes };
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
  readonly #lane: Lane;
  readonly #request: Request;
  readonly #reply: ReplyWriter;
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

  constructor(lane: Lane, request: Request, reply: ReplyWriter, options: ForwardOptions) {
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
    if (!this.#lane.begin(method, this.#head(), this, hasBody)) {
      this.#unsent = true;
      this.#settle(new ProxyError('response-aborted'));
    } else if (!hasBody) this.#lane.push(true);
    else {
      this.#lane.push(false);
      this.#request.read(this);
    }
    return this.#settled.promise;
  }

  mayRepeat(error: ProxyError): boolean {
    if (this.status > 0 || this.#request.bytes > 0) return false;
    return this.#unsent || (REPEATABLE.has(this.#request.method) && error.code === 'response-aborted');
  }

  readonly #onGone = (): void => this.#abort(new ProxyError('client-aborted'));
  readonly #onTaken = (): void => this.#lane.resume();

  onBody(piece: Buffer): void {
    const chunked = this.#options.body === 'chunked';
    const goesOn = chunked
      ? this.#lane.write(`${piece.length.toString(16)}\r\n`, piece, '\r\n')
      : this.#lane.write(piece);
    this.#lane.push(false);
    if (!goesOn) this.#request.pause();
  }

  onBodyEnd(): void {
    if (this.#options.body === 'chunked') this.#lane.write('0\r\n\r\n');
    this.#lane.push(true);
  }

  onBodyError(error: ProxyError): void {
    this.#abort(error);
  }

  onDrain(): void {
    this.#request.resume();
  }

  onHead(head: ReplyHead): void {
    const { status, reason, rawHeaders } = head;
    const { via } = this.#options;
    const { parent, address } = this.#lane.connection;
    if (status === 407 && parent?.plain) {
      // To us, not to the client, who would answer it with credentials that are for us.
      const detail = `${parent.name}: it answered with 407 ${reason.slice(0, 100)}`.trimEnd();
      this.#abort(new ProxyError('parent-auth', `${detail}.`, { peer: address, parent }));
      return;
    }
    this.status = status;
    this.firstByte = performance.now() - this.#begin;
    this.contentType = valuesOf(rawHeaders, 'content-type')[0];
    // The origin will not wait for the rest of the body, nor shall the next request wait behind it.
    if (!this.#request.complete) this.#reply.last = true;
    const entry = via ? { version: head.httpVersion, pseudonym: via } : undefined;
    this.#reply.writeHead(status, reason, clientHeaders(rawHeaders, entry, status));
  }

  onData(piece: Buffer): void {
    if (!this.#over) this.#reply.write(piece);
  }

  onPause(): boolean {
    return this.#reply.flush();
  }

  onEnd(): void {
    // The head was one that does not pass.
    if (this.#over) return;
    this.#options.pools.release(this.#lane);
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

  #head(): string {
    const { target, via, body, maxForwards } = this.#options;
    const { method, rawHeaders, httpVersion } = this.#request;
    const { parent } = this.#lane.connection;
    const fields = upstreamHeaders(rawHeaders, {
      host: formatAuthority(target.authority, DEFAULT_PORT[target.scheme]),
      via: via ? { version: httpVersion, pseudonym: parent?.via ?? via } : undefined,
      authorization: parent?.plain?.authorization,
      maxForwards,
      body: body === 'none' && MEANS_BODY.has(method) ? 0 : body,
    });
    const form = parent?.plain ? formatTarget(target) : `${target.path}${target.query}`;
    let head = `${method} ${form} HTTP/1.1\r\n`;
    for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`;
    return `${head}\r\n`;
  }
}
