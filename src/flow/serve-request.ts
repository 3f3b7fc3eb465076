// Stages thirteen to fifteen: one request, plain or decrypted, from admission to its log line. Called by the HTTP parser
// through proxy.ts; the line is written from a `finally`, whatever happens before.

import { asProxyError } from '../core/errors.ts';
import { nextId, type Tunnel } from '../core/session.ts';
import { formatTarget } from '../core/target.ts';
import { admit, admitIntercepted, admitOwn, valuesOf } from '../http/admission.ts';
import { breakOff, type Connection, dropExchange } from '../http/connection.ts';
import type { ReplyPort } from '../http/reply-port.ts';
import type { Replied } from '../http/reply-writer.ts';
import type { Request } from '../http/request.ts';
import { type Asked, answerRequest, type Errand, type Fate } from './answer-request.ts';
import { carryUpgrade } from './carry-upgrade.ts';
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
  const errand: Errand = { services, connection, request, reply, id, identity: undefined };
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
    const user = errand.identity?.user;
    const ended = { begin, id, url: asked.url, user, fate: fate ?? FAULT, bytes, complete };
    const upgraded = fate?.forwarded?.upgraded;
    if (!upgraded) tellRequest(services, connection, request, ended);
    else {
      const carry = async (rest: Buffer): Promise<void> => {
        const { toClient, toUpstream: bytesIn, ...end } = await carryUpgrade(services, connection, upgraded, rest);
        const all = { bytes: bytes + toClient, bytesIn, fate: { ...ended.fate, ...end } };
        tellRequest(services, connection, request, { ...ended, ...all });
      };
      reply.takeOver = carry;
    }
  }
}

/** What a request comes to when a fault of ours keeps it from coming to anything. */
const FAULT: Fate = { tag: 'NONE_NONE', outcome: 'failed', status: 0 };

/** To a client of HTTP/1.0 the end of the connection is the end of the reply. `reset`: the origin's code, for a stream. */
function cut(connection: Connection, { httpVersion }: Request, reset: number | undefined): void {
  if (httpVersion === '1.0') breakOff(connection);
  else dropExchange(connection, reset);
}

function understand(connection: Connection, request: Request): Asked {
  const { url } = request;
  const { tunnel, originPort } = connection;
  if (request.error) return { kind: 'bad', url: rawUrl(url, tunnel), error: request.error };
  if (!tunnel && originPort === undefined && url.startsWith('/')) {
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

interface Ended extends Replied {
  readonly begin: number;
  readonly id: string;
  readonly url: string;
  readonly user: string | undefined;
  readonly fate: Fate;
  /** Of a protocol that came behind the request. */
  readonly bytesIn?: number;
}

function tellRequest(services: Services, connection: Connection, request: Request, ended: Ended): void {
  const { forwarded, tag, suffix, outcome, status, decision, failure, contentType } = ended.fate;
  const cut = !ended.complete || outcome === 'aborted';
  services.journal.tell({
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
  });
}
