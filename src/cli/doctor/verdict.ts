// What policy would say to a request for the host, and what is known of clients that reject our certificate for it. Called
// by doctor.ts.

import type { Config } from '../../config/config.ts';
import type { RequestTarget } from '../../core/target.ts';
import { type Entry, formatTarget, isExempted } from '../../exceptions/entry.ts';
import { LedgerFile } from '../../exceptions/ledger-file.ts';
import { signOf, spliceRule } from '../../exceptions/wording.ts';
import { predict } from '../predict.ts';
import type { Finding } from './finding.ts';

export interface Asking {
  readonly target: RequestTarget;
  readonly client: string;
  readonly user?: string | undefined;
}

const MOST = 5;

export async function checkPolicy(config: Config, asking: Asking): Promise<Finding> {
  const check = 'policy';
  const { target, client, user } = asking;
  const asked = { target, client, method: 'GET', ...(user === undefined ? {} : { user }) };
  const { allowed, wouldDeny, decided, steps } = await predict(config, asked);
  const who = user === undefined ? client : `${user} at ${client}`;
  const tls = steps.find(({ step }) => step === 'connect')?.tls;
  const reason = `GET from ${who}: ${decided.reason}${allowed && tls ? `, ${tls}` : ''}`;
  const words = `"sallyport test" shows each step`;
  if (!allowed)
    return {
      check,
      state: 'warning',
      reason: `denied: ${reason}`,
      mend: `${words}; a rule that names it would allow it`,
    };
  if (wouldDeny) {
    const mend = `put a rule for it into the config before policy.mode is set to enforce; ${words}`;
    return { check, state: 'warning', reason: `allowed in report mode only: ${reason}`, mend };
  }
  return { check, state: 'ok', reason: `allowed: ${reason}` };
}

/** Rejections of our certificate for this host, as the ledger remembers them. */
export async function checkRejections(
  { rejections }: Pick<Config, 'rejections'>,
  { authority: { host, port } }: Pick<RequestTarget, 'authority'>,
): Promise<readonly Finding[]> {
  const check = 'pinned';
  if (rejections.onReject === 'off') {
    return [{ check, state: 'skipped', reason: 'tls.onReject is off, so nothing is remembered' }];
  }
  const { ledger, damage } = await new LedgerFile(rejections).read();
  if (damage !== undefined) return [{ check, state: 'failed', reason: damage, mend: 'look at it, or delete it' }];
  const of = ledger.entries.filter((entry) => entry.host === host && entry.port === port);
  if (of.length === 0)
    return [{ check, state: 'ok', reason: 'no client is known to have rejected our certificate for it' }];
  return of.slice(-MOST).map((entry) => rejectionOf(entry));
}

function rejectionOf(entry: Entry, now = Date.now()): Finding {
  const check = 'pinned';
  const { client, count, accepted } = entry;
  const times = `${count} ${count === 1 ? 'time' : 'times'}`;
  const reason = `${client} has rejected our certificate for ${formatTarget(entry)} ${times}: ${signOf(entry)}`;
  if (isExempted(entry) && now < entry.expires) {
    return { check, state: 'ok', reason: `${reason}; passed unread until ${new Date(entry.expires).toISOString()}` };
  }
  if (accepted !== undefined) {
    const at = new Date(accepted).toISOString().slice(0, 16);
    return { check, state: 'ok', reason: `${reason}; but it took it at ${at}, so some program there trusts our CA` };
  }
  return {
    check,
    state: 'warning',
    reason,
    mend: `have that program trust our CA, or put this rule first: ${spliceRule(entry)}`,
  };
}
