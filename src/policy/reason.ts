// Why a decision came out as it did, in one short sentence for the log, the page and the header; policy.ts asks.

import { type Authority, formatAuthority } from '../core/authority.ts';
import type { Miss, Rule } from './rule.ts';

/** The name under which the default decides. */
export const DEFAULT = 'default';

/** What decides in the end: the first rule that matches, or the default. */
export type Verdict = Pick<Rule, 'name' | 'action' | 'tls' | 'refuseBy' | 'byName' | 'onClientCert'>;

/** A rule that allows the host and failed on another key: the one an engineer is looking for. */
export interface NearMiss {
  readonly rule: Rule;
  readonly miss: Miss;
}

/** Let in by name, but with TLS that is to be closed. */
export function isTerminated({ action, tls }: Verdict): boolean {
  return action === 'allow' && tls === 'terminate';
}

export function reasonOf(verdict: Verdict, authority: Authority, near: NearMiss | undefined): string {
  const to = formatAuthority(authority);
  if (verdict.name !== DEFAULT) {
    const verb = isTerminated(verdict)
      ? 'terminates TLS'
      : verdict.action === 'allow'
        ? 'allows requests'
        : 'denies requests';
    return `rule "${verdict.name}" ${verb} to ${to}`;
  }
  if (isTerminated(verdict)) return `no rule matches ${to}, and the default is to terminate TLS`;
  if (verdict.action === 'allow') return `no rule matches ${to}, and the default is allow`;
  return near ? `no rule matches ${to}; rule "${near.rule.name}" allows ${MISSES[near.miss]}` : `no rule matches ${to}`;
}

/** Why somebody has to say who it is before anything is decided. */
export function reasonToAsk({ name }: Rule, authority: Authority): string {
  return `rule "${name}" decides on ${formatAuthority(authority)} by who is asking, and that is not known`;
}

/** What a rule that failed on this key does allow. */
const MISSES: Readonly<Record<Miss, string>> = {
  user: 'it to other users',
  client: 'it to other clients',
  scheme: 'it under another scheme',
  port: 'other ports of this host',
  method: 'it with other methods',
  path: 'other paths of this host',
};

/** Text of a client, which may hold any byte; in a reason it is short and printable. */
export function printable(text: string): string {
  const escaped = text.slice(0, 253).replace(/[^\x20-\x7e]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return text.length > 253 ? `${escaped}...` : escaped;
}
