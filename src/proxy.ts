// Assembles one worker from its slice of the config: the rooms are made here, and nowhere else do they all meet.
// Called by cli/ where one process serves all, by supervisor/ in each worker, and by the tests.

import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from './config/config.ts';
import { ProxyError } from './core/errors.ts';
import { type Limits, limitsOfOne } from './core/limits.ts';
import type { Endpoint } from './core/session.ts';
import { handleConnection } from './flow/handle-connection.ts';
import { Journal } from './flow/journal.ts';
import { openTunnel } from './flow/open-tunnel.ts';
import { rejectMalformed } from './flow/reject-malformed.ts';
import { serveRequest } from './flow/serve-request.ts';
import type { Services, Stage } from './flow/services.ts';
import { OriginPools } from './http/origin-pools.ts';
import { OwnPages } from './http/own-pages.ts';
import { MessageServer } from './http/server.ts';
import { AccessLog } from './log/access-log.ts';
import type { ServiceLog } from './log/service-log.ts';
import { type Division, descriptorLimit, divideDescriptors } from './net/descriptors.ts';
import { Listener, type OnSocket } from './net/listener.ts';
import { Pace } from './net/pace.ts';
import { Places } from './net/places.ts';
import { Resolver } from './net/resolver.ts';
import { Turns } from './net/turns.ts';
import { Upstream } from './net/upstream.ts';
import { type CertificateAuthority, openCertificateAuthority } from './pki/certificate-authority.ts';
import { LeafStore } from './pki/leaf-store.ts';
import { OwnCa } from './pki/own-ca.ts';
import { MASTER_LIFE, makeTicketMaster } from './pki/ticket-keys.ts';
import { createUpstreamContext } from './pki/upstream-trust.ts';
import { AddressGuard } from './policy/address-guard.ts';
import { compilePolicy, type Policy } from './policy/policy.ts';

/** Milliseconds that what is in flight has to finish when the proxy is stopped: as long as Squid gives. */
export const GRACE = 30_000;

/** A proxy as whoever runs it sees it: this process, or a supervisor with its workers. */
export interface Served {
  readonly addresses: readonly Endpoint[];
  readonly ca: CertificateAuthority;
  /** True when this start has made the CA. */
  readonly caCreated: boolean;
  /** Reopens the log files, after somebody has renamed them. */
  reopenLogs(): Promise<void>;
  /** Resolves with the number of connections open, when nobody is let in any more. */
  stopAccepting(): Promise<number>;
  /**
   * Stops accepting, lets what is in flight finish for `grace` milliseconds, cuts the rest, flushes the log. Called again
   * it may shorten the grace; every call resolves when all is done.
   */
  close(grace: number): Promise<void>;
}

export interface RunningProxy extends Served {
  /** Client connections open now. */
  readonly connections: number;
  /** A new master for session tickets, the same for all workers. */
  renewTickets(master: Uint8Array): void;
}

/** What a worker is given that a process alone finds for itself. */
export interface WorkerPart {
  readonly ca: CertificateAuthority;
  /** How many share the ports and the limits. */
  readonly workers: number;
  readonly ticketMaster: Uint8Array;
}

/** Throws ProxyError: the CA, the trust, the log or a port cannot be used. Then nothing is left open. */
export async function startProxy(config: Config, service: ServiceLog, part?: WorkerPart): Promise<RunningProxy> {
  const limits = limitsOfOne(config.limits, part?.workers ?? 1);
  const division = divideDescriptors(descriptorLimit(), limits);
  const { ca, created, warnings } = part
    ? { ca: part.ca, created: false, warnings: [] }
    : await openCertificateAuthority(config.ca);
  for (const warning of warnings) service.warn({}, warning);
  if (limits.connections !== 'auto' && division.connections < limits.connections) {
    const { connections } = division;
    service.warn({ connections }, 'limits.connections is more than the file descriptors of this process allow');
  }
  const policy = policyOf(config);
  let listener: Listener | undefined;
  const upstream = upstreamOf(config, (address, port) => listener?.isOwn(address, port) ?? false, ca);
  const accessLog = await openAccessLog(config, service);
  const stopping = new AbortController();
  const leaves = new LeafStore(ca, { ticketMaster: part?.ticketMaster ?? makeTicketMaster() });
  const tunnels = new Set<Socket>();
  const services: Services = {
    policy,
    upstream,
    pools: new OriginPools(upstream, { ...limits, idleConnections: division.idle }, config.http2),
    leaves,
    pages: new OwnPages(ca),
    journal: new Journal({ write: (entry) => accessLog.write(entry), service }),
    limits,
    ...sharesOf(limits, division),
    tunnels,
    via: config.via,
    http2: config.http2,
    stopping: stopping.signal,
  };
  const server = new MessageServer(
    limits,
    {
      request: (connection, request, reply) => serveRequest(services, connection, request, reply),
      connect: (connection, request, head) => openTunnel(stage, connection, request, head),
      malformed: (connection, error) => rejectMalformed(services, connection, error),
      fault: (connection, error) => services.journal.fault(connection.session, error),
    },
    stopping.signal,
  );
  const stage: Stage = { ...services, server };

  const sockets = new Set<Socket>();
  try {
    const onSocket: OnSocket = (socket, options) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      handleConnection(stage, socket, options).catch((error: unknown) => {
        socket.destroy();
        service.error({ err: error }, 'internal fault');
      });
    };
    listener = await Listener.open(config.listen, onSocket, { reusePort: part !== undefined });
  } catch (error) {
    await accessLog.close();
    throw error;
  }
  const opened = listener;
  const { addresses } = opened;

  // Workers must all change theirs together.
  const renewal = part ? undefined : setInterval(() => leaves.renewTickets(makeTicketMaster()), MASTER_LIFE).unref();

  const isEmpty = (): boolean => sockets.size === 0 && tunnels.size === 0;
  let end = Number.POSITIVE_INFINITY;
  let closing: Promise<void> | undefined;
  const stop = (): void => {
    opened.stop();
    stopping.abort();
  };
  const close = async (): Promise<void> => {
    stop();
    clearInterval(renewal);
    await drained(
      isEmpty,
      () => end,
      () => server.closeIdle(),
    );
    for (const socket of [...sockets, ...tunnels]) socket.destroy();
    const lastWords = performance.now() + LAST_WORDS;
    await drained(
      isEmpty,
      () => lastWords,
      () => undefined,
    );
    services.pools.destroy();
    await accessLog.close();
  };

  return {
    addresses,
    ca,
    caCreated: created,
    get connections() {
      return sockets.size;
    },
    renewTickets: (master) => leaves.renewTickets(master),
    reopenLogs: async () => accessLog.reopen(),
    stopAccepting: async () => {
      stop();
      return sockets.size;
    },
    close(grace) {
      end = Math.min(end, performance.now() + grace);
      closing ??= close();
      return closing;
    },
  };
}

/** Throws ProxyError `config-invalid`; a config that was loaded from a file has been through it already. */
export function policyOf(config: Config): Policy {
  const compiled = compilePolicy(config.policy);
  if (compiled.ok) return compiled.policy;
  throw new ProxyError('config-invalid', compiled.problems.map((problem) => problem.message).join('; '));
}

/**
 * `isOwn` says where this proxy listens, so that it never dials itself; `ca` is what no origin may have a certificate
 * of. Throws ProxyError `trust-unusable`.
 */
export function upstreamOf(
  config: Config,
  isOwn: (address: string, port: number) => boolean,
  ca?: CertificateAuthority,
): Upstream {
  const { resolver, upstream, limits } = config;
  return new Upstream({
    resolver: new Resolver(resolver, limits.connectTimeout),
    guard: new AddressGuard({ allowAddresses: upstream.allowAddresses, isOwn }),
    context: createUpstreamContext(upstream.trust, upstream.crl),
    ...(ca ? { ownCa: new OwnCa(ca) } : {}),
    connectTimeout: limits.connectTimeout,
    handshakeTimeout: limits.handshakeTimeout,
  });
}

/** Who may come in, shake hands and have leaves minted, and how many at a time. */
function sharesOf(
  limits: Limits,
  { connections, waiting }: Division,
): Pick<Services, 'places' | 'handshakes' | 'mints'> {
  const { handshakesPerClient, mintsPerClient, connectTimeout, handshakeTimeout } = limits;
  // Where descriptors are so few that one client could have all places, it gets half of them.
  const most = limits.connections === 'auto' ? Math.ceil(connections / 2) : Number.POSITIVE_INFINITY;
  const connectionsPerClient = Math.min(limits.connectionsPerClient, most);
  // The other half is for the handshake itself.
  const patience = handshakeTimeout / 2;
  return {
    places: new Places({ connections, connectionsPerClient, waiting, patience: connectTimeout }),
    handshakes: new Turns({ atOnce: handshakesPerClient, patience }),
    mints: new Pace({ perSecond: mintsPerClient, patience }),
  };
}

/** A log that fails later is told and tried again; one that fails now would hide from the first request on. */
async function openAccessLog(config: Config, service: ServiceLog): Promise<AccessLog> {
  let failed: ProxyError | undefined;
  let onError = (error: ProxyError): void => {
    failed ??= error;
  };
  const accessLog = AccessLog.open(config.log.access, (error) => onError(error));
  if (failed) {
    await accessLog.close();
    const mend = 'make it writable for this user, or name another path under "log".';
    throw new ProxyError('log-failed', `${failed.detail}: ${mend}`, { cause: failed });
  }
  onError = (error) => service.error({ error: error.message }, 'access log');
  return accessLog;
}

/** Milliseconds for the log lines of what was cut. */
const LAST_WORDS = 1_000;
/** Milliseconds between two looks whether all connections have ended. */
const LOOK = 20;

/** Until nothing is left, or until `end` by the monotonic clock, which may be moved meanwhile. */
async function drained(isEmpty: () => boolean, end: () => number, hasten: () => void): Promise<void> {
  for (hasten(); !isEmpty() && performance.now() < end(); hasten()) await wait(LOOK);
}
