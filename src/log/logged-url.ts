// What of a URL may stand in a log: no user and password, no query. Called by the formats for targets and Referer.

/**
 * `https://user:secret@h/p?token=x` becomes `https://h/p?`: the mark stays, as in Squid's strip_query_terms. A fragment
 * is cut the same way, since it carries tokens too. `authority` is the target of a CONNECT, which has only the user part
 * if it is one, but may be anything.
 */
export function loggedUrl(raw: string, form: 'url' | 'authority' = 'url'): string {
  if (form === 'authority' && !SCHEME.test(raw)) return loggedAuthority(raw);
  return withoutQuery(raw.includes('@') ? withoutUser(raw) : raw);
}

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]{0,31}:\/\//;

function loggedAuthority(raw: string): string {
  const at = raw.lastIndexOf('@');
  // Either a password with a mark in it or a query with an `@`: no part of it is surely a host.
  if (/[?#]/.test(raw.slice(0, at + 1))) return '?';
  return withoutQuery(raw.slice(at + 1));
}

function withoutQuery(url: string): string {
  const cut = url.search(/[?#]/);
  return cut < 0 ? url : url.slice(0, cut + 1);
}

/** The user part ends at the last `@` of the authority; one in the path or query is data. */
function withoutUser(raw: string): string {
  const begin = SCHEME.exec(raw)?.[0].length ?? 0;
  const rest = raw.slice(begin);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  return raw.slice(0, begin) + rest.slice(authority.lastIndexOf('@') + 1);
}
