// Finds the rules that can never match because rules above them take all their hosts; policy.ts calls it at load.

import { HostMatcher } from './host-matcher.ts';
import { EVERY_HOST, type HostPattern } from './host-pattern.ts';
import type { Problem } from './problem.ts';
import { looksAtRequests, type Rule } from './rule.ts';

/** Only a rule that asks for nothing but the host casts a shadow; several of them may cast one together. */
export function findShadowed(rules: readonly Rule[]): Problem[] {
  const above = new HostMatcher<string>();
  const problems: Problem[] = [];
  for (const rule of rules) {
    const patterns = hostPatterns(rule);
    const covers = patterns.map((pattern) => above.cover(pattern));
    const names = [...new Set(covers)].filter((name) => name !== undefined);
    if (names.length > 0 && !covers.includes(undefined)) problems.push(shadowed(rule, names));
    if (rule.scheme || rule.clients || rule.ports || rule.who || looksAtRequests(rule)) continue;
    for (const pattern of patterns) above.add(pattern, rule.name);
  }
  return problems;
}

/** The hosts a rule can match at all. */
export function hostPatterns(rule: Pick<Rule, 'hosts' | 'urls'>): readonly HostPattern[] {
  return rule.hosts ?? rule.urls?.map(({ host }) => host) ?? [EVERY_HOST];
}

function shadowed(rule: Rule, names: readonly string[]): Problem {
  const [first, ...others] = names.slice(0, 3).map((name) => `"${name}"`);
  const who = others.length === 0 ? `rule ${first}` : `rules ${[first, ...others].join(', ')}`;
  return {
    path: ['rules', rule.index],
    message: `rule "${rule.name}" can never match: ${who} above it ${others.length === 0 ? 'takes' : 'take'} all its hosts`,
    suggestion: 'move it up, or leave it out',
  };
}
