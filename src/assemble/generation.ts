// What one config comes to: everything that a connection decides by, made whole before any of it is used, and used by one
// reference. What is as it was in the generation before is taken from there, with all it remembers. Made by proxy.ts.

import { hash } from 'node:crypto';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Config } from '../config/config.ts';
import type { ProxyError } from '../core/errors.ts';
import { type Limits, limitsOfOne } from '../core/limits.ts';
import { Rejections } from '../exceptions/rejections.ts';
import { compileSelection } from '../flow/log-selection.ts';
import { Manager } from '../flow/manager.ts';
import type { Services } from '../flow/services.ts';
import { OriginPools } from '../http/origin-pools.ts';
import { OwnPages } from '../http/own-pages.ts';
import type { PageStyle } from '../http/page-style.ts';
import type { AccessLog } from '../log/access-log.ts';
import { needsOfAll } from '../log/log-format.ts';
import { logsOfOne } from '../log/log-options.ts';
import { openAccessLog } from '../log/open-access-log.ts';
import type { ServiceLog } from '../log/service-log.ts';
import { ClientVerifier } from '../net/client-verifier.ts';
import type { ConnectionNotes } from '../net/connection-notes.ts';
import { type Division, descriptorLimit, divideDescriptors } from '../net/descriptors.ts';
import { forFronts, headersOf } from '../net/fronts.ts';
import type { ListenOptions } from '../net/options.ts';
import type { OwnDials } from '../net/own-dials.ts';
import type { ProxyHeaders } from '../net/proxy-headers.ts';
import { Resolver } from '../net/resolver.ts';
import type { OpenShares } from '../net/shares.ts';
import { UpstreamIdentities } from '../net/upstream-identities.ts';
import type { UpstreamMeter } from '../net/upstream-meter.ts';
import type { CertificateAuthority } from '../pki/certificate-authority.ts';
import type { LeafMeter } from '../pki/leaf-meter.ts';
import { LeafStore } from '../pki/leaf-store.ts';
import type { Policy } from '../policy/policy.ts';
import { fileStamps } from './file-stamps.ts';
import { checkGroups, clientTrustOf, openAuth, openPageStyle, policyOf, upstreamOf } from './parts-of.ts';

/** What is the same for all generations of a process. */
export interface Lasting extends Pick<Services, 'journal' | 'tally' | 'wanting' | 'tunnels' | 'underWay' | 'stopping'> {
  readonly service: ServiceLog;
  readonly ownDials: OwnDials;
  readonly isOwn: (address: string, port: number) => boolean;
  readonly ticketMaster: () => Uint8Array;
  /** What is counted goes on. */
  readonly meters: { readonly leaves: LeafMeter; readonly upstream: UpstreamMeter };
  /** Makes a report of the manager. */
  readonly report: (name: string) => Promise<string | undefined>;
  /** What log formats want to know of connections to origins. */
  readonly notes?: ConnectionNotes;
  /** A log that must not be without a line cannot be written. */
  readonly onFatal?: (error: ProxyError) => void;
}

/** What a generation is made of. */
export interface Source {
  readonly config: Config;
  readonly ca: CertificateAuthority;
  /** How many processes share the limits. */
  readonly workers: number;
  /** Others serve by it already: a log that cannot be opened now is tried again, as one that fails later. */
  readonly later?: boolean;
}

export interface Generation extends Source {
  readonly limits: Limits;
  readonly division: Division;
  readonly parts: Parts;
  /** Made anew each time: it holds nothing open, and any of its pages may be another. */
  readonly style: PageStyle;
  readonly headers: ReadonlyMap<ListenOptions, ProxyHeaders>;
}

/** A part, and what it was made of. */
interface Piece<T> {
  readonly of: string;
  readonly part: T;
}

interface Parts {
  readonly policy: Piece<Policy>;
  readonly resolver: Piece<Resolver>;
  readonly origins: Piece<Pick<Services, 'upstream' | 'pools' | 'identities' | 'ownDials'>>;
  readonly leaves: Piece<LeafStore>;
  readonly ownTls: Piece<Pick<Services, 'ownLeaves' | 'clientVerifier'>>;
  readonly auth: Piece<Authenticator | undefined>;
  readonly rejections: Piece<Rejections | undefined>;
  readonly accessLog: Piece<AccessLog>;
  readonly manager: Piece<Manager>;
}

/**
 * Throws ProxyError: of what the config names, something cannot be used. Then nothing of the new generation is left open, and
 * nothing of the one before has changed.
 */
export async function makeGeneration(source: Source, lasting: Lasting, before?: Generation): Promise<Generation> {
  const { config, ca, workers } = source;
  const { service } = lasting;
  const limits = limitsOfOne(config.limits, workers);
  const division = forFronts(config.listen, divideDescriptors(descriptorLimit(), limits));
  if (limits.connections !== 'auto' && division.connections < limits.connections) {
    const { connections } = division;
    service.warn({ connections }, 'limits.connections is more than the file descriptors of this process allow');
  }
  const style = await openPageStyle(config);
  for (const warning of style.custom?.warnings ?? []) service.warn({}, warning);
  const made: Partial<{ -readonly [Name in keyof Parts]: Parts[Name] }> = {};
  const old = before?.parts;
  try {
    const policy = piece(old?.policy, [config.policy], () => policyOf(config));
    const resolver = piece(
      old?.resolver,
      [config.resolver, limits.connectTimeout],
      () => new Resolver(config.resolver, limits.connectTimeout, lasting.meters.upstream),
    );
    const leaves = piece(
      old?.leaves,
      [ca.fingerprint, ...ca.chain.map((one) => one.fingerprint256)],
      () => new LeafStore(ca, { ticketMaster: lasting.ticketMaster(), meter: lasting.meters.leaves }),
    );
    const auth = await laterPiece(old?.auth, [config.auth, await fileStamps(authFiles(config))], () =>
      openAuth(config, service),
    );
    made.auth = auth;
    if (auth.part) checkGroups(config, auth.part);
    const origins = await laterPiece(
      old?.origins,
      [
        [config.upstream, await fileStamps(originFiles(config)), config.via, config.http2, resolver.of],
        [limits, division.idle, config.listen.some(isTransparent), ca.fingerprint, notesFor(config)],
      ],
      () => openOrigins(source, lasting, { limits, division, resolver: resolver.part }),
    );
    made.origins = origins;
    const { clientCertificates } = config.auth ?? {};
    const certificateFiles = [...(clientCertificates?.trust ?? []), ...(clientCertificates?.crl ?? [])];
    const ownTls = piece(old?.ownTls, [clientCertificates, await fileStamps(certificateFiles), leaves.of], () =>
      openOwnTls(source, leaves.part, lasting.meters.leaves),
    );
    const { manager: managed } = config.admin;
    const names = config.listen.flatMap((listen) => listen.names);
    const manager = piece(
      old?.manager,
      [managed, names, await fileStamps([managed.passwordFile])],
      () => new Manager(managed, names, lasting.report),
    );
    const rejections = await laterPiece(old?.rejections, [config.rejections], () =>
      Rejections.open(config.rejections, service),
    );
    made.rejections = rejections;
    const logs = logsOfOne(config.log.access, workers);
    const accessLog = await laterPiece(old?.accessLog, [logs], () =>
      openAccessLog(logs, service, {
        select: compileSelection,
        onFatal: lasting.onFatal,
        tolerant: source.later,
      }),
    );
    const parts: Parts = { policy, resolver, origins, leaves, ownTls, auth, rejections, accessLog, manager };
    return { ...source, limits, division, parts, style, headers: headersOf(config.listen, division) };
  } catch (thrown) {
    await giveUpParts(made, old);
    throw thrown;
  }
}

/** What the stages of a connection get of a generation. Written in one place, so that all have one shape. */
export function servicesOf(generation: Generation, lasting: Lasting, shares: OpenShares): Services {
  const { config, ca, limits, parts, style } = generation;
  const { upstream, pools, identities, ownDials } = parts.origins.part;
  const { ownLeaves, clientVerifier } = parts.ownTls.part;
  return {
    policy: parts.policy.part,
    upstream,
    pools,
    leaves: parts.leaves.part,
    ownLeaves,
    clientVerifier,
    pages: new OwnPages(ca),
    style,
    manager: parts.manager.part,
    journal: lasting.journal,
    tally: lasting.tally,
    limits,
    ...shares,
    auth: parts.auth.part,
    rejections: parts.rejections.part,
    wanting: lasting.wanting,
    identities,
    ownDials,
    tunnels: lasting.tunnels,
    underWay: lasting.underWay,
    via: config.via,
    instance: instanceOf(ca),
    http2: config.http2,
    stopping: lasting.stopping,
  };
}

/**
 * Gives up what `generation` has and `other` has not: connections that rest, files, threads. What is in flight keeps what it
 * uses. Resolves when all lines of its access log are in their files.
 */
export async function giveUp(generation: Generation, other?: Generation): Promise<void> {
  await giveUpParts(generation.parts, other?.parts);
}

async function giveUpParts(parts: Partial<Parts>, kept: Partial<Parts> | undefined): Promise<void> {
  const { origins, leaves, auth, rejections, accessLog } = parts;
  if (origins !== kept?.origins) origins?.part.pools.retire();
  if (leaves !== kept?.leaves) leaves?.part.clear();
  // A password that is being compared would hold up the others.
  if (auth !== kept?.auth) void auth?.part?.retire();
  if (rejections !== kept?.rejections) await rejections?.part?.close();
  if (accessLog !== kept?.accessLog) await accessLog?.part.close();
}

function piece<T>(before: Piece<T> | undefined, facts: readonly unknown[], make: () => T): Piece<T> {
  const of = JSON.stringify(facts);
  return before?.of === of ? before : { of, part: make() };
}

async function laterPiece<T>(
  before: Piece<T> | undefined,
  facts: readonly unknown[],
  make: () => Promise<T>,
): Promise<Piece<T>> {
  const of = JSON.stringify(facts);
  return before?.of === of ? before : { of, part: await make() };
}

async function openOrigins(
  { config, ca }: Source,
  { service, isOwn, ...lasting }: Lasting,
  { limits, division, resolver }: { limits: Limits; division: Division; resolver: Resolver },
): Promise<Parts['origins']['part']> {
  const identities = await UpstreamIdentities.open(config.upstream);
  const ownDials = config.listen.some(isTransparent) ? lasting.ownDials : undefined;
  const upstream = upstreamOf(config, isOwn, {
    ca,
    identities,
    ownDials,
    notes: notesFor(config) ? lasting.notes : undefined,
    resolver,
    meter: lasting.meters.upstream,
    via: config.via && `${config.via} (${instanceOf(ca)})`,
    onParent: (parent, up, reason) => {
      if (up) service.info({ parent, reason }, 'parent proxy is back');
      else service.warn({ parent, reason }, 'parent proxy is skipped');
    },
  });
  const pools = new OriginPools(upstream, { ...limits, idleConnections: division.idle }, config.http2);
  return { upstream, pools, identities, ownDials };
}

function openOwnTls({ config, ca }: Source, leaves: LeafStore, meter: LeafMeter): Parts['ownTls']['part'] {
  const clients = clientTrustOf(config);
  const certificates = config.auth?.clientCertificates;
  if (!clients || !certificates) return { ownLeaves: leaves, clientVerifier: undefined };
  return {
    ownLeaves: new LeafStore(ca, { clients, meter }),
    clientVerifier: new ClientVerifier(clients, certificates),
  };
}

/** Whether a log wants to know which ends connections have, or whom certificates name. */
function notesFor({ log }: Config): boolean {
  const needs = needsOfAll(log.access);
  return needs.has('ends') || needs.has('certificates');
}

const isTransparent = ({ transparent }: ListenOptions): boolean => transparent !== undefined;

function instanceOf({ fingerprint }: CertificateAuthority): string {
  return hash('sha256', fingerprint).slice(0, 8);
}

function authFiles({ auth }: Config): readonly (string | undefined)[] {
  return [auth?.basic?.htpasswd, auth?.tokens, auth?.groupFile];
}

function originFiles({ upstream }: Config): readonly (string | undefined)[] {
  const { trust, crl, clientCertificates = [], parents } = upstream;
  return [
    ...trust,
    ...crl,
    ...clientCertificates.flatMap((one) => [one.cert, one.key, one.passphraseFile]),
    ...parents.flatMap((one) => [...(one.trust ?? []), one.passwordFile]),
  ];
}
