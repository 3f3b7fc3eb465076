// Assembles one worker from its slice of the config: the rooms are made here, and nowhere else do they all meet.
// Called by cli/ where one process serves all, by supervisor/ in each worker, and by the tests.

import { hash } from 'node:crypto';
import type { Socket } from 'node:net';
import { Authenticator } from './auth/authenticator.ts';
import type { Config } from './config/config.ts';
import { ProxyError } from './core/errors.ts';
import { limitsOfOne } from './core/limits.ts';
import type { Endpoint } from './core/session.ts';
import { Rejections } from './exceptions/rejections.ts';
import { enter } from './flow/enter.ts';
import { Journal } from './flow/journal.ts';
import { openTunnel } from './flow/open-tunnel.ts';
import { rejectMalformed } from './flow/reject-malformed.ts';
import { serveRequest } from './flow/serve-request.ts';
import type { Services, Stage } from './flow/services.ts';
import { WantingOrigins } from './flow/wanting-origins.ts';
import { OriginPools } from './http/origin-pools.ts';
import { OwnPages } from './http/own-pages.ts';
import { MessageServer } from './http/server.ts';
import { openAccessLog } from './log/open-access-log.ts';
import type { ServiceLog } from './log/service-log.ts';
import { ClientVerifier } from './net/client-verifier.ts';
import { descriptorLimit, divideDescriptors } from './net/descriptors.ts';
import { drained } from './net/drained.ts';
import { forFronts, headersOf } from './net/fronts.ts';
import { Listener, type OnSocket } from './net/listener.ts';
import { openParents } from './net/open-parents.ts';
import { OwnDials } from './net/own-dials.ts';
import { Resolver } from './net/resolver.ts';
import { openShares } from './net/shares.ts';
import { Upstream } from './net/upstream.ts';
import { UpstreamIdentities } from './net/upstream-identities.ts';
import { type CertificateAuthority, openCertificateAuthority } from './pki/certificate-authority.ts';
import { type ClientTrust, readClientTrust } from './pki/client-trust.ts';
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
  const division = forFronts(config.listen, divideDescriptors(descriptorLimit(), limits));
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
  const instance = hash('sha256', ca.fingerprint).slice(0, 8);
  const ownDials = config.listen.some(({ transparent }) => transparent) ? new OwnDials() : undefined;
  const isOwn = (address: string, port: number): boolean => listener?.isOwn(address, port) ?? false;
  const identities = await UpstreamIdentities.open(config.upstream);
  const upstream = upstreamOf(config, isOwn, {
    ca,
    identities,
    ownDials,
    via: config.via && `${config.via} (${instance})`,
    onParent: (parent, up, reason) => {
      if (up) service.info({ parent, reason }, 'parent proxy is back');
      else service.warn({ parent, reason }, 'parent proxy is skipped');
    },
  });
  const clients = clientTrustOf(config);
  const auth = await openAuth(config, service);
  const accessLog = await openAccessLog(config.log.access, service).catch(async (thrown: unknown) => {
    await auth?.close();
    throw thrown;
  });
  const stopping = new AbortController();
  const leaves = new LeafStore(ca, { ticketMaster: part?.ticketMaster ?? makeTicketMaster() });
  const tunnels = new Set<Socket>();
  const services: Services = {
    policy,
    upstream,
    pools: new OriginPools(upstream, { ...limits, idleConnections: division.idle }, config.http2),
    leaves,
    ownLeaves: clients ? new LeafStore(ca, { clients }) : leaves,
    clientVerifier:
      config.auth?.clientCertificates && clients && new ClientVerifier(clients, config.auth.clientCertificates),
    pages: new OwnPages(ca),
    journal: new Journal({ write: (entry) => accessLog.write(entry), service }),
    limits,
    ...openShares(limits, division),
    auth,
    rejections: await Rejections.open(config.rejections, service),
    wanting: new WantingOrigins(),
    identities,
    ownDials,
    tunnels,
    via: config.via,
    instance,
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
    const headers = headersOf(config.listen, division);
    const onSocket: OnSocket = (socket, options) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      enter(stage, socket, options, options.proxyProtocol && headers.get(options)).catch((error: unknown) => {
        socket.destroy();
        service.error({ err: error }, 'internal fault');
      });
    };
    listener = await Listener.open(config.listen, onSocket, { reusePort: part !== undefined });
  } catch (error) {
    await services.rejections?.close();
    await auth?.close();
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
    await services.rejections?.close();
    await auth?.close();
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

/** What a proxy that runs has beside its config. */
interface Running {
  /** What no origin may have a certificate of. */
  readonly ca: CertificateAuthority;
  /** Who we are to origins that ask. */
  readonly identities: UpstreamIdentities | undefined;
  /** Learns what is dialled. */
  readonly ownDials: OwnDials | undefined;
  /** What stands for us in Via towards parents. */
  readonly via: string | undefined;
  readonly onParent: (name: string, up: boolean, reason: string) => void;
}

/**
 * `isOwn` says where this proxy listens, so that it never dials itself. Throws ProxyError `trust-unusable`, or
 * `config-invalid` for a password file.
 */
export function upstreamOf(
  config: Config,
  isOwn: (address: string, port: number) => boolean,
  running?: Running,
): Upstream {
  const { upstream, limits } = config;
  const resolver = new Resolver(config.resolver, limits.connectTimeout);
  const parts = {
    resolver,
    context: createUpstreamContext(upstream.trust, upstream.crl),
    ...(running ? { ownCa: new OwnCa(running.ca) } : {}),
    ownDials: running?.ownDials,
    connectTimeout: limits.connectTimeout,
    handshakeTimeout: limits.handshakeTimeout,
  };
  const { via, onParent = () => undefined } = running ?? {};
  const parents = openParents(upstream, { ...parts, isOwn, via, onParent });
  const guard = new AddressGuard({ allowAddresses: upstream.allowAddresses, isOwn });
  return new Upstream({ ...parts, guard, identities: running?.identities, ...(parents ? { parents } : {}) });
}

/** Throws ProxyError `trust-unusable`; undefined where clients are not asked for a certificate. */
export function clientTrustOf({ auth }: Config): ClientTrust | undefined {
  const { clientCertificates } = auth ?? {};
  return clientCertificates && readClientTrust(clientCertificates.trust, clientCertificates.crl);
}

/** Throws ProxyError `auth-unusable`: a file cannot be used, or a rule is for a group that there is not. */
export async function openAuth(config: Config, service?: ServiceLog): Promise<Authenticator | undefined> {
  if (!config.auth) return undefined;
  const auth = await Authenticator.open(
    config.auth,
    service && {
      reloaded: (file) => service.info({ file }, 'users, tokens and groups read anew'),
      failed: (error) => service.error({ error: error.message }, 'the users, tokens and groups of before still hold'),
    },
  );
  for (const { name, groups } of config.policy.rules) {
    const unknown = groups?.find((group) => !auth.groupNames.has(group));
    if (unknown === undefined) continue;
    await auth.close();
    const mend = 'name its users under auth.groups or in the file auth.groupFile';
    throw new ProxyError('auth-unusable', `rule "${name}" is for the group "${unknown}", which there is not: ${mend}`);
  }
  return auth;
}

/** Milliseconds for the log lines of what was cut. */
const LAST_WORDS = 1_000;
