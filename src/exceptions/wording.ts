// What a rejection means, and the rule that would help, in words for a person: the warnings of rejections.ts and the
// command `exceptions list` have them from here.

import { type RuleText, ruleName, spellRule } from '../core/rule-text.ts';
import type { Entry, Pair } from './entry.ts';

/** What clients mean by it: measured, features.md section P. */
const MEANINGS: Readonly<Record<string, string>> = {
  unknown_ca: 'alert unknown_ca: it does not know our authority',
  bad_certificate: 'alert bad_certificate: it does not know our authority (Go says it so), or pins the certificate',
  certificate_unknown:
    'alert certificate_unknown: it does not know our authority (Java says it so), or pins the certificate',
  certificate_expired: 'alert certificate_expired: its clock may be wrong',
  none: 'it closed without a word once it had our certificate: it pins another, or does not know our authority',
};

const BROKEN_OFF =
  'it broke off the handshake once it had our certificate: it does not know our authority, or pins another';

/** `alert` as in a Rejection. */
export function meaningOf(alert: string): string {
  if (alert === 'closed' || alert === 'reset') return BROKEN_OFF;
  return MEANINGS[alert] ?? `alert ${alert}`;
}

/** The latest of an entry. */
export function signOf({ recent }: Entry): string {
  return meaningOf(recent.at(-1)?.alert ?? 'none');
}

/** The rule that would pass the host through unread for this client; one that is for users, for those alone. */
export function spliceText({ client, host, port, users }: Pair & Pick<Entry, 'users'>): RuleText {
  return {
    name: ruleName(`unread ${host}`),
    clients: [client.replace(/%.*$/, '')],
    users,
    hosts: [host.includes(':') ? `[${host}]` : host],
    ports: [port],
    action: 'allow',
    tls: 'splice',
  };
}

/** One line of YAML that stands under `policy.rules` as it is. */
export function spliceRule(entry: Pair & Pick<Entry, 'users'>): string {
  return spellRule(spliceText(entry)).line;
}
