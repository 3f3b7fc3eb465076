// Assembles one worker from its slice of the config: the rooms are made here, and nowhere else do they all meet.
// Called by cli/ (up, run) and by the tests.

import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from './config/config.ts';
import { ProxyError } from './core/errors.ts';
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
import { Listener } from './net/listener.ts';
import { Resolver } from './net/resolver.ts';
import { Upstream } from './net/upstream.ts';
import { type CertificateAuthority, openCertificateAuthority } from './pki/certificate-authority.ts';
import { LeafStore } from './pki/leaf-store.ts';
import { createUpstreamContext } from './pki/upstream-trust.ts';
import { AddressGuard } from './policy/address-guard.ts';
import { compilePolicy } from './policy/policy.ts';

export interface RunningProxy {
  readonly addresses: readonly Endpoint[];
  readonly ca: CertificateAuthority;
  /** True when this start has made the CA. */
  readonly caCreated: boolean;
  /** Client connections open now. */
  readonly connections: number;
  /** Reopens the log files, after somebody has renamed them. */
  reopenLogs(): void;
  /** Stops accepting, lets what is in flight finish for `grace` milliseconds, cuts the rest, flushes the log. */
  close(grace: number): Promise<void>;
}

/** Throws ProxyError: the CA, the trust, the log or a port cannot be used. Then nothing is left open. */
export async function startProxy(config: Config, service: ServiceLog): Promise<RunningProxy> {
  const { ca, created, warnings } = await openCertificateAuthority(config.ca);
  for (const warning of warnings) service.warn({}, warning);
  const compiled = compilePolicy(config.policy);
  if (!compiled.ok)
    throw new ProxyError('config-invalid', compiled.problems.map((problem) => problem.message).join('; '));
  const accessLog = AccessLog.open(config.log.access, (error) => service.error({ error: error.message }, 'access log'));

  const { limits } = config;
  let listener: Listener | undefined;
  const upstream = new Upstream({
    resolver: new Resolver(config.resolver, limits.connectTimeout),
    guard: new AddressGuard({
      allowAddresses: config.upstream.allowAddresses,
      isOwn: (address, port) => listener?.isOwn(address, port) ?? false,
    }),
    context: createUpstreamContext(config.upstream.trust),
    connectTimeout: limits.connectTimeout,
    handshakeTimeout: limits.handshakeTimeout,
  });
  const cut = new AbortController();
  const services: Services = {
    policy: compiled.policy,
    upstream,
    pools: new OriginPools(upstream, limits),
    leaves: new LeafStore(ca),
    pages: new OwnPages(ca),
    journal: new Journal({ write: (entry) => accessLog.write(entry), service }),
    limits,
    via: config.via,
    cut: cut.signal,
  };
  const server = new MessageServer(limits, {
    request: (connection, request, response) => serveRequest(services, connection, request, response),
    connect: (connection, request, head) => openTunnel(stage, connection, request, head),
    malformed: (connection, error) => rejectMalformed(services, connection, error),
    fault: (connection, error) => services.journal.fault(connection.session, error),
  });
  const stage: Stage = { ...services, server };

  const sockets = new Set<Socket>();
  try {
    listener = await Listener.open(config.listen, (socket, options) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      handleConnection(stage, socket, options).catch((error: unknown) => {
        socket.destroy();
        service.error({ err: error }, 'internal fault');
      });
    });
  } catch (error) {
    server.close();
    await accessLog.close();
    throw error;
  }
  const { addresses } = listener;

  return {
    addresses,
    ca,
    caCreated: created,
    get connections() {
      return sockets.size;
    },
    reopenLogs: () => accessLog.reopen(),
    async close(grace) {
      listener?.stop();
      await drained(sockets, grace, () => server.closeIdle());
      cut.abort();
      for (const socket of sockets) socket.destroy();
      await drained(sockets, LAST_WORDS, () => undefined);
      services.pools.destroy();
      server.close();
      await accessLog.close();
    },
  };
}

/** Milliseconds for the log lines of what was cut. */
const LAST_WORDS = 1_000;
/** Milliseconds between two looks whether all connections have ended. */
const LOOK = 20;

async function drained(sockets: ReadonlySet<Socket>, grace: number, hasten: () => void): Promise<void> {
  const end = performance.now() + grace;
  for (hasten(); sockets.size > 0 && performance.now() < end; hasten()) await wait(LOOK);
}
