// The handshake with a client when it is its turn, and what a handshake that came to nothing is called in the log. Called
// by flow/bump, and by flow/handle-connection for TLS to the proxy itself.

import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { ProxyError } from '../core/errors.ts';
import type { Session } from '../core/session.ts';
import { clientKey } from '../net/client-key.ts';
import { type AcceptOptions, acceptTls, type ClientHandshake } from '../net/client-tls.ts';
import type { Services } from './services.ts';

/** `crowded`: the client has so many handshakes under way that this one had no turn in time; the socket is closed. */
export type Handshake = ClientHandshake | { readonly outcome: 'crowded' };

/** On a paused socket that still holds the ClientHello; `offer` as for acceptTls. Never rejects. */
export async function shakeHands(
  { handshakes, limits, tally }: Pick<Services, 'handshakes' | 'limits' | 'tally'>,
  session: Session,
  socket: Socket,
  context: SecureContext,
  offer: Pick<AcceptOptions, 'requestCert' | 'streams'> = {},
): Promise<Handshake> {
  const giveBack = await handshakes.take(clientKey(session.client.address));
  if (!giveBack) {
    socket.destroy();
    tally.handshakes.count('crowded');
    return { outcome: 'crowded' };
  }
  try {
    const begin = performance.now();
    const handshake = await acceptTls(socket, { ...offer, context, timeout: limits.handshakeTimeout });
    tally.handshakes.count(handshake.outcome, performance.now() - begin);
    return handshake;
  } finally {
    giveBack();
  }
}

/** The fields of the log line. */
export function failedHandshake(handshake: Exclude<Handshake, { outcome: 'secure' }>) {
  switch (handshake.outcome) {
    case 'rejected': {
      const { alert, confidence } = handshake;
      const sign = confidence === 'certain' ? `Its alert: ${alert}.` : 'It broke off the handshake without an alert.';
      const failure = new ProxyError('client-rejected-certificate', sign);
      return { outcome: 'client_rejected_certificate', alert, confidence, failure } as const;
    }
    case 'timeout':
      return {
        outcome: 'timed_out',
        failure: new ProxyError('client-tls', 'No end of the handshake in time.'),
      } as const;
    case 'crowded':
      return { outcome: 'failed', failure: new ProxyError('client-limit', 'Too many handshakes at once.') } as const;
    case 'failed':
      return { outcome: 'failed', failure: new ProxyError('client-tls', handshake.reason) } as const;
  }
}
