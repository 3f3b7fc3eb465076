// The way to origins on loopback for tests of a single room: names by a map, loopback allowed, no name server.

import { createSecureContext } from 'node:tls';
import { parseAuthority } from '../../src/core/authority.ts';
import type { Permit } from '../../src/core/decision.ts';
import type { Parents } from '../../src/net/parents.ts';
import { Resolver } from '../../src/net/resolver.ts';
import { Upstream } from '../../src/net/upstream.ts';
import type { UpstreamContext } from '../../src/pki/upstream-trust.ts';
import { AddressGuard } from '../../src/policy/address-guard.ts';

const HOSTS = {
  'ok.test': '127.0.0.1',
  'other.test': '127.0.0.1',
  'a.wild.test': '127.0.0.1',
  'mixed.test': ['10.0.0.1', '127.0.0.1'],
  'private.test': ['10.0.0.1', '169.254.169.254'],
};

export interface UpstreamWish {
  readonly context?: UpstreamContext;
  readonly connectTimeout?: number;
  readonly handshakeTimeout?: number;
  readonly parents?: Parents;
}

export function loopbackUpstream(wish: UpstreamWish = {}): Upstream {
  return new Upstream({
    resolver: new Resolver({ servers: ['127.0.0.1:1'], hosts: HOSTS, maxTtl: 0 }, 500),
    guard: new AddressGuard({ allowAddresses: ['127.0.0.0/8'] }),
    context: Object.assign(createSecureContext(), { roots: [] }),
    connectTimeout: 2_000,
    handshakeTimeout: 2_000,
    ...wish,
  });
}

/** Allows `host:port`. */
export function permitFor(text: string): Permit {
  const authority = parseAuthority(text);
  if (!authority.ok) throw new Error(authority.reason);
  return {
    action: 'allow',
    step: 'connect',
    authority: authority.value,
    rule: 'all',
    reason: '',
    tls: 'bump',
    deferred: false,
    wouldDeny: false,
  };
}
