// What a client says of itself in Proxy-Authorization (RFC 7617), read strictly: two readings of one field would be two
// users. Called by the authenticator.

import type { Parsed } from '../core/authority.ts';
import { nameProblem } from '../core/identity.ts';

export interface Credentials {
  readonly user: string;
  /** Empty where a token stands in the place of the user. */
  readonly password: string;
}

/** Bytes of user, colon and password: longer ones would only make hashing dear. */
export const MAX_CREDENTIALS = 1_024;
const MAX_BASE64 = Math.ceil(MAX_CREDENTIALS / 3) * 4;

const bad = (reason: string): Parsed<never> => ({ ok: false, reason });

/** `values`: all that the fields of one request say, one at least. Reasons never quote what was sent. */
export function readCredentials(values: readonly string[]): Parsed<Credentials> {
  const [value = '', ...more] = values;
  if (more.length > 0) return bad('Proxy-Authorization is there more than once');
  const [, scheme, encoded] = /^([!#$%&'*+.^_`|~\w-]{1,32}) +(\S*)$/.exec(value) ?? [];
  if (scheme === undefined || encoded === undefined) return bad('Proxy-Authorization is malformed');
  if (scheme.toLowerCase() !== 'basic') return bad('the scheme of Proxy-Authorization is not Basic');
  if (encoded.length > MAX_BASE64) return bad('the credentials are too long');
  // Node's decoder takes nearly anything; what it would repair, others read otherwise.
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(encoded)) {
    return bad('the credentials are not base64');
  }
  return splitPair(Buffer.from(encoded, 'base64'));
}

function splitPair(bytes: Buffer): Parsed<Credentials> {
  if (bytes.length > MAX_CREDENTIALS) return bad('the credentials are too long');
  const text = decode(bytes);
  if (text === undefined) return bad('the credentials are not UTF-8');
  if (/[\x00-\x1f\x7f]/.test(text)) return bad('the credentials hold a control character');
  const colon = text.indexOf(':');
  if (colon < 0) return bad('the credentials have no colon');
  const user = text.slice(0, colon);
  const problem = nameProblem(user);
  if (problem !== undefined) return bad(`the user name cannot be one: ${problem}`);
  return { ok: true, value: { user, password: text.slice(colon + 1) } };
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
