// The URL that a rule sends those to whom it denies, as Squid's deny_info takes it: `http://…` or `302:https://…`, with
// %-macros. config/ reads it, policy/ keeps it with the rule, http/ expands it.

import type { Parsed } from './authority.ts';

export interface Redirect {
  /** Undefined: 302, or 303 for a method whose body would be sent again. */
  readonly status: number | undefined;
  readonly url: string;
}

const STATUSES = [301, 302, 303, 307, 308];
const MAX_LENGTH = 2_048;

export function parseRedirect(text: string): Parsed<Redirect> {
  const bad = (reason: string): Parsed<never> => ({ ok: false, reason });
  const [, code, url = ''] = /^(?:(\d{3}):)?(.*)$/s.exec(text) ?? [];
  const status = code === undefined ? undefined : Number(code);
  if (status !== undefined && !STATUSES.includes(status)) return bad(`a redirect is one of ${STATUSES.join(', ')}`);
  if (url.length > MAX_LENGTH) return bad(`it is longer than ${MAX_LENGTH} characters`);
  if (/[^\x21-\x7e]|["<>\\^`{|}]/.test(url.replace(/%\{\w+\}/g, '')))
    return bad('it holds a character that no URL has');
  const [, host] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? [];
  if (host === undefined) return bad('it begins with http:// or https://');
  // Whoever asks would choose where to be sent.
  if (host.includes('%')) return bad('a macro cannot stand in its host');
  if (host === '' || host.includes('@') || !URL.canParse(`http://${host}/`)) return bad('it has no valid host');
  return { ok: true, value: { status, url } };
}
