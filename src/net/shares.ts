// What one client may take at most, and all together: places, handshakes, minted leaves, checked passwords. Made by proxy.ts,
// one of each for a process.

import type { Limits } from '../core/limits.ts';
import type { Division } from './descriptors.ts';
import { Pace } from './pace.ts';
import { Places } from './places.ts';
import { Turns } from './turns.ts';

export interface OpenShares {
  readonly places: Places;
  /** At a time, since each takes processor time. */
  readonly handshakes: Turns;
  readonly mints: Pace;
  readonly passwords: Pace;
}

/** Who may come in, shake hands and have leaves minted, and how many at a time. */
export function openShares(limits: Limits, division: Division): OpenShares {
  const { places, handshakes, mints, passwords } = sharesOf(limits, division);
  return {
    places: new Places(places),
    handshakes: new Turns(handshakes),
    mints: new Pace(mints),
    passwords: new Pace(passwords),
  };
}

/** Other limits from now on, for whoever comes; who is in stays. */
export function changeShares(shares: OpenShares, limits: Limits, division: Division): void {
  const { places, handshakes, mints, passwords } = sharesOf(limits, division);
  shares.places.change(places);
  shares.handshakes.change(handshakes);
  shares.mints.change(mints);
  shares.passwords.change(passwords);
}

function sharesOf(limits: Limits, { connections, waiting }: Division) {
  const { handshakesPerClient, mintsPerClient, passwordsPerClient, connectTimeout, handshakeTimeout } = limits;
  // Where descriptors are so few that one client could have all places, it gets half of them.
  const most = limits.connections === 'auto' ? Math.ceil(connections / 2) : Number.POSITIVE_INFINITY;
  const connectionsPerClient = Math.min(limits.connectionsPerClient, most);
  // The other half is for the handshake itself.
  const patience = handshakeTimeout / 2;
  return {
    places: { connections, connectionsPerClient, waiting, patience: connectTimeout },
    handshakes: { atOnce: handshakesPerClient, patience },
    mints: { perSecond: mintsPerClient, patience },
    passwords: { perSecond: passwordsPerClient, patience },
  };
}
