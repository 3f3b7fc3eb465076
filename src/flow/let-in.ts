// How a connection comes in, whoever it is for: it needs a place, and then says something. Called by
// flow/handle-connection and flow/handle-intercepted before anything else is looked at.

import { ProxyError } from '../core/errors.ts';
import type { Session } from '../core/session.ts';
import { clientKey } from '../net/client-key.ts';
import type { Inlet } from '../net/inlet.ts';
import { peek } from '../net/peek.ts';
import { classify } from '../wire/classify.ts';
import type { Stage } from './services.ts';
import { turnAway } from './turn-away.ts';

/** What it begins with, by its first piece. Undefined: it does not come in, which is told; its socket is being closed. */
export async function letIn(
  stage: Stage,
  session: Session,
  inlet: Inlet,
): Promise<ReturnType<typeof classify> | undefined> {
  const { journal, limits, places } = stage;
  const admitting = places.admit(inlet.socket, clientKey(session.client.address));
  // Nearly always there is a place, and nothing to wait for.
  const admission = admitting instanceof Promise ? await admitting : admitting;
  if (admission !== 'in') {
    if (admission === 'gone') journal.tellNoRequest(session);
    else turnAway(stage, session, inlet, admission);
    return undefined;
  }
  const first = await peek(inlet, (bytes) => ({ more: false, value: classify(bytes) }), {
    timeout: limits.headerTimeout,
    ceiling: 1,
  });
  if (first.seen === 'value') return first.value;
  inlet.socket.destroy();
  journal.tellNoRequest(session, first.seen === 'timeout' ? { failure: new ProxyError('request-timeout') } : {});
  return undefined;
}
