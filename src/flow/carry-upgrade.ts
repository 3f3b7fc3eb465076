// Carries what is no HTTP any more, behind a 101 that was asked for, permitted and passed on: bytes both ways, unread, until
// the end. Called by flow/serve-request, which has the line to write.

import type { Connection } from '../http/connection.ts';
import type { Upgraded } from '../http/upgraded.ts';
import { makeLanes, pipe } from '../net/pipe.ts';
import type { Fate } from './answer-request.ts';
import type { Told } from './journal.ts';
import type { OpenUpgrade } from './open-tunnels.ts';
import type { Services } from './services.ts';
import { endOf } from './splice.ts';

export interface Carried extends Pick<Fate, 'suffix' | 'failure'> {
  readonly outcome: Fate['outcome'];
  /** Bytes behind the 101. */
  readonly toClient: number;
  readonly toUpstream: number;
}

/** `tell`: as the request would be told if it ended now. */
export async function carryUpgrade(
  services: Services,
  { inlet }: Connection,
  upgraded: Upgraded,
  open: OpenUpgrade,
  tell: () => Told & { readonly url: string },
): Promise<Carried> {
  const { limits, tunnels, journal } = services;
  const origin = upgraded.connection.socket;
  const passing = tunnels.addUpgrade(origin, open, services);
  const lanes = journal.watchesTunnels ? makeLanes() : undefined;
  const ended = lanes && journal.beginTunnel(tell, lanes);
  const piped = await pipe(inlet, origin, {
    idleTimeout: limits.tunnelIdleTimeout,
    intake: upgraded,
    lanes,
  });
  const failure = passing.end();
  ended?.();
  const { toClient, toUpstream } = piped;
  return { outcome: 'upgraded', ...endOf(piped), ...(failure ? { failure } : {}), toClient, toUpstream };
}
