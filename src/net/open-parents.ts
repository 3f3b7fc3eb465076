// Makes the parents of the config ready: credentials and trust are read here, at start. Called by proxy.ts.

import type { OwnCa } from '../pki/own-ca.ts';
import { createUpstreamContext } from '../pki/upstream-trust.ts';
import { AddressGuard } from '../policy/address-guard.ts';
import type { ParentOptions, UpstreamOptions } from './options.ts';
import { Parent } from './parent.ts';
import { ParentHealth } from './parent-health.ts';
import { Parents } from './parents.ts';
import { readPasswordFile } from './password-file.ts';
import { Upstream, type UpstreamParts } from './upstream.ts';

export interface ParentSetting
  extends Pick<UpstreamParts, 'resolver' | 'context' | 'ownDials' | 'connectTimeout' | 'handshakeTimeout'> {
  readonly isOwn: (address: string, port: number) => boolean;
  readonly ownCa?: OwnCa;
  /** What stands for us in Via, behind the version. */
  readonly via: string | undefined;
  /** Told when a parent is skipped, and when it is back. */
  readonly onParent: (name: string, up: boolean, reason: string) => void;
}

/** Somebody has named a parent and so wants it dialled, wherever it is; but for ourselves. */
const ANYWHERE = ['0.0.0.0/0', '::/0'];

/** Undefined where every origin is dialled. Throws ProxyError `trust-unusable` or `config-invalid`. */
export function openParents({ parents, routes, crl }: UpstreamOptions, setting: ParentSetting): Parents | undefined {
  if (parents.length === 0) return undefined;
  const guard = new AddressGuard({ allowAddresses: ANYWHERE, isOwn: setting.isOwn });
  return new Parents(
    parents.map((options) => openParent(options, guard, crl, setting)),
    routes,
  );
}

function openParent(
  options: ParentOptions,
  guard: AddressGuard,
  crl: readonly string[],
  setting: ParentSetting,
): Parent {
  const { name, url, timeout, trust } = options;
  const { resolver, via, onParent } = setting;
  return new Parent({
    name,
    ...url,
    authorization: authorizationOf(options),
    via,
    timeout,
    health: new ParentHealth({ onChange: (up, reason) => onParent(name, up, reason) }),
    way: new Upstream({
      resolver,
      guard,
      context: trust ? createUpstreamContext(trust, crl) : setting.context,
      // Trust of its own may well be our CA: a proxy behind a proxy.
      ...(setting.ownCa && !trust ? { ownCa: setting.ownCa } : {}),
      ownDials: setting.ownDials,
      connectTimeout: Math.min(setting.connectTimeout, timeout),
      handshakeTimeout: Math.min(setting.handshakeTimeout, timeout),
    }),
  });
}

/** Basic, in UTF-8 (RFC 7617). */
function authorizationOf({ user, password, passwordFile }: ParentOptions): string | undefined {
  if (user === undefined) return undefined;
  const word = passwordFile === undefined ? (password ?? '') : readPasswordFile(passwordFile);
  return `Basic ${Buffer.from(`${user}:${word}`).toString('base64')}`;
}
