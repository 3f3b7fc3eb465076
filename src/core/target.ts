// What a request asks for, in the one normal form that decides, goes upstream and is logged (RFC 3986 section 6.2.2).

import { type Authority, formatAuthority, type Parsed, parseAuthority } from './authority.ts';

export type Scheme = 'http' | 'https';

export interface RequestTarget {
  readonly scheme: Scheme;
  readonly authority: Authority;
  /** Normalised absolute path, starting with `/`. */
  readonly path: string;
  /** With its `?`, as it came; empty when there is none. The query is not part of any match. */
  readonly query: string;
}

export const DEFAULT_PORT: Readonly<Record<Scheme, number>> = { http: 80, https: 443 };

const UNRESERVED = /[A-Za-z0-9._~-]/;
/** RFC 3986 pchar, `/` and `%`; the query may also hold `?`. Some origins want `|`, `[`, `]`, `{`, `}`, `^`, `"`, `` ` ``. */
const PATH_CHARACTERS = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/%|[\]{}^"`]*$/;
const QUERY_CHARACTERS = /^[\x21\x22\x24-\x5b\x5d-\x7e\\]*$/;

const bad = (reason: string): Parsed<never> => ({ ok: false, reason });

/** Parses an absolute-form target, `http://host[:port]/path?query` (RFC 9112 section 3.2.2). */
export function parseAbsoluteTarget(text: string): Parsed<RequestTarget> {
  const split = /^(https?):\/\/([^/?#]*)(.*)$/is.exec(text);
  if (!split) return bad('target is not an absolute http or https URL');
  const scheme: Scheme = split[1]?.toLowerCase() === 'https' ? 'https' : 'http';
  const authority = parseAuthority(split[2] ?? '', DEFAULT_PORT[scheme]);
  if (!authority.ok) return authority;
  const rest = split[3] ?? '';
  return parseOriginTarget(rest.startsWith('/') ? rest : `/${rest}`, scheme, authority.value);
}

/** Parses an origin-form target, `/path?query` (RFC 9112 section 3.2.1), of a request to `authority`. */
export function parseOriginTarget(text: string, scheme: Scheme, authority: Authority): Parsed<RequestTarget> {
  if (!text.startsWith('/')) return bad('target does not start with a slash');
  const mark = text.indexOf('?');
  const rawPath = mark < 0 ? text : text.slice(0, mark);
  const query = mark < 0 ? '' : text.slice(mark);
  if (!QUERY_CHARACTERS.test(query)) return bad('character not allowed in the query');
  const path = normalisePath(rawPath);
  if (!path.ok) return path;
  return { ok: true, value: { scheme, authority, path: path.value, query } };
}

/**
 * One normal form of a path: unreserved characters decoded, other triplets in upper case, dot segments resolved.
 * What two readers could take for two paths (a backslash, an encoded NUL, dots beside an encoded slash) is refused.
 */
export function normalisePath(raw: string): Parsed<string> {
  if (!PATH_CHARACTERS.test(raw)) return bad('character not allowed in the path');
  if (/%(?![0-9a-fA-F]{2})/.test(raw)) return bad('malformed percent-encoding in the path');
  const decoded = raw.replace(/%([0-9a-fA-F]{2})/g, (triplet, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return UNRESERVED.test(character) ? character : triplet.toUpperCase();
  });
  if (/%[01][0-9A-F]|%7F|%5C/.test(decoded)) return bad('encoded control character or backslash in the path');
  if (/(?:^|\/|%2F)\.{1,2}(?:;[^/]*)?%2F|%2F\.{1,2}(?:;[^/]*)?(?:\/|$)/.test(decoded)) {
    return bad('dot segment beside an encoded slash in the path');
  }
  if (/%25(?:2[EF]|5C|00)/i.test(decoded)) return bad('doubly encoded separator in the path');
  if (/\/\.{1,2};[^/]*/.test(decoded)) return bad('dot segment with a parameter in the path');
  return { ok: true, value: removeDotSegments(decoded) };
}

/** RFC 3986 section 5.2.4; empty segments are kept, since origins tell `//` from `/`. */
function removeDotSegments(path: string): string {
  if (!path.includes('/.')) return path;
  const out: string[] = [];
  const segments = path.split('/').slice(1);
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '..') out.pop();
    else if (segment !== '.') out.push(segment);
    if (last && (segment === '.' || segment === '..')) out.push('');
  });
  return `/${out.join('/')}`;
}

/** The absolute URL in its normal form, without the default port. */
export function formatTarget(target: RequestTarget): string {
  const authority = formatAuthority(target.authority, DEFAULT_PORT[target.scheme]);
  return `${target.scheme}://${authority}${target.path}${target.query}`;
}
