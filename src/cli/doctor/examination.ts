// All that the doctor looks at, in the order in which one thing explains the next. Called by cli/doctor.ts.

import type { Config } from '../../config/config.ts';
import type { Permit } from '../../core/decision.ts';
import type { RequestTarget } from '../../core/target.ts';
import { isOwnHost } from '../../flow/serve-own.ts';
import { OWN_HOST } from '../../http/own-pages.ts';
import { leadsTo } from '../../net/listener.ts';
import { Resolver } from '../../net/resolver.ts';
import type { Route } from '../../net/upstream.ts';
import { UpstreamIdentities } from '../../net/upstream-identities.ts';
import type { CertificateAuthority } from '../../pki/certificate-authority.ts';
import { upstreamOf } from '../../proxy.ts';
import { loadNoted } from '../../squid/load.ts';
import { checkCa, checkLeaf } from './ca.ts';
import { checkClock } from './clock.ts';
import { checkConfig, checkUser } from './config.ts';
import { checkFileLimits } from './file-limits.ts';
import { examine, type Finding, type Findings } from './finding.ts';
import { checkLogRoom } from './log-room.ts';
import { checkConnection, checkName, type OriginParts, type Seen } from './origin.ts';
import { checkParents } from './parents.ts';
import { checkPorts } from './ports.ts';
import { checkRunning } from './running.ts';
import { checkIdentities, checkTrust } from './trust.ts';
import { checkPolicy, checkRejections } from './verdict.ts';

export interface Patient {
  /** Path of the config, ours or a squid.conf. */
  readonly config: string;
  /** The host to look at as well, as the URL that policy is asked about. */
  readonly target?: RequestTarget | undefined;
  /** Whose request it would be. */
  readonly client: string;
  readonly user?: string | undefined;
}

/** Yields the findings of each check when it has ended. Never throws, and always ends. */
export async function* examination(patient: Patient): AsyncGenerator<readonly Finding[]> {
  let config: Config | undefined;
  yield await examine('config', async () => {
    const loaded = await loadNoted(patient.config);
    config = loaded.config;
    return checkConfig(config, patient.config, loaded.notes);
  });
  yield await examine('clock', () => checkClock(config));
  if (!config) return;
  const sound = config;
  let pid: number | undefined;
  yield await examine('proxy', async () => {
    const running = await checkRunning(patient.config);
    pid = running.pid;
    return running.findings;
  });
  yield await examine('user', () => checkUser(sound));
  let ca: CertificateAuthority | undefined;
  yield await examine('CA', async () => {
    const found = await checkCa(sound.ca);
    ca = found.ca;
    return found.findings;
  });
  const { target } = patient;
  const host = target?.authority ?? OWN;
  yield await examine('leaf', () => (ca ? checkLeaf(ca, host) : []));
  yield await examine('trust', () => checkTrust(sound));
  yield await examine('certificates', () => checkIdentities(sound));
  yield await examine('file limit', () => checkFileLimits(sound, `/proc/${pid ?? 'self'}/limits`));
  yield await examine('port', () => checkPorts(sound, pid));
  yield await examine('log', () => checkLogRoom(sound));
  yield await examine('parent', () => checkParents(sound, target && toParents(target)), patienceOf(sound));
  if (target) yield* examineHost(patient, target, sound, ca);
}

const OWN = { kind: 'name', host: OWN_HOST, port: 443 } as const;

/** What policy says, what clients have said, then the way there. */
async function* examineHost(
  { client, user }: Patient,
  target: RequestTarget,
  config: Config,
  ca: CertificateAuthority | undefined,
): AsyncGenerator<readonly Finding[]> {
  const { authority, scheme } = target;
  const patience = patienceOf(config);
  const look = (check: string, work: () => Promise<Findings>): Promise<readonly Finding[]> =>
    examine(check, work, patience);
  yield await look('policy', () => checkPolicy(config, { target, client, user }));
  if (scheme === 'https') yield await look('pinned', () => checkRejections(config, target));
  if (isOwnHost(authority)) return;
  let route: Route | undefined;
  let parts: OriginParts | undefined;
  yield await look('DNS', async () => {
    const { permit, ...opened } = await open(config, ca, target, client);
    parts = opened;
    const named = await checkName(opened, permit);
    route = named.route;
    return named.findings;
  });
  if (!route || !parts) return;
  const [way, by] = [route, parts];
  yield await look('dial', () => checkConnection(by, way, scheme));
}

/** The proxy's own way to origins, and the leave to use it: whoever types this may find out about hosts that policy denies. */
async function open(
  config: Config,
  ca: CertificateAuthority | undefined,
  { authority, scheme }: RequestTarget,
  client: string,
): Promise<OriginParts & { readonly permit: Permit }> {
  const seen: Seen = {};
  const identities = await UpstreamIdentities.open(config.upstream);
  const resolver = new Resolver(config.resolver, config.limits.connectTimeout);
  const upstream = upstreamOf(config, (address, port) => leadsTo(config.listen, address, port), {
    resolver,
    ca,
    identities,
    ownDials: undefined,
    via: config.via,
    onParent: () => undefined,
    onShown: (leaf) => {
      seen.leaf = leaf;
    },
  });
  const identity = identities?.nameFor(client, authority);
  const permit: Permit = {
    action: 'allow',
    step: scheme === 'https' ? 'connect' : 'request',
    authority,
    rule: 'doctor',
    reason: 'the doctor is asked about it',
    tls: 'bump',
    deferred: false,
    wouldDeny: false,
    ...(identity === undefined ? {} : { identity }),
  };
  return { config, resolver, upstream, seen, permit };
}

/** Where a parent is asked to lead to: not by CONNECT where requests would go there in absolute form. */
function toParents({ authority, scheme }: RequestTarget): RequestTarget['authority'] | undefined {
  return scheme === 'https' && !isOwnHost(authority) ? authority : undefined;
}

/** Milliseconds for a check that goes out: all that its own deadlines allow, the parents' included, and a little more. */
function patienceOf({ limits, upstream }: Config): number {
  const parents = upstream.parents.reduce((sum, { timeout }) => sum + timeout, 0);
  return 2 * limits.connectTimeout + limits.handshakeTimeout + parents + SLACK;
}

const SLACK = 2_000;
