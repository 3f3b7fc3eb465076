// Tells whoever makes suggestions and exceptions of it that a client has rejected our certificate. Called by flow/bump.

import type { Session, Tunnel } from '../core/session.ts';
import type { Confidence } from '../exceptions/entry.ts';
import type { Services } from './services.ts';

/** Of hosts that the policy lets this client reach; of what we answer ourselves, and of what is denied, there is nothing to say. */
export function noteRejection(
  { rejections, policy }: Pick<Services, 'rejections' | 'policy'>,
  { client }: Session,
  { authority, decision, instead, begin, identity }: Tunnel,
  how: { readonly alert: string; readonly confidence: Confidence },
): void {
  if (!rejections || instead || decision.action === 'deny' || decision.wouldDeny) return;
  const { rule, byName = false } = decision;
  const { alert, confidence } = how;
  const began = Math.ceil(Date.now() - (performance.now() - begin));
  // A suggestion that leaves the users out would let others through than the rule did.
  const user = policy.about(rule)?.who && identity?.user;
  rejections.rejected(client.address, authority, { alert, confidence, begin: began, rule, user, byName });
}
