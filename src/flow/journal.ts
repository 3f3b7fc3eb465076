// Tells the log what became of each transaction: one entry each, written when it ends. Every stage of flow/ calls it.

import { formatAuthority } from '../core/authority.ts';
import type { Decision } from '../core/decision.ts';
import { ProxyError } from '../core/errors.ts';
import { loggedName } from '../core/identity.ts';
import { Roster } from '../core/roster.ts';
import type { Session, Tunnel } from '../core/session.ts';
import type { LogGate } from '../log/access-log.ts';
import type { AccessLogEntry, Timings } from '../log/access-log-entry.ts';
import { loggedUrl } from '../log/logged-url.ts';
import type { Particular } from '../log/particulars.ts';
import type { ServiceLog } from '../log/service-log.ts';
import type { ConnectionNotes } from '../net/connection-notes.ts';
import type { Lanes } from '../net/pipe.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import { type Message, particularsOf } from './particulars.ts';
import type { TunnelWatch } from './tunnel-watch.ts';

/** What a stage says of the entry itself; the rest follows from who tells it and how it went. */
type Given = Pick<AccessLogEntry, 'tag' | 'status' | 'bytes' | 'outcome'> &
  Pick<AccessLogEntry, 'suffix' | 'method' | 'httpVersion' | 'contentType' | 'referer' | 'userAgent'> &
  Pick<AccessLogEntry, 'exchange' | 'alert' | 'confidence' | 'bytesIn' | 'user'>;

type ToldUpstream = Pick<UpstreamConnection, 'address' | 'tls' | 'timings' | 'parent'> &
  Partial<Pick<UpstreamConnection, 'socket'>>;

/** A transaction as its stage saw it end. */
export interface Told extends Given, Message {
  readonly by: Session;
  readonly inside?: Tunnel | undefined;
  /** Monotonic begin of the transaction, milliseconds. */
  readonly begin: number;
  readonly decision?: Decision | undefined;
  readonly failure?: ProxyError | undefined;
  /** The origin's side: what makes the hierarchy HIER_DIRECT, or that of a parent. */
  readonly upstream?: ToldUpstream | undefined;
  /** The address of an origin that was tried in vain. */
  readonly tried?: string | undefined;
  readonly firstByte?: number | undefined;
  /** Monotonic end, where the line is written later than that. */
  readonly end?: number | undefined;
}

export interface JournalParts {
  readonly write: (entry: AccessLogEntry) => void;
  readonly service: ServiceLog;
  /** What only some formats tell, and this log does. */
  readonly needs?: () => ReadonlySet<Particular>;
  readonly notes?: ConnectionNotes | undefined;
  /** Whether there is a line for what comes now. */
  readonly gate?: () => LogGate;
  /** Where open tunnels are told of. */
  readonly tunnels?: TunnelWatch | undefined;
}

const NOTHING: ReadonlySet<Particular> = new Set();

export class Journal {
  readonly #parts: JournalParts;
  readonly #faults = new WeakSet<object>();
  /** CONNECTs that have come and have no line yet, and whose they are. */
  readonly #connects = new Roster<{ readonly tunnel: Tunnel; readonly by: Session }>();

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  /** What is to be collected for the formats of the logs. */
  get needs(): ReadonlySet<Particular> {
    return this.#parts.needs?.() ?? NOTHING;
  }

  /** Whether a transaction that begins now may be served. */
  get gate(): LogGate {
    return this.#parts.gate?.() ?? 'open';
  }

  /** A request, plain or decrypted, or anything else that has an address of its own. */
  tell(told: Told & { readonly url: string }): void {
    const entry = this.#entryOf(told);
    this.#parts.write(entry);
    this.#warn(entry);
    if (told.failure?.code === 'internal') this.fault(told.by, told.failure.cause ?? told.failure);
  }

  /**
   * What passes unread from now on, told while it does where the log is to say so; `tell`: as it would be told if it ended
   * now. Call what is given back when it has ended.
   */
  beginTunnel(told: () => Told & { readonly url: string }, lanes: Lanes): (() => void) | undefined {
    return this.#parts.tunnels?.begin(() => this.#entryOf(told()), lanes);
  }

  /** Whether anybody wants to know how much an open tunnel has carried. */
  get watchesTunnels(): boolean {
    return this.#parts.tunnels?.enabled ?? false;
  }

  #entryOf(told: Told & { readonly url: string }): AccessLogEntry {
    const more = this.needs.size > 0 ? particularsOf(told, this.#parts.notes) : undefined;
    return entryOf(told, told.url, more);
  }

  /** A CONNECT has come, or what stands for one. */
  beginConnect(tunnel: Tunnel, by: Session): void {
    tunnel.untold = this.#connects.add({ tunnel, by });
  }

  /** How many CONNECTs have no line yet. */
  get openConnects(): number {
    return this.#connects.size;
  }

  /** What nobody waits for any more: whoever dials for it learns too late that the client was cut. */
  tellCutConnects(): void {
    for (const { tunnel, by } of this.#connects) {
      const status = tunnel.answered ? 200 : 0;
      const told = { by, tag: 'NONE_NONE', suffix: 'ABORTED', status, bytes: 0, outcome: 'aborted' } as const;
      this.tellConnect(tunnel, { ...told, failure: new ProxyError('shutting-down') });
    }
  }

  /** A CONNECT: whoever tells it first has the word, so that there is exactly one line. */
  tellConnect(tunnel: Tunnel, told: Omit<Told, 'inside' | 'begin' | 'decision'>): void {
    if (tunnel.logged) return;
    tunnel.logged = true;
    tunnel.untold?.leave();
    const url = formatAuthority(tunnel.authority);
    // As Squid logs it (5.7, measured): nobody has got a 200 where nobody has asked by CONNECT.
    const status = tunnel.intercepted && told.tag !== 'TCP_TUNNEL' ? 0 : told.status;
    this.tell({
      ...told,
      status,
      inside: tunnel,
      begin: tunnel.begin,
      decision: tunnel.decision,
      method: 'CONNECT',
      httpVersion: tunnel.head?.httpVersion,
      request: tunnel.head,
      url,
    });
  }

  /** A connection that ended before it asked for anything, or asked in no language of ours. */
  tellNoRequest(session: Session, told: Partial<Told> = {}): void {
    const { begin } = session;
    const base = { by: session, begin, tag: 'NONE_NONE', status: 0, bytes: 0, outcome: 'no_request' } as const;
    this.tell({ ...base, ...told, url: 'error:transaction-end-before-headers' });
  }

  /** An origin that asked for a client certificate has refused a request that went without. */
  wantsCertificate(client: string, host: string | undefined, status: number): void {
    this.#parts.service.warn(
      { client, host, status },
      'origin asked for a client certificate, and refused a request that went without: where it is for want of that, pass the host unread (tls: splice), or name a certificate under upstream.clientCertificates',
    );
  }

  /** A fault of ours, with its stack, for whoever runs the proxy. */
  fault(session: Session, error: unknown): void {
    // It is told where it was caught and, on its way up, once more.
    if (typeof error === 'object' && error !== null) {
      if (this.#faults.has(error)) return;
      this.#faults.add(error);
    }
    this.#parts.service.error({ session: session.id, client: session.client.address, err: error }, 'internal fault');
  }

  /** What somebody on call would want to see at once, beside the access log. */
  #warn(entry: AccessLogEntry): void {
    const { client, rule, reason, alert, confidence, error, errorDetail, outcome, wouldDeny } = entry;
    if (!wouldDeny && error === undefined && outcome !== 'client_rejected_certificate') return;
    const url = loggedUrl(entry.url, entry.method === 'CONNECT' ? 'authority' : 'url');
    if (wouldDeny) this.#parts.service.info({ client, url, rule, reason }, 'would be denied in enforce mode');
    if (outcome === 'client_rejected_certificate') {
      // Who is to be told of it, and how often, exceptions/ knows.
      this.#parts.service.info({ client, url, alert, confidence }, 'client rejected our certificate');
    } else if (error === 'client-cert-required') {
      this.#parts.service.warn({ client, url, detail: errorDetail }, 'origin wants a client certificate');
    } else if (error?.startsWith('upstream-') && entry.method !== 'CONNECT') {
      this.#parts.service.warn({ client, url, error, detail: errorDetail }, 'origin failed verification');
    } else if (error === 'parent-auth') {
      // Nothing gets through until somebody mends the config.
      this.#parts.service.warn({ parent: entry.parent, detail: errorDetail }, 'parent proxy refuses our credentials');
    }
  }
}

/** Written out field by field: this is made for every request, and one shape is cheaper than pieces of many. */
function entryOf(told: Told, url: string, more: AccessLogEntry['more']): AccessLogEntry {
  const { by, inside, decision, failure, upstream } = told;
  const now = performance.now();
  const end = told.end ?? now;
  const peer = upstream?.address ?? told.tried;
  const parent = upstream ? upstream.parent : failure?.parent;
  const permit = decision?.action === 'allow' ? decision : undefined;
  const user = told.user ?? inside?.identity?.user ?? by.certificateUser;
  return {
    time: Date.now() - (now - end),
    elapsed: Math.max(0, Math.round(end - told.begin)),
    client: by.client.address,
    tag: told.tag,
    suffix: told.suffix,
    status: told.status,
    bytes: told.bytes,
    method: told.method,
    url,
    user: user && loggedName(user),
    hierarchy: peer === undefined ? 'HIER_NONE' : (parent?.code ?? 'HIER_DIRECT'),
    peer,
    parent: parent?.name,
    contentType: told.contentType,
    httpVersion: told.httpVersion,
    referer: told.referer,
    userAgent: told.userAgent,
    outcome: told.outcome,
    session: by.id,
    tunnel: inside?.id,
    exchange: told.exchange,
    action: decision?.action,
    step: decision?.step,
    rule: decision?.rule,
    reason: decision?.reason,
    wouldDeny: permit?.wouldDeny ? true : undefined,
    refuseBy: decision?.action === 'deny' ? decision.refuseBy : undefined,
    tls: permit?.tls,
    exception: permit?.exception,
    error: failure?.code,
    errorDetail: failure?.detail,
    alert: told.alert,
    confidence: told.confidence,
    sni: inside?.sni,
    clientTls: inside?.clientTls ?? by.proxyTls,
    upstreamTls: upstream?.tls,
    bytesIn: told.bytesIn,
    timings: timingsOf(upstream, told.firstByte),
    more,
  };
}

function timingsOf(upstream: Told['upstream'], firstByte: number | undefined): Timings | undefined {
  if (!upstream && firstByte === undefined) return undefined;
  return { ...upstream?.timings, firstByte };
}
