// Stages two to eight of a CONNECT: parse, decide, answer, look at the ClientHello, decide again, and hand over to
// splice, bump or terminate. Called by the HTTP parser through proxy.ts.

import type { IncomingMessage } from 'node:http';
import { type Authority, formatAuthority } from '../core/authority.ts';
import type { Denial, Permit } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import { beginTunnel, nextId, type Tunnel } from '../core/session.ts';
import { admitConnect, valuesOf } from '../http/admission.ts';
import type { Connection } from '../http/connection.ts';
import { hasPassed } from '../http/headers.ts';
import { OWN_HOST } from '../http/own-pages.ts';
import { refusalOf, replyRaw } from '../http/reply.ts';
import type { Route } from '../net/upstream.ts';
import { bump } from './bump.ts';
import { type Hello, peekHello } from './peek-hello.ts';
import type { Stage } from './services.ts';
import { splice } from './splice.ts';
import { terminate } from './terminate.ts';

/** Milliseconds that a tunnel which need not be TLS waits for the client to speak first; else the server does. */
const SERVER_SPEAKS_FIRST = 1_000;

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';

export async function openTunnel(
  stage: Stage,
  connection: Connection,
  request: IncomingMessage,
  head: Buffer,
): Promise<void> {
  const begin = performance.now();
  const { socket, session } = connection;
  const admitted = admitConnect({ ...messageParts(request) });
  if (connection.tunnel || !admitted.ok) {
    const error = admitted.ok ? new ProxyError('request-malformed', 'CONNECT within a tunnel.') : admitted.error;
    const bytes = replyRaw(socket, refusalOf(error, request.url ?? '', nextId()));
    const told = { by: session, inside: connection.tunnel, begin, failure: error, tag: 'NONE_NONE' } as const;
    const url = request.url ?? '';
    stage.journal.tell({
      ...told,
      status: error.status,
      bytes,
      outcome: 'malformed',
      method: 'CONNECT',
      url,
      contentType: 'text/html',
    });
    return;
  }
  const authority = admitted.value;
  if (stage.via && hasPassed(valuesOf(request.rawHeaders, 'via'), stage.via)) {
    const tunnel = beginTunnel(authority, ownPermit(authority), begin);
    return failConnect(stage, connection, tunnel, new ProxyError('loop', 'Our own Via is in the request.'));
  }

  const own = authority.host === OWN_HOST;
  const decision = own
    ? ownPermit(authority)
    : stage.policy.decideConnect({ client: session.client.address, authority });
  const tunnel = beginTunnel(authority, decision, begin);
  if (decision.action === 'deny') return refuse(stage, connection, tunnel, decision, head);
  if (decision.tls === 'terminate') return terminate(stage, connection, tunnel, { step: 'connect' });

  const route = own ? undefined : await locate(stage, connection, tunnel, decision);
  if (route === 'answered') return undefined;
  const hello = await awaitHello(stage, connection, tunnel, decision, head);
  if (!hello) return undefined;
  return afterHello(stage, connection, tunnel, decision, hello, own ? 'own' : route);
}

/** `undefined`: the origin cannot be reached, which is told inside the tunnel. `answered`: it was told at once. */
async function locate(
  stage: Stage,
  connection: Connection,
  tunnel: Tunnel,
  permit: Permit,
): Promise<Route | undefined | 'answered'> {
  try {
    return await stage.upstream.locate(permit);
  } catch (thrown) {
    const error = asProxyError(thrown);
    if (error.code !== 'address-forbidden' && permit.tls === 'bump') {
      tunnel.instead = { kind: 'failed', error };
      return undefined;
    }
    failConnect(stage, connection, tunnel, error);
    return 'answered';
  }
}

/** Answers 200 and waits for the ClientHello; undefined when the connection has ended here. */
async function awaitHello(
  stage: Stage,
  connection: Connection,
  tunnel: Tunnel,
  permit: Permit | Denial,
  head: Buffer,
): Promise<Hello | 'silent' | undefined> {
  const { socket, session } = connection;
  if (head.length > 0) socket.unshift(head);
  socket.write(ESTABLISHED);
  const mayBeSilent = permit.action === 'allow' && permit.tls === 'tunnel';
  const peeked = await peekHello(socket, mayBeSilent ? SERVER_SPEAKS_FIRST : stage.limits.handshakeTimeout);
  if (peeked.seen === 'value') return peeked.value;
  if (peeked.seen === 'timeout' && mayBeSilent && !socket.destroyed) return 'silent';
  socket.destroy();
  const told = { by: session, tag: 'NONE_NONE', suffix: 'ABORTED', status: 200, bytes: 0 } as const;
  const failure = peeked.seen === 'timeout' ? new ProxyError('hello-timeout') : new ProxyError('client-aborted');
  const outcome = peeked.seen === 'timeout' ? 'timed_out' : 'aborted';
  stage.journal.tellConnect(tunnel, { ...told, outcome, failure });
  return undefined;
}

async function afterHello(
  stage: Stage,
  connection: Connection,
  tunnel: Tunnel,
  permit: Permit,
  hello: Hello | 'silent',
  route: Route | 'own' | undefined,
): Promise<void> {
  if (hello === 'silent' || hello.state !== 'hello') {
    if (permit.tls === 'tunnel' && route && route !== 'own') {
      return splice(stage, connection, tunnel, route, { kind: 'tunnelled' });
    }
    return terminate(stage, connection, tunnel, { step: 'hello', failure: notTls(hello) });
  }
  if (hello.hello.serverName !== undefined) tunnel.sni = hello.hello.serverName;
  const decision = stage.policy.decideHello(permit, hello.hello.serverName);
  if (decision.action === 'deny') {
    const failure = new ProxyError('sni-mismatch', decision.reason);
    return terminate(stage, connection, { ...tunnel, decision }, { step: 'hello', failure });
  }
  if (route && route !== 'own' && (decision.tls === 'splice' || decision.tls === 'tunnel')) {
    return splice(stage, connection, tunnel, route, { kind: 'spliced' });
  }
  if (route === 'own') tunnel.instead = { kind: 'own' };
  return bump(stage, connection, tunnel, hello.hello);
}

function notTls(hello: Exclude<Hello, { state: 'hello' }> | 'silent'): ProxyError {
  if (hello === 'silent') return new ProxyError('not-tls', 'The client said nothing.');
  return new ProxyError(hello.state === 'malformed' ? 'hello-malformed' : 'not-tls', `${hello.reason}.`);
}

/** A denial, by the way the rule chose. */
async function refuse(
  stage: Stage,
  connection: Connection,
  tunnel: Tunnel,
  denial: Denial,
  head: Buffer,
): Promise<void> {
  if (denial.refuseBy === 'close') return terminate(stage, connection, tunnel, { step: 'connect' });
  if (denial.refuseBy === 'connect') {
    return failConnect(stage, connection, tunnel, new ProxyError('denied', denial.reason), denial.rule);
  }
  const hello = await awaitHello(stage, connection, tunnel, denial, head);
  if (!hello) return undefined;
  if (hello === 'silent' || hello.state !== 'hello') {
    return terminate(stage, connection, tunnel, { step: 'hello', failure: notTls(hello) });
  }
  tunnel.instead = { kind: 'denied', denial };
  return bump(stage, connection, tunnel, hello.hello);
}

/** Answers the CONNECT itself with an error, in reason phrase, headers and body. */
function failConnect(stage: Stage, connection: Connection, tunnel: Tunnel, error: ProxyError, rule?: string): void {
  const { socket, session } = connection;
  const denied = error.status === 403;
  const bytes = replyRaw(socket, refusalOf(error, formatAuthority(tunnel.authority), tunnel.id, rule));
  stage.journal.tellConnect(tunnel, {
    by: session,
    tag: denied ? 'TCP_DENIED' : 'NONE_NONE',
    status: error.status,
    bytes,
    outcome: denied ? 'denied' : 'failed',
    contentType: 'text/html',
    failure: error.code === 'denied' ? undefined : error,
  });
}

/** The self-test host is allowed whatever the policy. */
function ownPermit(authority: Authority): Permit {
  const reason = 'the self-test host is answered by the proxy itself';
  return {
    action: 'allow',
    step: 'connect',
    authority,
    rule: OWN_HOST,
    reason,
    tls: 'bump',
    deferred: false,
    wouldDeny: false,
  };
}

function messageParts(request: IncomingMessage): {
  method: string;
  url: string;
  httpVersion: string;
  rawHeaders: string[];
} {
  const { method = '', url = '', httpVersion, rawHeaders } = request;
  return { method, url, httpVersion, rawHeaders };
}
