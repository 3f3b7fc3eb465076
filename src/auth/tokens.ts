// A file of tokens, each as the SHA-256 of it beside the name of whoever has it. Called by the authenticator through
// text-file. A fast digest is enough for a secret that nobody can guess, and no use for one that somebody can: a token
// that is short is never looked up.

import { createHash } from 'node:crypto';
import { nameProblem } from '../core/identity.ts';
import type { LineProblem, NumberedLine, ReadLines } from './text-file.ts';

/** 96 bits, where each character has six. */
export const MIN_TOKEN = 16;

/** User by digest; several tokens may be of one user. */
export type Tokens = ReadonlyMap<string, string>;

/** `user:digest`, the digest in hexadecimal as sha256sum prints it. */
export function parseTokens(lines: readonly NumberedLine[]): ReadLines<Tokens> {
  const tokens = new Map<string, string>();
  const problems: LineProblem[] = [];
  for (const { line, text } of lines) {
    const colon = text.indexOf(':');
    const user = text.slice(0, Math.max(0, colon));
    const digest = text.slice(colon + 1).trim();
    const problem = colon < 0 ? 'there is no name' : nameProblem(user);
    if (problem !== undefined) problems.push({ line, message: `a line is NAME:SHA-256 of the token: ${problem}` });
    else if (!/^[0-9a-fA-F]{64}$/.test(digest)) {
      const message = `"${user}": what stands behind the colon is no SHA-256 in hexadecimal; the token itself does not belong here: printf %s "$TOKEN" | sha256sum`;
      problems.push({ line, message });
    } else if (tokens.has(digest.toLowerCase())) {
      problems.push({ line, message: `"${user}": this token is there already; two names cannot share one` });
    } else tokens.set(digest.toLowerCase(), user);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: tokens };
}

/** Whose token this is. Looking up a digest tells nobody who measures it anything about a token. */
export function userOfToken(tokens: Tokens, token: string): string | undefined {
  if (token.length < MIN_TOKEN) return undefined;
  return tokens.get(createHash('sha256').update(token).digest('hex'));
}
