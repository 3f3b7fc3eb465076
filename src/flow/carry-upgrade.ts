// Carries what is no HTTP any more, behind a 101 that was asked for, permitted and passed on: bytes both ways, unread, until
// the end. Called by flow/serve-request, which has the line to write.

import type { Connection } from '../http/connection.ts';
import type { Upgraded } from '../http/upgraded.ts';
import { pipe } from '../net/pipe.ts';
import type { Fate } from './answer-request.ts';
import type { Services } from './services.ts';
import { endOf } from './splice.ts';

export interface Carried extends Pick<Fate, 'suffix'> {
  readonly outcome: Fate['outcome'];
  /** Bytes behind the 101. */
  readonly toClient: number;
  readonly toUpstream: number;
}

/** `rest`: what the client has sent before it had the 101, in the new protocol as whatever comes behind it. */
export async function carryUpgrade(
  { limits, tunnels }: Services,
  { socket }: Connection,
  upgraded: Upgraded,
  rest: Buffer,
): Promise<Carried> {
  const origin = upgraded.connection.socket;
  tunnels.add(origin);
  const piped = await pipe(socket, origin, {
    idleTimeout: limits.tunnelIdleTimeout,
    intake: upgraded,
    first: rest.length > 0 ? rest : undefined,
  });
  tunnels.delete(origin);
  const { toClient, toUpstream } = piped;
  return { outcome: 'upgraded', ...endOf(piped), toClient, toUpstream };
}
