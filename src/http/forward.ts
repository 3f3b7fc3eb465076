// One exchange with an origin: the request goes out, the reply comes back, over a lane or a stream that is kept or new.
// Called by flow/answer-request once a Permit is there. After the first byte of a reply there is no clean end but its own.

import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { Permit } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import { valuesOf } from './admission.ts';
import { Expectation } from './expectation.ts';
import { H2Exchange } from './h2-exchange.ts';
import type { Lane } from './lane.ts';
import { Relay, type RelayOptions } from './relay.ts';
import type { ReplyPort } from './reply-port.ts';
import type { Request } from './request.ts';
import { isWebSocketOnly } from './upgrade.ts';
import type { Upgraded } from './upgraded.ts';

export interface ForwardOptions extends RelayOptions {
  /** The connection the request has come on. */
  readonly client: Socket;
  readonly permit: Permit;
  /** The client sends its body when it is told to. */
  readonly expectContinue?: boolean;
  /** By HTTP/2 rather than HTTP/1, where the origin can. */
  readonly streams?: boolean;
}

interface BegunReply {
  readonly status: number;
  readonly contentType: string | undefined;
  /** Names and values in turn, as the client got them; only where they were asked for. */
  readonly fields: readonly string[] | undefined;
}

export interface Forwarded {
  /** The connection the request went over; absent when there was none. */
  readonly connection: UpstreamConnection | undefined;
  /** Status and Content-Type of the reply that was begun to the client; absent when none was. */
  readonly reply: BegunReply | undefined;
  /** Milliseconds from the request to the first byte of the reply. */
  readonly firstByte: number | undefined;
  /** What went wrong; without a `reply` the caller may still answer with a page. */
  readonly error: ProxyError | undefined;
  /** The code by which the origin has reset the stream of this exchange. */
  readonly reset?: number | undefined;
  readonly bytesIn: number;
  /** The origin's side, where it has changed the protocol and the client was told so. */
  readonly upgraded?: Upgraded | undefined;
}

/** A stale connection is tried over once; the second attempt is on a new one. */
const MAX_ATTEMPTS = 2;

/** Never rejects: what went wrong is in the result. */
export async function forward(request: Request, reply: ReplyPort, options: ForwardOptions): Promise<Forwarded> {
  const { pools, client } = options;
  const isLogin = logsIn(request.rawHeaders);
  // What logs a connection in must have it for itself.
  let streams = options.streams === true && !isLogin;
  let connection: UpstreamConnection | undefined;
  const expectation = options.expectContinue && options.body !== 'none' ? new Expectation(request, reply) : undefined;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const kept = attempt === 1 ? takeKept(options, streams, isLogin) : undefined;
      const lane = kept ?? (await openNew(options, streams));
      if (request.error || reply.gone) {
        pools.giveBack(lane);
        throw request.error ?? new ProxyError('client-aborted');
      }
      connection = lane.connection;
      if (isLogin && !(lane instanceof H2Exchange)) lane.bindTo(client);
      const relay = new Relay(lane, request, reply, options, expectation);
      const wasFresh = lane.fresh;
      const error = await relay.run();
      const reset = lane instanceof H2Exchange ? lane.reset : undefined;
      if (error && attempt < MAX_ATTEMPTS && relay.mayRepeat(error, wasFresh, reset)) {
        if (reset === constants.NGHTTP2_HTTP_1_1_REQUIRED) streams = false;
        continue;
      }
      const { status, contentType, fields, firstByte, upgraded } = relay;
      const begun = status === 0 ? undefined : { status, contentType, fields };
      return { connection, reply: begun, firstByte, error, reset, bytesIn: request.bytes, upgraded };
    }
  } catch (thrown) {
    const failed = { connection, reply: undefined, firstByte: undefined, bytesIn: request.bytes };
    return { ...failed, error: asProxyError(thrown) };
  } finally {
    expectation?.drop();
  }
}

/**
 * A change of protocol takes the whole connection along: it is asked for in HTTP/1, whatever the origin speaks besides. A
 * WebSocket of a client that speaks HTTP/2 goes on in that where the origin is known to open such.
 */
function takeKept(
  { pools, target, client, permit, upgrade }: ForwardOptions,
  streams: boolean,
  isLogin: boolean,
): Lane | H2Exchange | undefined {
  const { authority, scheme } = target;
  const opened = upgrade && streams && isWebSocketOnly(upgrade);
  const stream = opened ? pools.takeExtended(authority, scheme, permit.identity) : undefined;
  if (stream) return stream;
  if (isLogin || upgrade) return pools.take(authority, scheme, client, permit.identity);
  return pools.takeWay(authority, scheme, client, streams, permit.identity);
}

function openNew({ pools, permit, target, upgrade }: ForwardOptions, streams: boolean): Promise<Lane | H2Exchange> {
  if (upgrade && isWebSocketOnly(upgrade)) return pools.openForWebSocket(permit, target.scheme);
  return upgrade ? pools.open(permit, target.scheme) : pools.openWay(permit, target.scheme, streams);
}

/** Whether the credentials are for the connection, not for the request (RFC 4559). */
function logsIn(rawHeaders: readonly string[]): boolean {
  return valuesOf(rawHeaders, 'authorization').some((value) => /^(?:NTLM|Negotiate)(?:\s|$)/i.test(value));
}
