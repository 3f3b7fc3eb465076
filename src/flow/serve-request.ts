// Stages thirteen to fifteen: one request, plain or decrypted, from admission to its log line. Called by the HTTP parser
// through proxy.ts; the line is written from a `finally`, whatever happens before.

import { asProxyError, ProxyError } from '../core/errors.ts';
import { nextId, type Tunnel } from '../core/session.ts';
import { formatTarget } from '../core/target.ts';
import { admit, admitIntercepted, admitOwn, isForWholeServer, valuesOf } from '../http/admission.ts';
import { breakOff, type Connection, dropExchange } from '../http/connection.ts';
import { readManagerTarget } from '../http/manager-target.ts';
import type { ReplyPort } from '../http/reply-port.ts';
import type { Replied } from '../http/reply-writer.ts';
import type { Request } from '../http/request.ts';
import { offeredProtocols } from '../http/upgrade.ts';
import { type Asked, answerRequest, type Errand, type Fate } from './answer-request.ts';
import { carryUpgrade } from './carry-upgrade.ts';
import type { Told } from './journal.ts';
import type { OpenUpgrade } from './open-tunnels.ts';
import type { Services } from './services.ts';

export async function serveRequest(
  services: Services,
  connection: Connection,
  request: Request,
  reply: ReplyPort,
): Promise<void> {
  const begin = performance.now();
  const id = nextId();
  const asked = understand(connection, request);
  const errand: Errand = { services, connection, request, reply, id, begin, identity: undefined, seat: undefined };
  errand.seat = services.underWay.add(errand);
  let fate: Fate | undefined;
  try {
    fate = await answerRequest(errand, asked);
    // The reply was cut short upstream: the client must not take what it has for the whole.
    if (fate.forwarded?.error && fate.forwarded.reply) cut(connection, request, fate.forwarded.reset);
  } catch (thrown) {
    // Without this nobody would ever end the reply that the `finally` waits for.
    dropExchange(connection);
    fate = { ...(fate ?? FAULT), failure: asProxyError(thrown) };
    throw thrown;
  } finally {
    const { bytes, complete } = await reply.done;
    const { failure } = reply;
    const user = errand.identity?.user;
    const ended = {
      begin,
      id,
      url: asked.url,
      user,
      fate: fate ?? FAULT,
      bytes,
      complete,
      head: reply.headSize,
      failure,
    };
    const upgraded = fate?.forwarded?.upgraded;
    if (!upgraded) tellRequest(errand, ended);
    else {
      const open = openUpgrade(errand, asked);
      const carry = async (): Promise<void> => {
        const told = (): ReturnType<typeof toldOf> => toldOf(connection, request, ended);
        const carried = await carryUpgrade(services, connection, upgraded, open, told);
        const { toClient, toUpstream: bytesIn, ...end } = carried;
        const all = { bytes: bytes + toClient, bytesIn, fate: { ...ended.fate, ...end } };
        tellRequest(errand, { ...ended, ...all });
      };
      reply.takeOver = carry;
    }
  }
}

/** What it would be decided by anew. */
function openUpgrade({ connection, request, identity }: Errand, asked: Asked): OpenUpgrade {
  if (asked.kind !== 'through') throw new ProxyError('internal', 'An upgrade of what went nowhere.');
  const { method } = request;
  const { target } = asked.admitted;
  const protocols = offeredProtocols(request) ?? [];
  return { client: connection.session.client.address, method, target, identity, protocols };
}

/** What a request comes to when a fault of ours keeps it from coming to anything. */
const FAULT: Fate = { tag: 'NONE_NONE', outcome: 'failed', status: 0 };

/** To a client of HTTP/1.0 the end of the connection is the end of the reply. `reset`: the origin's code, for a stream. */
function cut(connection: Connection, { httpVersion }: Request, reset: number | undefined): void {
  if (httpVersion === '1.0') breakOff(connection);
  else dropExchange(connection, reset);
}

function understand(connection: Connection, request: Request): Asked {
  const { tunnel, originPort } = connection;
  const isOurs = !tunnel && originPort === undefined;
  const target = isOurs ? readManagerTarget(request.url) : undefined;
  const url = target?.url ?? request.url;
  if (request.error) return { kind: 'bad', url: rawUrl(url, tunnel), error: request.error };
  if (target) {
    const own = admitOwn(request);
    return own.ok ? { kind: 'manager', url, target } : { kind: 'bad', url, error: own.error };
  }
  if (isOurs && (url.startsWith('/') || isForWholeServer(request))) {
    const own = admitOwn(request);
    return own.ok ? { kind: 'own', url, path: own.value } : { kind: 'bad', url, error: own.error };
  }
  const admission =
    originPort === undefined ? admit(request, tunnel?.authority) : admitIntercepted(request, originPort);
  if (!admission.ok) return { kind: 'bad', url: rawUrl(url, tunnel), error: admission.error };
  return { kind: 'through', url: formatTarget(admission.value.target), admitted: admission.value };
}

/** The URL of a request that was not admitted, for the log: as it came, below its tunnel's authority. */
function rawUrl(url: string, tunnel: Tunnel | undefined): string {
  if (!tunnel || !url.startsWith('/')) return url;
  return formatTarget({ scheme: 'https', authority: tunnel.authority, path: url, query: '' });
}

/** A request that nobody waits for any more: who dials for it, say, learns too late that the client was cut. */
export function tellCut(errand: Errand): void {
  const { connection, request, reply, id, begin, identity } = errand;
  const { url } = understand(connection, request);
  const fate = { tag: 'TCP_MISS', outcome: 'aborted', status: 0, failure: new ProxyError('shutting-down') } as const;
  const user = identity?.user;
  tellRequest(errand, { begin, id, url, user, fate, bytes: 0, complete: false, head: reply.headSize });
}

interface Ended extends Replied {
  readonly begin: number;
  readonly id: string;
  readonly url: string;
  readonly user: string | undefined;
  readonly fate: Fate;
  /** Bytes of the header of the reply. */
  readonly head: number | undefined;
  /** Why the reply was broken off, where that was our doing. */
  readonly failure?: ProxyError | undefined;
  /** Of a protocol that came behind the request. */
  readonly bytesIn?: number;
}

/** Whoever tells it first has the word, so that there is exactly one line. */
function tellRequest(errand: Errand, ended: Ended): void {
  const { services, connection, request } = errand;
  if (!errand.seat?.leave()) return;
  services.journal.tell(toldOf(connection, request, ended));
}

function toldOf(connection: Connection, request: Request, ended: Ended): Told & { readonly url: string } {
  const { forwarded, tag, suffix, outcome, status, decision, contentType } = ended.fate;
  const failure = ended.fate.failure ?? ended.failure;
  const cut = !wasTold(connection, ended) && (!ended.complete || outcome === 'aborted');
  return {
    tag,
    suffix: cut ? 'ABORTED' : suffix,
    outcome: cut ? 'aborted' : outcome,
    // A reply that never began has no status.
    status: cut && !forwarded?.reply ? 0 : status,
    decision,
    failure,
    contentType,
    by: connection.session,
    inside: connection.tunnel,
    exchange: ended.id,
    begin: ended.begin,
    upstream: forwarded?.connection,
    tried: forwarded?.error?.peer,
    firstByte: forwarded?.firstByte,
    bytes: ended.bytes,
    bytesIn: ended.bytesIn ?? forwarded?.bytesIn,
    method: request.method,
    url: ended.url,
    user: ended.user,
    httpVersion: request.httpVersion,
    referer: valuesOf(request.rawHeaders, 'referer')[0],
    userAgent: valuesOf(request.rawHeaders, 'user-agent')[0],
    request,
    answer: forwarded?.reply,
    replyHead: ended.head,
  };
}

/**
 * Whether a client has our refusal on a stream, who then takes the stream back before it has the page, as clients of gRPC do:
 * it was refused, and not aborted.
 */
function wasTold({ abort }: Connection, { fate, head = 0 }: Ended): boolean {
  return abort !== undefined && fate.failure !== undefined && fate.forwarded?.reply === undefined && head > 0;
}
