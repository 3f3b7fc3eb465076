// One exchange with an origin: the request goes out, the reply streams back with backpressure both ways, in flat memory.
// Called by flow/serve-request once a Permit is there. After the first byte of a reply there is no clean end but its own.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { formatAuthority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { type ErrorCode, messageOf, ProxyError } from '../core/errors.ts';
import { DEFAULT_PORT, type RequestTarget } from '../core/target.ts';
import { sweepAfter } from '../net/buffer-sweep.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import { type BodyLength, valuesOf } from './admission.ts';
import { clientHeaders, upstreamHeaders } from './headers.ts';
import { type Lane, LaneGone } from './lane.ts';
import type { OriginPools } from './origin-pools.ts';
import { reasonOf, replyProblem } from './reply-problem.ts';
import { RequestBody } from './request-body.ts';

export interface ForwardOptions {
  readonly pools: OriginPools;
  readonly permit: Permit;
  readonly target: RequestTarget;
  readonly body: BodyLength;
  /** Max-Forwards to send; without it the field passes as it is. */
  readonly maxForwards?: number | undefined;
  /** Our pseudonym in Via; none is sent without it. */
  readonly via: string | undefined;
  /** Milliseconds the client may be silent within its body. */
  readonly bodyTimeout: number;
  /** Bytes in a second that the client must bring of its body. */
  readonly slowestBody?: number;
  /** Milliseconds to the head of the reply, whatever interim replies come before. */
  readonly responseTimeout?: number;
  /** Fires, with the error as its reason, when the rest of the request turns out malformed. */
  readonly brokenBody?: AbortSignal;
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
/** A stale connection is tried over once; the second attempt is on a new one. */
const MAX_ATTEMPTS = 2;
/** Interim replies to one request: an origin could send them for ever, and each resets the clock. */
const MAX_INTERIM = 50;

/** Never rejects: what went wrong is in the result. */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<Forwarded> {
  const { pools, permit, target, brokenBody } = options;
  let connection: UpstreamConnection | undefined;
  let bytesIn = 0;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const lane = attempt === 1 ? await pools.acquire(permit, target.scheme) : await pools.open(permit, target.scheme);
      if (brokenBody?.aborted) {
        pools.release(lane, target.authority, target.scheme);
        throw brokenBody.reason;
      }
      connection = lane.connection;
      const wasFresh = lane.fresh;
      const result = await exchange(lane, request, response, options);
      bytesIn += result.bytesIn;
      if (attempt < MAX_ATTEMPTS && !wasFresh && mayRepeat(result, request)) continue;
      // What the parser of the reply throws, its own failed assertions among it, is the doing of the origin.
      const error = result.error === undefined ? undefined : toProxyError(result.error, 'response-malformed');
      return { connection, reply: result.reply, firstByte: result.firstByte, error, bytesIn };
    }
  } catch (thrown) {
    return { connection, reply: undefined, firstByte: undefined, error: toProxyError(thrown, 'internal'), bytesIn };
  }
}

interface Exchanged {
  readonly reply: Forwarded['reply'];
  readonly firstByte: number | undefined;
  readonly error: unknown;
  readonly bytesIn: number;
}

function mayRepeat({ error, reply, bytesIn }: Exchanged, request: IncomingMessage): boolean {
  if (error === undefined || reply || bytesIn > 0) return false;
  if (error instanceof LaneGone) return true;
  return REPEATABLE.has(request.method ?? '') && isBrokenConnection(error);
}

function isBrokenConnection(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(?:UND_ERR_SOCKET|ECONNRESET|EPIPE)$/.test(String(error.code));
}

function exchange(
  lane: Lane,
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<Exchanged> {
  return new Promise((resolve) => {
    const begin = performance.now();
    const body =
      options.body === 'none' ? undefined : new RequestBody(request, options.bodyTimeout, options.slowestBody);
    const { target, via, brokenBody } = options;
    brokenBody?.addEventListener('abort', () => body?.destroy(toProxyError(brokenBody.reason, 'internal')), {
      once: true,
    });
    let reply: Forwarded['reply'];
    let firstByte: number | undefined;
    let interim = 0;
    let controller: Dispatcher.DispatchController | undefined;

    const onDrain = (): void => controller?.resume();
    const onClose = (): void => {
      if (!response.writableFinished) controller?.abort(new ProxyError('client-aborted'));
    };
    const settle = (error: unknown): void => {
      response.off('drain', onDrain).off('close', onClose);
      body?.destroy();
      resolve({ reply, firstByte, error, bytesIn: body?.bytes ?? 0 });
    };
    response.on('drain', onDrain).on('close', onClose);

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (response.destroyed) started.abort(new ProxyError('client-aborted'));
      },
      onResponseStart(started, status) {
        const line = lane.statusLine(status) ?? '';
        const raw = rawHeaders(started);
        const problem = replyProblem(status, line, raw);
        if (problem) throw new ProxyError('response-malformed', problem);
        // Interim replies end here: the client asked for none that we relay.
        if (status < 200) {
          interim += 1;
          if (interim > MAX_INTERIM) throw new ProxyError('response-malformed', 'Too many interim replies.');
          // Each of them winds the clock of the parser up again.
          if (performance.now() - begin > (options.responseTimeout ?? Number.POSITIVE_INFINITY)) {
            throw new ProxyError('response-timeout', 'Interim replies only.');
          }
          return;
        }
        firstByte = performance.now() - begin;
        const entry = via ? { version: line.slice(5, 8), pseudonym: via } : undefined;
        const headers = clientHeaders(raw, entry, status);
        // The origin will not wait for the rest of the body, nor shall the next request wait behind it.
        if (body && !request.complete) headers.push('Connection', 'close');
        response.writeHead(status, reasonOf(line), headers);
        reply = { status, contentType: valuesOf(raw, 'content-type')[0] };
        // The head goes out with the first bytes of the body, or alone when none came with it.
        process.nextTick(() => response.flushHeaders());
      },
      onResponseData(started, chunk) {
        sweepAfter(chunk.length);
        if (!response.write(chunk)) started.pause();
      },
      onResponseEnd() {
        options.pools.release(lane, target.authority, target.scheme);
        response.end();
        settle(undefined);
      },
      onResponseError(_started, error) {
        lane.destroy();
        settle(error);
      },
    };

    lane.dispatch(
      {
        method: request.method ?? 'GET',
        path: `${target.path}${target.query}`,
        headers: upstreamHeaders(request.rawHeaders, {
          host: formatAuthority(target.authority, DEFAULT_PORT[target.scheme]),
          via: via ? { version: request.httpVersion, pseudonym: via } : undefined,
          maxForwards: options.maxForwards,
          contentLength: typeof options.body === 'number' ? options.body : undefined,
        }),
        ...(body ? { body } : {}),
      },
      handler,
    );
  });
}

/** The fields as they came; undici hands them over as buffers. */
function rawHeaders(controller: Dispatcher.DispatchController): string[] {
  const raw = controller.rawHeaders;
  if (!Array.isArray(raw)) throw new ProxyError('response-malformed', 'No header.');
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}

const UNDICI_CODES: Readonly<Record<string, ErrorCode>> = {
  UND_ERR_INVALID_ARG: 'internal',
  UND_ERR_HEADERS_TIMEOUT: 'response-timeout',
  UND_ERR_BODY_TIMEOUT: 'response-timeout',
  UND_ERR_HEADERS_OVERFLOW: 'response-malformed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'response-aborted',
  UND_ERR_SOCKET: 'response-aborted',
  ECONNRESET: 'response-aborted',
  EPIPE: 'response-aborted',
};

/** `fallback`: what an error is that we do not know. */
function toProxyError(error: unknown, fallback: 'internal' | 'response-malformed'): ProxyError {
  if (error instanceof ProxyError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = UNDICI_CODES[code];
  // A ProxyError that undici wrapped, such as one of the request body, is the cause of its own.
  if (error instanceof Error && error.cause instanceof ProxyError) return error.cause;
  return new ProxyError(known ?? fallback, messageOf(error), { cause: error });
}
