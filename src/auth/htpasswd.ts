// A file of users and the hashes of their passwords, as `htpasswd` writes it (bcrypt, MD5, SHA-1; SHA-256 and SHA-512 of
// crypt besides). Called by the authenticator through text-file.

import { nameProblem } from '../core/identity.ts';
import { type PasswordHash, parsePasswordHash } from './password-hash.ts';
import type { LineProblem, NumberedLine, ReadLines } from './text-file.ts';

/** `user:hash`; what stands behind a further colon is a comment, as Apache has it. */
export function parseHtpasswd(lines: readonly NumberedLine[]): ReadLines<ReadonlyMap<string, PasswordHash>> {
  const hashes = new Map<string, PasswordHash>();
  const seen = new Map<string, number>();
  const problems: LineProblem[] = [];
  for (const { line, text } of lines) {
    const [user = '', hash] = text.split(':');
    const before = seen.get(user);
    const problem = hash === undefined ? 'there is no colon: a line is user:hash' : nameOf(user, before);
    if (problem !== undefined || hash === undefined) {
      problems.push({ line, message: problem ?? '' });
      continue;
    }
    seen.set(user, line);
    const parsed = parsePasswordHash(hash);
    if (parsed.ok) hashes.set(user, parsed.value);
    else problems.push({ line, message: `user "${user}": ${parsed.reason}; make it anew: htpasswd -B FILE ${user}` });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: hashes };
}

function nameOf(user: string, before: number | undefined): string | undefined {
  const problem = nameProblem(user);
  if (problem !== undefined) return `the user name cannot be one: ${problem}`;
  return before === undefined ? undefined : `user "${user}" is there twice, first in line ${before}`;
}
