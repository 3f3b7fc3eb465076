// Whether the rules ask for users where somebody can be known. parse-config.ts calls it with the rules that can be read.

import { nearest } from '../core/nearest.ts';
import type { RuleOptions } from '../policy/policy.ts';
import type { AuthInput } from './auth-schema.ts';
import type { Finding } from './explain-issue.ts';

/** `indexes`: where in the file the rules stand. */
export function checkAuth(
  auth: AuthInput | undefined,
  rules: readonly RuleOptions[],
  indexes: readonly number[],
): readonly Finding[] {
  if (auth && !auth.basic && auth.tokens === undefined && !auth.clientCertificates) {
    const message = 'nobody can be known: expected one or more of basic, tokens and clientCertificates';
    return [{ path: ['auth'], message, side: 'value' }];
  }
  return rules.flatMap((rule, index) => {
    const above = ['policy', 'rules', indexes[index] ?? index];
    if (auth) return checkGroups(auth, rule, above);
    const key = KEYS.find((one) => rule[one] !== undefined);
    if (key === undefined) return [];
    const message = `rule "${rule.name}" is for known users, and nobody can be known without "auth"`;
    return [
      { path: [...above, key], message, hint: 'add "auth" with basic, tokens or clientCertificates', side: 'key' },
    ];
  });
}

const KEYS = ['users', 'groups', 'authenticated'] as const;

/** What a file of groups holds is only known at start. */
function checkGroups({ groups, groupFile }: AuthInput, rule: RuleOptions, above: Finding['path']): readonly Finding[] {
  const known = Object.keys(groups);
  if (groupFile !== undefined) return [];
  return (rule.groups ?? []).flatMap((group, index): readonly Finding[] => {
    if (known.includes(group)) return [];
    const meant = nearest(group, known);
    const hint = meant === undefined ? 'name its users under auth.groups' : `did you mean "${meant}"?`;
    const path = [...above, 'groups', index];
    return [{ path, message: `there is no group "${group}" in auth.groups`, hint, side: 'value' }];
  });
}
