// Whom a rule is for: users, groups, or anybody who is known. compile-rules.ts makes it, policy.ts asks it last, so that
// nobody has to say who it is for the sake of a rule that does not match anyway.

import { type Identity, nameProblem } from '../core/identity.ts';
import { type Checked, compileEach, type Path, type Problem, sound, unsound } from './problem.ts';

export interface WhoOptions {
  /** Names, letter case included. */
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  /** Anybody who is known. */
  readonly authenticated?: true;
}

/** With neither, anybody who is known. */
export interface Who {
  readonly users: ReadonlySet<string> | undefined;
  readonly groups: ReadonlySet<string> | undefined;
}

/** Undefined: the rule is for everybody. */
export function compileWho(options: WhoOptions, path: Path, problems: Problem[]): Who | undefined {
  const { users, groups, authenticated } = options;
  if (!users && !groups && !authenticated) return undefined;
  if (authenticated && (users || groups)) {
    const key = users ? 'users' : 'groups';
    const message = `"authenticated" has no effect beside "${key}", which is for known users already`;
    problems.push({ path: [...path, 'authenticated'], message, suggestion: 'leave one of the two out' });
  }
  return { users: namesOf('users', users, path, problems), groups: namesOf('groups', groups, path, problems) };
}

/** `nobody`: it is not known who asks, and that would decide. */
export function missOfWho(who: Who | undefined, identity: Identity | undefined): 'nobody' | 'user' | undefined {
  if (!who) return undefined;
  if (!identity) return 'nobody';
  const { users, groups } = who;
  if (users && !users.has(identity.user)) return 'user';
  return groups && !hasOneOf(identity.groups, groups) ? 'user' : undefined;
}

function hasOneOf(own: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean {
  for (const group of own) if (wanted.has(group)) return true;
  return false;
}

function namesOf(
  key: 'users' | 'groups',
  names: readonly string[] | undefined,
  path: Path,
  problems: Problem[],
): ReadonlySet<string> | undefined {
  if (names?.length === 0) {
    const message = `the list "${key}" is empty, so the rule can never match`;
    problems.push({
      path: [...path, key],
      message,
      suggestion: 'write "authenticated: true" for anybody who is known',
    });
  }
  return names && new Set(compileEach(names, checkName, [...path, key], problems));
}

function checkName(name: string): Checked<string> {
  const problem = nameProblem(name);
  return problem === undefined ? sound(name) : unsound(`"${name}" cannot be a name: ${problem}`);
}
