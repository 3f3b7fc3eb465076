// Where a tunnel is spliced although its rule says bump: the client rejects our certificate, or the origin goes on only
// with the client's own. And which client certificate of ours a request goes with. Called by the stages that decide.

import { formatAuthority } from '../core/authority.ts';
import type { Decision, Permit } from '../core/decision.ts';
import { ProxyError } from '../core/errors.ts';
import type { Rejections } from '../exceptions/rejections.ts';
import { CertificateAlert } from '../net/certificate-wish.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import type { UpstreamIdentities } from '../net/upstream-identities.ts';
import type { WantingOrigins } from './wanting-origins.ts';

/** What it is asked of: of a proxy that runs, or of one that would. */
export interface Known {
  readonly rejections: Pick<Rejections, 'exemption'> | undefined;
  readonly wanting: WantingOrigins;
  readonly identities: UpstreamIdentities | undefined;
}

/** The decision on a CONNECT with what is known of this client and this origin. No denial becomes anything else. */
export function exempt(known: Known, client: string, decision: Decision): Decision {
  if (decision.action === 'deny' || decision.tls !== 'bump') return decision;
  const permit = withIdentity(known, client, decision);
  // A rule that looks at requests has the last word on each of them, and what report mode lets pass nobody has allowed.
  if (permit.deferred || permit.wouldDeny) return permit;
  const exemption = permit.byName ? known.rejections?.exemption(client, permit.authority) : undefined;
  if (exemption) {
    const until = new Date(exemption.expires).toISOString();
    const reason = `${permit.reason}; by exception unread until ${until}, since ${client} rejects our certificate for it`;
    return { ...permit, tls: 'splice', exception: 'pinned', reason };
  }
  return permit.onClientCert && known.wanting.wishOf(permit.authority) === 'required' ? unread(permit) : permit;
}

/** The permit with the client certificate that there is for this client and this origin. */
export function withIdentity({ identities }: Known, client: string, permit: Permit): Permit {
  const identity = identities?.nameFor(client, permit.authority);
  return identity === undefined ? permit : { ...permit, identity };
}

/** The permit to pass a tunnel unread to an origin that wants the client's own certificate; none where we have one. */
export function unread(permit: Permit): Permit {
  if (permit.identity !== undefined || permit.deferred || permit.wouldDeny || !permit.onClientCert) return permit;
  const reason = `${permit.reason}; unread, since the origin goes on only with a client certificate`;
  return { ...permit, tls: 'splice', exception: 'client-cert', reason };
}

/** How servers refuse a request, and no connection, for want of a certificate: nginx by 400, others by 403. */
const REFUSED: ReadonlySet<number> = new Set([400, 403, 495, 496]);

/**
 * Whether a reply is a sign, and news, that the origin wants what it has asked for in the handshake. No more than a sign: a
 * 403 has many reasons, and the client can bring one about; so nothing passes unread for it.
 */
export function isSign(
  { wanting }: Known,
  permit: Permit | undefined,
  { wish }: Pick<UpstreamConnection, 'wish'>,
  status: number,
): boolean {
  if (!wish || !permit || permit.identity !== undefined) return false;
  wanting.answered(permit.authority);
  if (!REFUSED.has(status)) return false;
  const known = wanting.wishOf(permit.authority);
  if (known === 'suspected' || known === 'required') return false;
  wanting.remember(permit.authority, 'suspected');
  return true;
}

/**
 * What an exchange has taught about its origin. The error, with what to do about it where that is known better. That a
 * connection was closed without an answer teaches little: any request may do that to its origin.
 */
export function learn({ wanting }: Known, permit: Permit | undefined, error: ProxyError): ProxyError {
  if (error.code !== 'client-cert-required' || !permit || permit.identity !== undefined) return error;
  const { authority } = permit;
  const isSaid = error.cause instanceof CertificateAlert;
  if (!isSaid && wanting.hasAnswered(authority)) {
    return new ProxyError('response-aborted', '', { cause: error, peer: error.peer, parent: error.parent });
  }
  wanting.remember(authority, isSaid ? 'required' : 'suspected');
  if (wanting.wishOf(authority) !== 'required' || unread(permit) === permit) return error;
  const detail = `${formatAuthority(authority)} asked for one: connect again, from now on it is passed through unread.`;
  return new ProxyError(error.code, detail, { cause: error, peer: error.peer, parent: error.parent });
}
