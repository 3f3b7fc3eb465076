// What a leaf is for: the hosts it names and the kind of its key. Made by net/, the key of leaf-store.

import type { Host } from '../core/authority.ts';

export interface LeafIdentity {
  /** In canonical form; the first one is the host that the client asked for. */
  readonly hosts: readonly Host[];
  /** `rsa` for a client whose ClientHello shows no ECDSA. */
  readonly keyType: 'ec' | 'rsa';
}

/** Two identities have the same key exactly when they make the same leaf: the first host is the subject, the rest a set. */
export function identityKey(identity: LeafIdentity): string {
  const [first, ...others] = identity.hosts.map((host) => `${host.kind}:${host.text}`);
  const rest = [...new Set(others)].filter((host) => host !== first).sort();
  return [identity.keyType, first, ...rest].join(' ');
}
