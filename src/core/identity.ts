// Who is asking, once that is known: auth/ and net/ find it out, policy/ decides by it, the log names it.

export interface Identity {
  /** Compared as it stands, letter case included. */
  readonly user: string;
  readonly groups: ReadonlySet<string>;
  /** What it was known by. */
  readonly by: 'password' | 'token' | 'certificate';
}

/** The name as the access log takes it: the bytes of its UTF-8, a character for each. */
export function loggedName(name: string): string {
  return /[^\x00-\x7f]/.test(name) ? Buffer.from(name).toString('latin1') : name;
}

/** Longest name of a user or group, in characters. */
export const MAX_NAME = 256;

/** Why this cannot be the name of a user or group; undefined when it can. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > MAX_NAME) return `it is longer than ${MAX_NAME} characters`;
  // A newline or a direction mark would be another name to whoever reads it.
  return /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\ufffd]/u.test(name) ? 'it holds a character that cannot be seen' : undefined;
}
