// One exchange with an origin: the request goes out, the reply comes back with backpressure both ways, in flat memory.
// Called by flow/answer-request once a Permit is there. After the first byte of a reply there is no clean end but its own.

import type { Socket } from 'node:net';
import { formatAuthority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import { DEFAULT_PORT, type RequestTarget } from '../core/target.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import type { ReplyHead } from '../wire/http-head.ts';
import { type BodyLength, valuesOf } from './admission.ts';
import { Expectation } from './expectation.ts';
import { clientHeaders, upstreamHeaders } from './headers.ts';
import type { Lane, ReplySink } from './lane.ts';
import type { OriginPools } from './origin-pools.ts';
import type { ReplyWriter } from './reply-writer.ts';
import type { BodySink, Request } from './request.ts';
import { lastChunk, passableTrailers } from './trailers.ts';
import { grantedProtocol, type Upgrade } from './upgrade.ts';
import { Upgraded } from './upgraded.ts';

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
  /** The client sends its body when it is told to. */
  readonly expectContinue?: boolean;
  /** What the origin may change the protocol to. */
  readonly upgrade?: Upgrade | undefined;
  /** Milliseconds that a stream of events may be silent, where that is longer than a reply may. */
  readonly eventTimeout?: number;
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
  /** The origin's side, where it has changed the protocol and the client was told so. */
  readonly upgraded?: Upgraded | undefined;
}

/** Methods that may be sent twice (RFC 9110 section 9.2.2) when a kept connection turns out to be stale. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** Methods that mean a body: without one, its length is said to be zero (RFC 9110 section 8.6). */
const MEANS_BODY = new Set(['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);
/** A stream of server-sent events, which may have nothing to say for long. */
const EVENTS = 'text/event-stream';
const NOT_ASKED = { ok: false, reason: 'A change of protocol that nobody asked for.' } as const;
/** A stale connection is tried over once; the second attempt is on a new one. */
const MAX_ATTEMPTS = 2;

/** Never rejects: what went wrong is in the result. */
export async function forward(request: Request, reply: ReplyWriter, options: ForwardOptions): Promise<Forwarded> {
  const { pools, permit, target, client } = options;
  let connection: UpstreamConnection | undefined;
  const expectation = options.expectContinue && options.body !== 'none' ? new Expectation(request, reply) : undefined;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const idle = attempt === 1 ? pools.take(target.authority, target.scheme, client) : undefined;
      const lane = idle ?? (await pools.open(permit, target.scheme));
      if (request.error || reply.gone) {
        pools.release(lane);
        throw request.error ?? new ProxyError('client-aborted');
      }
      connection = lane.connection;
      if (logsIn(request.rawHeaders)) lane.bindTo(client);
      const relay = new Relay(lane, request, reply, options, expectation);
      const wasFresh = lane.fresh;
      const error = await relay.run();
      if (error && attempt < MAX_ATTEMPTS && !wasFresh && relay.mayRepeat(error)) continue;
      const { status, contentType, firstByte, upgraded } = relay;
      const begun = status === 0 ? undefined : { status, contentType };
      return { connection, reply: begun, firstByte, error, bytesIn: request.bytes, upgraded };
    }
  } catch (thrown) {
    const failed = { connection, reply: undefined, firstByte: undefined, bytesIn: request.bytes };
    return { ...failed, error: asProxyError(thrown) };
  } finally {
    expectation?.drop();
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

  constructor(
    lane: Lane,
    request: Request,
    reply: ReplyWriter,
    options: ForwardOptions,
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
    if (!this.#lane.begin(method, this.#head(), this, hasBody)) {
      this.#unsent = true;
      this.#settle(new ProxyError('response-aborted'));
    } else if (!hasBody) this.#lane.push(true);
    else {
      this.#lane.push(false);
      this.#expectation?.begin();
      this.#request.read(this);
    }
    return this.#settled.promise;
  }

  mayRepeat(error: ProxyError): boolean {
    if (this.status > 0 || this.#request.bytes > 0) return false;
    if (this.#unsent) return true;
    // An origin does nothing for a request whose body it has not asked for.
    const isSafe = REPEATABLE.has(this.#request.method) || this.#expectation?.isOpen === true;
    return isSafe && error.code === 'response-aborted';
  }

  readonly #onGone = (): void => this.#abort(new ProxyError('client-aborted'));
  readonly #onTaken = (): void => this.#lane.resume();

  onBody(piece: Buffer): void {
    this.#expectation?.drop();
    const chunked = this.#options.body === 'chunked';
    const goesOn = chunked
      ? this.#lane.write(`${piece.length.toString(16)}\r\n`, piece, '\r\n')
      : this.#lane.write(piece);
    this.#lane.push(false);
    if (!goesOn) this.#request.pause();
  }

  onBodyEnd(): void {
    this.#expectation?.drop();
    if (this.#options.body === 'chunked') this.#lane.write(lastChunk(passableTrailers(this.#request.trailers)));
    this.#lane.push(true);
  }

  onBodyError(error: ProxyError): void {
    this.#abort(error);
  }

  onDrain(): void {
    this.#request.resume();
  }

  onInterim({ status, reason, rawHeaders }: ReplyHead): void {
    // A 100 is the answer to an expectation, or to nothing.
    if (status === 100) this.#expectation?.meet();
    else this.#reply.writeInterim(status, reason, clientHeaders(rawHeaders, undefined, status));
  }

  onSwitch(head: ReplyHead, rest: Buffer): (piece: Buffer) => void {
    const { upgrade, via } = this.#options;
    const granted = upgrade ? grantedProtocol(head, upgrade) : NOT_ASKED;
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
    this.#reply.writeSwitch(head.reason, ['Connection', 'Upgrade', 'Upgrade', granted.value, ...fields]);
    this.#settle(undefined);
    return upgraded.take;
  }

  onHead(head: ReplyHead): void {
    const { status, reason, rawHeaders } = head;
    const { via, eventTimeout = 0 } = this.#options;
    this.#expectation?.drop();
    this.status = status;
    this.firstByte = performance.now() - this.#begin;
    this.contentType = valuesOf(rawHeaders, 'content-type')[0];
    if (this.contentType?.startsWith(EVENTS)) this.#lane.patience = Math.max(this.#lane.patience, eventTimeout);
    // The origin will not wait for the rest of the body, nor shall the next request wait behind it.
    if (!this.#request.complete) this.#reply.last = true;
    const entry = via ? { version: head.httpVersion, pseudonym: via } : undefined;
    this.#reply.writeHead(status, reason, clientHeaders(rawHeaders, entry, status));
  }

  onTrailers(trailers: readonly string[]): void {
    this.#reply.trailers = passableTrailers(trailers);
  }

  onData(piece: Buffer): void {
    this.#reply.write(piece);
  }

  onPause(): boolean {
    return this.#reply.flush();
  }

  onEnd(): void {
    this.#options.pools.release(this.#lane);
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

  #head(): string {
    const { target, via, body, maxForwards, upgrade } = this.#options;
    const { method, rawHeaders, httpVersion } = this.#request;
    const fields = upstreamHeaders(rawHeaders, {
      host: formatAuthority(target.authority, DEFAULT_PORT[target.scheme]),
      via: via ? { version: httpVersion, pseudonym: via } : undefined,
      maxForwards,
      expectsContinue: this.#expectation?.isOpen,
      upgrade: upgrade?.protocols,
      body: body === 'none' && MEANS_BODY.has(method) ? 0 : body,
    });
    let head = `${method} ${target.path}${target.query} HTTP/1.1\r\n`;
    for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`;
    return `${head}\r\n`;
  }
}
