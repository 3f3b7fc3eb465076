// Stages thirteen to fifteen: one request, plain or decrypted, from admission to its log line. Called by the HTTP parser
// through proxy.ts; the line is written from a `finally`, whatever happens before.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Decision } from '../core/decision.ts';
import { ProxyError } from '../core/errors.ts';
import { nextId, type Tunnel } from '../core/session.ts';
import { formatTarget, type RequestTarget } from '../core/target.ts';
import { type Admitted, admit, valuesOf } from '../http/admission.ts';
import { type Connection, takeWritten } from '../http/connection.ts';
import { type Forwarded, forward } from '../http/forward.ts';
import { hasPassed } from '../http/headers.ts';
import { OWN_HOST, type OwnPage } from '../http/own-pages.ts';
import { refusalOf, replyPage } from '../http/reply.ts';
import type { Told } from './journal.ts';
import type { Services } from './services.ts';

/** What became of a request, as far as it is known when its reply has been begun. */
type Fate = Pick<Told, 'tag' | 'outcome'> & {
  readonly status: number;
  readonly decision?: Decision | undefined;
  readonly failure?: ProxyError | undefined;
  readonly contentType?: string | undefined;
  readonly forwarded?: Forwarded | undefined;
};

export async function serveRequest(
  services: Services,
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const begin = performance.now();
  const id = nextId();
  const done = completion(connection, response);
  let url = request.url ?? '';
  let fate: Fate = { tag: 'NONE_NONE', outcome: 'failed', status: 0, failure: new ProxyError('internal') };
  try {
    const asked = understand(connection, request);
    url = asked.url;
    fate = await answer(services, connection, request, response, asked, id);
    // The reply was cut short upstream: the client must not take what it has for the whole.
    if (fate.forwarded?.error && fate.forwarded.reply) response.socket?.destroy();
  } finally {
    const { bytes, complete } = await done;
    tellRequest(services, connection, request, { begin, id, url, fate, bytes, complete });
  }
}

/** What a request asks for, or why it is not to be looked at. */
type Asked =
  | { readonly kind: 'bad'; readonly url: string; readonly error: ProxyError }
  /** Origin-form on the proxy's own port: somebody has come to us, not through us. */
  | { readonly kind: 'own'; readonly url: string; readonly path: string }
  | { readonly kind: 'through'; readonly url: string; readonly admitted: Admitted };

function understand(connection: Connection, request: IncomingMessage): Asked {
  const { method = '', url = '', httpVersion, rawHeaders } = request;
  const tunnel = connection.tunnel;
  if (!tunnel && url.startsWith('/')) return { kind: 'own', url, path: url.replace(/\?.*/s, '') };
  const admission = admit({ method, url, httpVersion, rawHeaders }, tunnel?.authority);
  if (!admission.ok) return { kind: 'bad', url: rawUrl(url, tunnel), error: admission.error };
  return { kind: 'through', url: formatTarget(admission.value.target), admitted: admission.value };
}

async function answer(
  services: Services,
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
  asked: Asked,
  id: string,
): Promise<Fate> {
  const refuse = (error: ProxyError, tag: Fate['tag'], outcome: Fate['outcome'], decision?: Decision): Fate => {
    // What is left of a body would be taken for the next request, or keep us reading for nothing.
    const close = asked.kind === 'bad' || bodyIsPending(request);
    replyPage(response, refusalOf(error, asked.url, id, decision?.action === 'deny' ? decision.rule : undefined), {
      close,
    });
    return { tag, outcome, status: error.status, failure: error, decision, contentType: 'text/html' };
  };

  if (asked.kind === 'bad') return refuse(asked.error, 'NONE_NONE', 'malformed');
  const own = ownPage(services, connection, request, asked);
  if (own === 'none')
    return refuse(new ProxyError('request-target', 'The proxy has no such page.'), 'NONE_NONE', 'malformed');
  if (own) return serveOwn(request, response, own);
  if (asked.kind !== 'through') return refuse(new ProxyError('internal'), 'NONE_NONE', 'failed');

  const instead = connection.tunnel?.instead;
  if (instead?.kind === 'denied') {
    return refuse(new ProxyError('denied', instead.denial.reason), 'NONE_NONE', 'denied', instead.denial);
  }
  if (instead?.kind === 'failed') return refuse(instead.error, 'NONE_NONE', 'failed');
  if (services.via && hasPassed(valuesOf(request.rawHeaders, 'via'), services.via)) {
    return refuse(new ProxyError('loop', 'Our own Via is in the request.'), 'NONE_NONE', 'failed');
  }
  const decision = services.policy.decideRequest({
    client: connection.session.client.address,
    method: request.method ?? '',
    target: asked.admitted.target,
  });
  if (decision.action === 'deny')
    return refuse(new ProxyError('denied', decision.reason), 'TCP_DENIED', 'denied', decision);

  if (asked.admitted.expectContinue) response.writeContinue();
  const forwarded = await forward(request, response, {
    pools: services.pools,
    permit: decision,
    target: asked.admitted.target,
    body: asked.admitted.body,
    via: services.via,
    bodyTimeout: services.limits.bodyTimeout,
  });
  const { error, reply } = forwarded;
  if (!error)
    return {
      tag: 'TCP_MISS',
      outcome: 'forwarded',
      status: reply?.status ?? 0,
      decision,
      forwarded,
      contentType: reply?.contentType,
    };
  if (reply) {
    return {
      tag: 'TCP_MISS',
      outcome: 'aborted',
      status: reply.status,
      decision,
      forwarded,
      failure: error,
      contentType: reply.contentType,
    };
  }
  if (error.code === 'client-aborted') {
    response.socket?.destroy();
    return { tag: 'TCP_MISS', outcome: 'aborted', status: 0, decision, forwarded, failure: error };
  }
  const denied = error.status === 403;
  const fate = refuse(error, denied ? 'TCP_DENIED' : 'TCP_MISS', denied ? 'denied' : 'failed', decision);
  return { ...fate, forwarded };
}

/** A page of ours that the request asks for; `none`: it asks us, and there is no such page. */
function ownPage(
  services: Services,
  connection: Connection,
  request: IncomingMessage,
  asked: Asked,
): OwnPage | 'none' | undefined {
  const proxy = proxyAddress(connection, request);
  if (asked.kind === 'own') return services.pages.page(asked.path, proxy) ?? 'none';
  if (asked.kind !== 'through' || asked.admitted.target.authority.host !== OWN_HOST) return undefined;
  const { path } = asked.admitted.target;
  if (path === '/') return services.pages.selfTest(connection.session, connection.tunnel);
  return services.pages.page(path, proxy) ?? 'none';
}

/** Our own address as the client spelled it, or else as it reached us. */
function proxyAddress(connection: Connection, request: IncomingMessage): string {
  const { address, port } = connection.session.local;
  const host = valuesOf(request.rawHeaders, 'host')[0];
  const known = host !== undefined && host !== OWN_HOST && /^[\w.:[\]-]{1,255}$/.test(host);
  return known ? host : `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function serveOwn(request: IncomingMessage, response: ServerResponse, page: OwnPage): Fate {
  response.writeHead(200, 'OK', [
    'Content-Type',
    page.type,
    'Content-Length',
    String(page.body.length),
    'Cache-Control',
    'no-store',
    ...(page.file ? ['Content-Disposition', `attachment; filename="${page.file}"`] : []),
    ...(bodyIsPending(request) ? ['Connection', 'close'] : []),
  ]);
  response.end(request.method === 'HEAD' ? undefined : page.body);
  return { tag: 'NONE_NONE', outcome: 'answered', status: 200, contentType: page.type };
}

/** Whether more of this request is to come than its header: the parser has not seen its end, and there is one. */
function bodyIsPending({ complete, headers }: IncomingMessage): boolean {
  return !complete && (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0');
}

/** The URL of a request that was not admitted, for the log: as it came, below its tunnel's authority. */
function rawUrl(url: string, tunnel: Tunnel | undefined): string {
  if (!tunnel || !url.startsWith('/')) return url;
  const target: RequestTarget = { scheme: 'https', authority: tunnel.authority, path: url, query: '' };
  return formatTarget(target);
}

interface Completion {
  readonly bytes: number;
  /** All of the reply was handed to the system. */
  readonly complete: boolean;
}

/** Resolves when the reply is out or the client is gone. Bytes are taken at once: the next reply may follow on its heels. */
function completion(connection: Connection, response: ServerResponse): Promise<Completion> {
  return new Promise((resolve) => {
    const onFinish = (): void => {
      response.off('close', onClose);
      resolve({ bytes: takeWritten(connection), complete: true });
    };
    const onClose = (): void => resolve({ bytes: takeWritten(connection), complete: false });
    response.prependOnceListener('finish', onFinish);
    response.once('close', onClose);
  });
}

interface Ended extends Completion {
  readonly begin: number;
  readonly id: string;
  readonly url: string;
  readonly fate: Fate;
}

function tellRequest(services: Services, connection: Connection, request: IncomingMessage, ended: Ended): void {
  const { forwarded, ...fate } = ended.fate;
  const cut = !ended.complete || fate.outcome === 'aborted';
  services.journal.tell({
    ...fate,
    ...(cut ? { suffix: 'ABORTED', outcome: 'aborted' } : {}),
    // A reply that never began has neither status nor bytes.
    ...(cut && !forwarded?.reply ? { status: 0 } : {}),
    by: connection.session,
    inside: connection.tunnel,
    exchange: ended.id,
    begin: ended.begin,
    upstream: forwarded?.connection,
    tried: forwarded?.error?.peer,
    firstByte: forwarded?.firstByte,
    bytes: ended.bytes,
    bytesIn: forwarded?.bytesIn,
    method: request.method,
    url: ended.url,
    httpVersion: request.httpVersion,
    referer: request.headers.referer,
    userAgent: request.headers['user-agent'],
  });
}
