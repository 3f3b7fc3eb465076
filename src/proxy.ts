// Assembles one worker from its slice of the config: the rooms are made here, and nowhere else do they all meet.
// Called by cli/ where one process serves all, by supervisor/ in each worker, and by the tests.

import type { Socket } from 'node:net';
import { Overview } from './admin/overview.ts';
import {
  type Generation,
  giveUp,
  type Lasting,
  makeGeneration,
  type Source,
  servicesOf,
} from './assemble/generation.ts';
import type { Config } from './config/config.ts';
import type { ProxyError } from './core/errors.ts';
import { DEFAULT_WAITS } from './core/limits.ts';
import { Roster } from './core/roster.ts';
import type { Endpoint } from './core/session.ts';
import { enter } from './flow/enter.ts';
import { Journal } from './flow/journal.ts';
import { type Listing, type ListingPart, listing } from './flow/listing.ts';
import { measure } from './flow/measure.ts';
import { openTunnel } from './flow/open-tunnel.ts';
import { OpenTunnels } from './flow/open-tunnels.ts';
import { rejectMalformed } from './flow/reject-malformed.ts';
import { serveRequest, tellCut } from './flow/serve-request.ts';
import type { Stage } from './flow/services.ts';
import { TunnelWatch } from './flow/tunnel-watch.ts';
import { WantingOrigins } from './flow/wanting-origins.ts';
import { MessageServer } from './http/server.ts';
import type { AccessLog } from './log/access-log.ts';
import type { AccessLogEntry } from './log/access-log-entry.ts';
import { type Activity, ActivityMeter } from './log/activity.ts';
import type { ServiceLog } from './log/service-log.ts';
import { LoopLag } from './metrics/loop-lag.ts';
import type { Measures } from './metrics/measures.ts';
import { Tally } from './metrics/tally.ts';
import { ConnectionNotes } from './net/connection-notes.ts';
import { descriptorLimit } from './net/descriptors.ts';
import { drained } from './net/drained.ts';
import { askedOf, type GivenFds } from './net/given-sockets.ts';
import { Listener, leadsTo, type OnSocket } from './net/listener.ts';
import { OwnDials } from './net/own-dials.ts';
import { changeShares, openShares } from './net/shares.ts';
import { UpstreamMeter } from './net/upstream-meter.ts';
import {
  type CertificateAuthority,
  openCertificateAuthority,
  reopenCertificateAuthority,
} from './pki/certificate-authority.ts';
import { LeafMeter } from './pki/leaf-meter.ts';
import { MASTER_LIFE, makeTicketMaster } from './pki/ticket-keys.ts';

export { clientTrustOf, openAuth, openPageStyle, policyOf, upstreamOf } from './assemble/parts-of.ts';

/** Milliseconds that what is in flight has to finish where no config says it: as long as Squid gives. */
export const GRACE = DEFAULT_WAITS.drainTimeout;

/** A proxy as whoever runs it sees it: this process, or a supervisor with its workers. */
export interface Served {
  readonly addresses: readonly Endpoint[];
  readonly ca: CertificateAuthority;
  /** True when this start has made the CA. */
  readonly caCreated: boolean;
  /** All there is to see of it. */
  readonly overview: Overview;
  /** Resolves when the proxy must not go on: a log that says `onFull: exit` cannot be written. */
  readonly fatal?: Promise<ProxyError>;
  /** Client connections open now. */
  count(): Promise<number>;
  /** What it is busy with now; counting begins with the first question, and ends some time after the last. */
  activity(): Promise<Activity>;
  /**
   * Uses another config from now on, or throws ProxyError: then the one before still holds, whole. Resolves when all
   * workers use it.
   */
  reload(config: Config): Promise<void>;
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
  /** Makes another config ready beside the one in use. Throws ProxyError; then nothing has changed. */
  prepare(source: Source): Promise<PreparedConfig>;
  /** What this process has measured, and what goes on in it. */
  measure(): Measures;
  list(parts: readonly ListingPart[]): Listing;
}

/** A config that can be used from one moment to the next. */
export interface PreparedConfig {
  /** Resolves when what nobody uses any more is given up. */
  commit(): Promise<void>;
  abandon(): Promise<void>;
}

/** What a worker is given that a process alone finds for itself. */
export interface WorkerPart {
  readonly ca: CertificateAuthority;
  /** How many share the ports and the limits. */
  readonly workers: number;
  readonly ticketMaster: Uint8Array;
  /** It takes the place of another: a log that cannot be opened is no reason to stay away. */
  readonly later?: boolean;
  /** Asks the process above, which knows all workers, for a report of the manager. */
  readonly report: (name: string) => Promise<string | undefined>;
}

/** What a start may have beside its config. */
export interface StartOptions {
  readonly part?: WorkerPart;
  /** Sockets that were handed over. */
  readonly given?: GivenFds;
  /** Another proxy has the ports, and lets this one in beside it. */
  readonly beside?: boolean;
  /** Where operators are answered over TCP as long as the proxy runs; absent: where the config says. */
  readonly admin?: Endpoint | undefined;
}

/** Throws ProxyError: the CA, the trust, the log or a port cannot be used. Then nothing is left open. */
export async function startProxy(
  config: Config,
  service: ServiceLog,
  { part, given, beside = false, admin = config.admin.listen }: StartOptions = {},
): Promise<RunningProxy> {
  const { ca, created, warnings } = part
    ? { ca: part.ca, created: false, warnings: [] }
    : await openCertificateAuthority(config.ca);
  for (const warning of warnings) service.warn({}, warning);
  const stopping = new AbortController();
  let ticketMaster = part?.ticketMaster ?? makeTicketMaster();
  let listener: Listener | undefined;
  const tally = new Tally();
  const meters = { leaves: new LeafMeter(), upstream: new UpstreamMeter() };
  const activity = new ActivityMeter();
  const write = (entry: AccessLogEntry): void => {
    tally.count(entry);
    accessLog.write(entry);
    activity.note(entry);
  };
  const fatal = Promise.withResolvers<ProxyError>();
  const notes = new ConnectionNotes();
  const tunnelWatch = new TunnelWatch((entry) => accessLog.writeEvent(entry));
  const lasting: Lasting = {
    service,
    isOwn: (address, port) =>
      listener?.isOwn(address, port) || (admin !== undefined && leadsTo([admin], address, port)),
    ownDials: new OwnDials(),
    ticketMaster: () => ticketMaster,
    tally,
    meters,
    report: part?.report ?? ((name) => overview.report(name)),
    journal: new Journal({
      write,
      service,
      needs: () => accessLog.needs,
      notes,
      gate: () => accessLog.gate,
      tunnels: tunnelWatch,
    }),
    notes,
    onFatal: fatal.resolve,
    wanting: new WantingOrigins(),
    tunnels: new OpenTunnels(),
    underWay: new Roster(),
    stopping: stopping.signal,
  };
  const { tunnels } = lasting;

  // What a connection decides by hangs on these; each stage takes `stage` at its beginning and keeps it.
  let current: Generation = await makeGeneration(
    { config, ca, workers: part?.workers ?? 1, later: part?.later ?? false },
    lasting,
  );
  let accessLog = current.parts.accessLog.part;
  tunnelWatch.use(config.log.tunnelEvents);
  const shares = openShares(current.limits, current.division);
  const server = new MessageServer(
    current.limits,
    {
      request: (connection, request, reply) => serveRequest(stage, connection, request, reply),
      connect: (connection, request, admitted) => openTunnel(stage, connection, request, admitted),
      malformed: (connection, error) => rejectMalformed(stage, connection, error),
      fault: (connection, error) => stage.journal.fault(connection.session, error),
    },
    stopping.signal,
  );
  const stageOf = (generation: Generation): Stage => ({ ...servicesOf(generation, lasting, shares), server });
  let stage = stageOf(current);

  const sockets = new Roster<Socket>();
  let accepted = 0;
  const lag = new LoopLag();
  const descriptors = descriptorLimit();
  /** Lines of the logs of earlier configs, and those of them that were lost. */
  const before = { lines: 0, lost: 0 };
  const measureAll = (): Measures => {
    const { lines, lost, ...now } = accessLog.stats;
    const log = { ...now, lines: before.lines + lines, lost: before.lost + lost };
    return measure(stage, { accepted, open: sockets.size, log, lag: lag.read(), descriptors, meters });
  };
  const overview = new Overview({
    measures: async () => measureAll(),
    list: async (rows) => listing(stage, rows),
    workers: () => ({ wanted: 1, listening: stopping.signal.aborted ? 0 : 1 }),
    port: () => listener?.addresses[0]?.port ?? 0,
    ca: () => current.ca,
    draining: () => stopping.signal.aborted,
  });
  const onSocket: OnSocket = (socket, options) => {
    const seat = sockets.add(socket);
    accepted += 1;
    socket.on('close', () => seat.leave());
    enter(stage, socket, options, options.proxyProtocol && current.headers.get(options)).catch((error: unknown) => {
      socket.destroy();
      service.error({ err: error }, 'internal fault');
    });
  };
  // Where operators can reach it, the next one may have to start beside it.
  const mayShare = part !== undefined || (process.platform === 'linux' && config.admin.socket !== undefined);
  const sharing = { reusePort: mayShare, given };
  const isAlone = mayShare && part === undefined && !beside;
  const opened = await openAlone(isAlone ? config.listen : [], given)
    .then(() => Listener.open(config.listen, onSocket, sharing))
    .catch(async (thrown: unknown) => {
      lag.end();
      overview.end();
      await giveUp(current);
      throw thrown;
    });
  listener = opened;

  // Workers must all change theirs together.
  const renewTickets = (master: Uint8Array): void => {
    ticketMaster = master;
    current.parts.leaves.part.renewTickets(master);
  };
  const renewal = part ? undefined : setInterval(() => renewTickets(makeTicketMaster()), MASTER_LIFE).unref();

  /** What it loses at its end is counted, too. */
  const retireLog = async (log: AccessLog, next: AccessLog): Promise<void> => {
    const { lost, stats } = log;
    before.lines += stats.lines;
    before.lost += lost;
    await log.close(next);
    before.lost += log.lost - lost;
  };

  const use = async (generation: Generation): Promise<void> => {
    const old = current;
    current = generation;
    const log = accessLog;
    accessLog = generation.parts.accessLog.part;
    const handedOver = log === accessLog ? undefined : retireLog(log, accessLog);
    tunnelWatch.use(generation.config.log.tunnelEvents);
    if (generation.parts.leaves !== old.parts.leaves) generation.parts.leaves.part.renewTickets(ticketMaster);
    changeShares(shares, generation.limits, generation.division);
    server.useLimits(generation.limits);
    stage = stageOf(generation);
    const { onReload } = generation.config;
    const cut = tunnels.review(stage, onReload);
    if (cut > 0) service.info({ onReload, cut }, 'tunnels were cut, since the config has changed');
    await Promise.all([handedOver, giveUp(old, generation)]);
  };
  const prepare = async (source: Source): Promise<PreparedConfig> => {
    const generation = await makeGeneration(source, lasting, current);
    const ports = await opened.prepare(source.config.listen).catch(async (thrown: unknown) => {
      await giveUp(generation, current);
      throw thrown;
    });
    return {
      commit: () => {
        const used = use(generation);
        ports.commit();
        return used;
      },
      abandon: () => {
        ports.abandon();
        return giveUp(generation, current);
      },
    };
  };

  const isTold = (): boolean => lasting.underWay.size === 0 && lasting.journal.openConnects === 0;
  const isEmpty = (): boolean => sockets.size === 0 && tunnels.size === 0;
  let end = Number.POSITIVE_INFINITY;
  let closing: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort();
    await opened.retire();
  };
  const close = async (): Promise<void> => {
    await stop();
    clearInterval(renewal);
    await drained(
      isEmpty,
      () => end,
      () => server.closeIdle(),
    );
    for (const socket of sockets) socket.destroy();
    tunnels.destroyAll();
    const lastWords = performance.now() + LAST_WORDS;
    await drained(
      isEmpty,
      () => lastWords,
      () => undefined,
    );
    // Who still dials, asks for a name, or checks a password, looks after its client only when that is done.
    const patience = performance.now() + OWN_WORDS;
    await drained(
      isTold,
      () => patience,
      () => undefined,
    );
    for (const errand of lasting.underWay) tellCut(errand);
    lasting.journal.tellCutConnects();
    tunnelWatch.end();
    const { origins, rejections, auth } = current.parts;
    origins.part.pools.destroy();
    lag.end();
    overview.end();
    await rejections.part?.close();
    await auth.part?.close();
    await accessLog.close();
  };

  return {
    get addresses() {
      return opened.addresses;
    },
    get ca() {
      return current.ca;
    },
    caCreated: created,
    fatal: fatal.promise,
    get connections() {
      return sockets.size;
    },
    overview,
    measure: measureAll,
    list: (rows) => listing(stage, rows),
    count: async () => sockets.size,
    activity: async () => activity.read(),
    renewTickets,
    prepare,
    reload: async (next) => {
      const open = new Set(current.config.listen.map(askedOf));
      if (mayShare)
        await openAlone(
          next.listen.filter((one) => !open.has(askedOf(one))),
          given,
        );
      const { ca: other, warnings: told } = await reopenCertificateAuthority(next.ca);
      for (const warning of told) service.warn({}, warning);
      await (await prepare({ config: next, ca: other, workers: 1 })).commit();
    },
    reopenLogs: () => accessLog.reopen(),
    stopAccepting: async () => {
      await stop();
      return sockets.size;
    },
    close(grace) {
      end = Math.min(end, performance.now() + grace);
      if (grace === 0) opened.stop();
      closing ??= close();
      return closing;
    },
  };
}

/** For a moment, since what may be shared would be shared with any other program of this user as well. */
async function openAlone(listen: Config['listen'], given: GivenFds | undefined): Promise<void> {
  const fixed = listen.filter((one) => one.port !== 0 && !given?.has(askedOf(one)));
  (await Listener.open(fixed, (socket) => socket.destroy())).stop();
}

/** Milliseconds for the log lines of what was cut. */
const LAST_WORDS = 1_000;
/** Milliseconds in which those who notice that their client was cut say so themselves. */
const OWN_WORDS = 100;
