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
  /** An OPTIONS for all of the origin, and none of its paths (RFC 9110 section 9.3.7); it is decided as `/` would be. */
  readonly wholeServer?: true;
}

export const DEFAULT_PORT: Readonly<Record<Scheme, number>> = { http: 80, https: 443 };

const UNRESERVED = /[A-Za-z0-9._~-]/;
/** RFC 3986 pchar, `/` and `%`; the query may also hold `?`. Some origins want `|`, `[`, `]`, `{`, `}`, `^`, `"`, `` ` ``. */
const PATH_CHARACTERS = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/%|[\]{}^"`]*$/;
const QUERY_CHARACTERS = /^[\x21\x22\x24-\x7e]*$/;
/** An ASCII character written as two to four bytes, which UTF-8 forbids and some decoders take (RFC 3629 section 10). */
const OVERLONG = /[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]/;
/** What some origins make of a segment: `;` begins a parameter that they cut off, dots are then a dot segment. */
const DOT_SEGMENT = /^\.{1,2}(?:;|$)/;
/** Encodings within encodings, counted with the last look that finds nothing: nobody means more than three. */
const MAX_DECODINGS = 4;

const NORMAL = tripletTable((character, triplet) => (UNRESERVED.test(character) ? character : triplet.toUpperCase()));
const DECODED = tripletTable((character) => character);

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
 * What an origin that decodes further could take for another path (a backslash, a control character, dots beside an
 * encoded slash, however often encoded) is refused, not repaired.
 */
export function normalisePath(raw: string): Parsed<string> {
  if (!raw.startsWith('/')) return bad('path does not start with a slash');
  if (!PATH_CHARACTERS.test(raw)) return bad('character not allowed in the path');
  if (/%(?![0-9a-fA-F]{2})/.test(raw)) return bad('malformed percent-encoding in the path');
  const path = replaceTriplets(raw, NORMAL);
  const problem = pathProblem(path);
  return problem === undefined ? { ok: true, value: removeDotSegments(path) } : bad(problem);
}

/** Tables and no callbacks: a path may be a header field long and nothing but triplets. */
function replaceTriplets(text: string, table: ReadonlyMap<string, string>): string {
  let out = '';
  let done = 0;
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', Math.max(done, at + 1))) {
    const replacement = table.get(text.slice(at, at + 3));
    if (replacement === undefined) continue;
    out += text.slice(done, at) + replacement;
    done = at + 3;
  }
  return out + text.slice(done);
}

/** Every spelling of every triplet, with what `choose` puts in its place. */
function tripletTable(choose: (character: string, triplet: string) => string): ReadonlyMap<string, string> {
  const digits = [...'0123456789abcdefABCDEF'];
  const triplets = digits.flatMap((high) => digits.map((low) => `%${high}${low}`));
  return new Map(
    triplets.map((triplet) => [triplet, choose(String.fromCharCode(Number.parseInt(triplet.slice(1), 16)), triplet)]),
  );
}

/** Looks at each segment as the most eager origin would read it. Plain dot segments are no problem: we resolve them. */
function pathProblem(path: string): string | undefined {
  if (!/%|\/\.{1,2};/.test(path)) return undefined;
  for (const segment of path.split('/')) {
    if (segment === '.' || segment === '..') continue;
    const deepest = decodeFully(segment);
    if (deepest === undefined) return 'percent-encoding within percent-encoding in the path, too often';
    if (/[\0-\x1f\x7f\\]/.test(deepest)) return 'encoded control character or backslash in the path';
    if (OVERLONG.test(deepest)) return 'overlong UTF-8 in the path';
    if (deepest.split('/').some((part) => DOT_SEGMENT.test(part))) return 'hidden dot segment in the path';
  }
  return undefined;
}

/** Decodes until nothing changes; undefined when that takes too long. */
function decodeFully(segment: string): string | undefined {
  let text = segment;
  for (let i = 0; i < MAX_DECODINGS; i += 1) {
    const next = replaceTriplets(text, DECODED);
    if (next === text) return text;
    text = next;
  }
  return undefined;
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

/** What an OPTIONS for all of an origin has in the place of a path. */
export const WHOLE_SERVER = '*';

/** What the origin is asked for: a path with its query, or what stands for all of it. */
export function formatForm({ path, query, wholeServer }: RequestTarget): string {
  return wholeServer ? WHOLE_SERVER : `${path}${query}`;
}

/** The absolute URL in its normal form, without the default port. All of an origin has no path (RFC 9112 section 3.2.4). */
export function formatTarget(target: RequestTarget): string {
  const authority = formatAuthority(target.authority, DEFAULT_PORT[target.scheme]);
  return `${target.scheme}://${authority}${target.wholeServer ? '' : target.path}${target.query}`;
}
