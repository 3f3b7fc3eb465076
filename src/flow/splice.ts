// Passes a tunnel through unread: dials the checked address, replays what the client has sent, and pipes until the end.
// Called by flow/open-tunnel with the Route it got for the Permit.

import { formatAuthority } from '../core/authority.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import type { Session, Tunnel } from '../core/session.ts';
import type { Connection } from '../http/connection.ts';
import type { AccessLogEntry } from '../log/access-log-entry.ts';
import { Intake } from '../net/intake.ts';
import { makeLanes, type Piped, pipe } from '../net/pipe.ts';
import type { Route, UpstreamConnection } from '../net/upstream.ts';
import type { ClientHello } from '../wire/client-hello.ts';
import { HelloGate } from '../wire/hello-gate.ts';
import type { Told } from './journal.ts';
import type { Services } from './services.ts';

export interface SpliceOptions {
  /** Bytes of the hello that was accepted; 0 where the client has said nothing yet. Absent: what it says is no TLS. */
  readonly accepted?: number;
  /** `tunnelled`: what is inside is not TLS; Squid then writes the CONNECT and the tunnel as two lines. */
  readonly kind: 'spliced' | 'tunnelled';
  /** What is open already. */
  readonly ahead?: Ahead | undefined;
}

/** The tunnel through a parent that was opened before the client had its 200: what the parent says of it is our answer. */
export interface Ahead {
  readonly upstream: UpstreamConnection;
  readonly intake: Intake;
  /** It is carried on; until then, whoever has opened it closes it. */
  taken: boolean;
}

/** Nothing of the client goes to it yet. Throws ProxyError; then nothing is left open. */
export async function openAhead(services: Services, route: Route): Promise<Ahead> {
  const intake = new Intake();
  return { upstream: await services.upstream.connect(route, intake.onread), intake, taken: false };
}

export async function splice(
  services: Services,
  connection: Connection,
  tunnel: Tunnel,
  route: Route,
  { kind, accepted, ahead }: SpliceOptions,
): Promise<void> {
  const { socket, inlet, session } = connection;
  const { journal, limits } = services;
  const intake = ahead?.intake ?? new Intake();
  if (ahead) ahead.taken = true;
  let upstream: UpstreamConnection;
  try {
    upstream = ahead?.upstream ?? (await services.upstream.connect(route, intake.onread));
  } catch (thrown) {
    socket.destroy();
    const failure = asProxyError(thrown);
    const { status, peer: tried } = failure;
    journal.tellConnect(tunnel, { by: session, tag: 'NONE_NONE', status, bytes: 0, outcome: 'failed', failure, tried });
    return;
  }
  const before = socket.bytesRead;
  if (kind === 'tunnelled') {
    journal.tellConnect(tunnel, { by: session, tag: 'NONE_NONE', status: 200, bytes: 0, outcome: kind });
  }
  let failure: ProxyError | undefined;
  const accept = ({ serverName, encryptedClientHello }: ClientHello): boolean => {
    if (serverName !== undefined) tunnel.sni = serverName;
    const atHello = services.policy.decideHello(route.permit, serverName, encryptedClientHello);
    if (atHello.action === 'allow') return true;
    tunnel.decision = atHello;
    failure = new ProxyError('sni-mismatch', atHello.reason);
    return false;
  };
  tunnel.client = session.client.address;
  const passing = services.tunnels.add(upstream.socket, tunnel, services);
  const lanes = journal.watchesTunnels ? makeLanes() : undefined;
  const ended = lanes && journal.beginTunnel(() => openTold(session, tunnel, upstream, kind), lanes);
  const piped = await pipe(inlet, upstream.socket, {
    idleTimeout: limits.tunnelIdleTimeout,
    intake,
    lanes,
    ...(accepted === undefined ? {} : { gate: new HelloGate({ accepted, accept }) }),
  });
  failure = passing.end() ?? failure;
  ended?.();
  if (piped.end === 'refused') failure ??= new ProxyError('hello-malformed', 'What came in place of a hello is none.');
  const told = {
    by: session,
    upstream,
    failure,
    tag: 'TCP_TUNNEL',
    ...endOf(piped),
    status: 200,
    bytes: piped.toClient,
    bytesIn: Math.max(piped.toUpstream, socket.bytesRead - before),
  } as const;
  if (kind === 'spliced') return journal.tellConnect(tunnel, { ...told, outcome: told.outcome ?? 'spliced' });
  const url = `${tunnel.authority.host}:${tunnel.authority.port}`;
  return journal.tell({
    ...told,
    outcome: told.outcome ?? 'tunnelled',
    inside: tunnel,
    begin: tunnel.begin,
    decision: tunnel.decision,
    url,
  });
}

/** As it would be told if it ended now. */
function openTold(
  by: Session,
  tunnel: Tunnel,
  upstream: UpstreamConnection,
  kind: SpliceOptions['kind'],
): Told & { readonly url: string } {
  const { begin, decision, authority } = tunnel;
  const url = formatAuthority(authority);
  const told = { by, inside: tunnel, begin, decision, upstream, url, status: 200, bytes: 0, outcome: kind } as const;
  return { ...told, tag: 'TCP_TUNNEL', ...(kind === 'spliced' ? { method: 'CONNECT' } : {}) };
}

/** Squid marks a tunnel that was cut or broke; one whose both halves ended is complete. */
export function endOf({
  end,
}: Piped): Pick<AccessLogEntry, 'suffix'> & { outcome?: 'aborted' | 'timed_out' | 'terminated' } {
  if (end === 'complete') return {};
  if (end === 'refused') return { suffix: 'ABORTED', outcome: 'terminated' };
  return end === 'idle' ? { suffix: 'TIMEDOUT', outcome: 'timed_out' } : { suffix: 'ABORTED', outcome: 'aborted' };
}
