// Who is in which group: from the config, and from a file as Apache's AuthGroupFile has it. Called by the authenticator.

import { nameProblem } from '../core/identity.ts';
import type { LineProblem, NumberedLine, ReadLines } from './text-file.ts';

/** Users by group. */
export type Groups = ReadonlyMap<string, readonly string[]>;

/** `group: user user`; a group may go on in a further line. */
export function parseGroups(lines: readonly NumberedLine[]): ReadLines<Groups> {
  const groups = new Map<string, string[]>();
  const problems: LineProblem[] = [];
  for (const { line, text } of lines) {
    const colon = text.indexOf(':');
    const group = text.slice(0, Math.max(0, colon)).trim();
    const users = text
      .slice(colon + 1)
      .split(/\s+/)
      .filter(Boolean);
    const problem = colon < 0 ? 'there is no colon' : [group, ...users].map(nameProblem).find(Boolean);
    if (problem !== undefined) problems.push({ line, message: `a line is GROUP: USER USER: ${problem}` });
    else groups.set(group, [...(groups.get(group) ?? []), ...users]);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: groups };
}

/** The groups of each user. */
export function groupsByUser(...sources: readonly Groups[]): ReadonlyMap<string, ReadonlySet<string>> {
  const byUser = new Map<string, Set<string>>();
  for (const source of sources) {
    for (const [group, users] of source) {
      for (const user of users) byUser.set(user, (byUser.get(user) ?? new Set()).add(group));
    }
  }
  return byUser;
}
