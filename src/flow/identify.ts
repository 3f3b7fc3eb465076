// Who is asking: by the credentials of the request, or else by the certificate of the connection. Called by
// flow/open-tunnel for each CONNECT and by flow/answer-request for each request on the plain side, before the policy.

import { ProxyError } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import { valuesOf } from '../http/admission.ts';
import type { Connection } from '../http/connection.ts';
import { clientKey } from '../net/client-key.ts';
import type { Services } from './services.ts';

export interface Asker {
  readonly identity?: Identity | undefined;
  /** Why the credentials that were sent say nothing. */
  readonly error?: ProxyError;
}

export const NOBODY: Asker = {};

/**
 * At once where nothing is to be looked up. Inside a tunnel it is who sent the CONNECT, and credentials there are nobody's
 * business; nor are they those of a client that a firewall has turned around to us, which knows of no proxy (RFC 9110
 * section 3.7). Credentials that are wrong make nobody of a client whatever its certificate says. Never rejects.
 */
export function identify(
  { auth, passwords }: Pick<Services, 'auth' | 'passwords'>,
  { session, tunnel, originPort }: Connection,
  rawHeaders: readonly string[],
): Asker | Promise<Asker> {
  if (!auth) return NOBODY;
  if (tunnel) return tunnel.identity ? { identity: tunnel.identity } : NOBODY;
  if (originPort !== undefined) return NOBODY;
  const values = valuesOf(rawHeaders, 'proxy-authorization');
  if (values.length > 0) {
    const client = clientKey(session.client.address);
    return auth.check(values, client, () => passwords.take(client));
  }
  const { certificateUser } = session;
  return certificateUser === undefined ? NOBODY : { identity: auth.certified(certificateUser) };
}

/** Whether the client takes us for its proxy: any other would take a 407 for a word of its origin. */
export function mayBeAsked({ tunnel, originPort }: Connection): boolean {
  return tunnel === undefined && originPort === undefined;
}

/**
 * The refusal of a request whose rule wants to know who is asking. Without a challenge to send there is only the
 * certificate that the client has not shown, and no 407 (RFC 9110 section 15.5.8).
 */
export function whoError({ auth }: Pick<Services, 'auth'>, { error }: Asker, reason: string): ProxyError {
  if (error) return error;
  if (auth?.challenge === undefined) return new ProxyError('client-certificate', `There is none, and ${reason}.`);
  return new ProxyError('auth-required', reason);
}
