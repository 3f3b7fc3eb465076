// Each part of a proxy from its slice of a config. Called by generation.ts for one that runs, and by the command line for
// one that would.

import type { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import { Authenticator } from '../auth/authenticator.ts';
import type { Config } from '../config/config.ts';
import { ProxyError } from '../core/errors.ts';
import { CustomPages } from '../http/custom-pages.ts';
import type { PageStyle } from '../http/page-style.ts';
import type { ServiceLog } from '../log/service-log.ts';
import type { ConnectionNotes } from '../net/connection-notes.ts';
import { openParents } from '../net/open-parents.ts';
import type { OwnDials } from '../net/own-dials.ts';
import { Resolver } from '../net/resolver.ts';
import { Upstream } from '../net/upstream.ts';
import type { UpstreamIdentities } from '../net/upstream-identities.ts';
import type { UpstreamMeter } from '../net/upstream-meter.ts';
import type { CertificateAuthority } from '../pki/certificate-authority.ts';
import { type ClientTrust, readClientTrust } from '../pki/client-trust.ts';
import { OwnCa } from '../pki/own-ca.ts';
import { createUpstreamContext } from '../pki/upstream-trust.ts';
import { AddressGuard } from '../policy/address-guard.ts';
import { compilePolicy, type Policy } from '../policy/policy.ts';

/** Throws ProxyError `config-invalid`; a config that was loaded from a file has been through it already. */
export function policyOf(config: Config): Policy {
  const compiled = compilePolicy(config.policy);
  if (compiled.ok) return compiled.policy;
  throw new ProxyError('config-invalid', compiled.problems.map((problem) => problem.message).join('; '));
}

/** What a proxy that runs has beside its config. */
export interface Running {
  /** Remembers names. */
  readonly resolver: Resolver;
  /** Counts what is dialled. */
  readonly meter?: UpstreamMeter;
  /** What no origin may have a certificate of; undefined: there is none yet. */
  readonly ca: CertificateAuthority | undefined;
  /** Who we are to origins that ask. */
  readonly identities: UpstreamIdentities | undefined;
  /** Learns what is dialled. */
  readonly ownDials: OwnDials | undefined;
  /** Where a log format asks for them. */
  readonly notes?: ConnectionNotes | undefined;
  /** What stands for us in Via towards parents. */
  readonly via: string | undefined;
  readonly onParent: (name: string, up: boolean, reason: string) => void;
  /** Absent but for whoever looks into a failure. */
  readonly onShown?: (leaf: X509Certificate | undefined) => void;
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
  const resolver = running?.resolver ?? new Resolver(config.resolver, limits.connectTimeout);
  const parts = {
    resolver,
    context: createUpstreamContext(upstream.trust, upstream.crl),
    ...(running?.ca ? { ownCa: new OwnCa(running.ca) } : {}),
    ownDials: running?.ownDials,
    ...(running?.meter ? { meter: running.meter } : {}),
    notes: running?.notes,
    connectTimeout: limits.connectTimeout,
    handshakeTimeout: limits.handshakeTimeout,
  };
  const { via, onParent = () => undefined } = running ?? {};
  const parents = openParents(upstream, { ...parts, isOwn, via, onParent });
  const guard = new AddressGuard({ allowAddresses: upstream.allowAddresses, isOwn });
  const { identities, onShown } = running ?? {};
  return new Upstream({ ...parts, guard, identities, onShown, ...(parents ? { parents } : {}) });
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
  try {
    checkGroups(config, auth);
  } catch (thrown) {
    await auth.close();
    throw thrown;
  }
  return auth;
}

/** Throws ProxyError `auth-unusable`: a rule is for a group that there is not. */
export function checkGroups({ policy }: Config, { groupNames }: Pick<Authenticator, 'groupNames'>): void {
  for (const { name, groups } of policy.rules) {
    const unknown = groups?.find((group) => !groupNames.has(group));
    if (unknown === undefined) continue;
    const mend = 'name its users under auth.groups or in the file auth.groupFile';
    throw new ProxyError('auth-unusable', `rule "${name}" is for the group "${unknown}", which there is not: ${mend}`);
  }
}

/** Throws ProxyError `config-invalid`: the folder of pages cannot be used. */
export async function openPageStyle({ via, listen, refusals }: Config): Promise<PageStyle> {
  const { contact, pages } = refusals ?? {};
  const custom = pages === undefined ? undefined : await CustomPages.open(pages);
  return { proxy: via ?? 'sallyport', host: listen[0]?.names[0] ?? hostname(), contact, custom };
}
