// One URL pattern of a rule, `scheme://host[:port]/path`, parsed at load; rule.ts matches requests with it.
//
// The scheme is http, https or `*` for both; the host is a host pattern; without a port it is the scheme's default.
// Without a path every path matches; `/` is the root only. The query is not part of the match.

import { parsePort } from '../core/authority.ts';
import { DEFAULT_PORT, normalisePath, type Scheme } from '../core/target.ts';
import { type HostPattern, parseHostPattern } from './host-pattern.ts';
import { compilePath, type PathTest } from './path-glob.ts';
import { type Checked, sound, unsound } from './problem.ts';

export interface UrlPattern {
  readonly text: string;
  readonly schemes: readonly Scheme[];
  readonly host: HostPattern;
  /** Undefined: the default port of the scheme. */
  readonly port: number | undefined;
  readonly path: PathTest;
}

const MAX_LENGTH = 1024;
const MAX_STARS = 16;
const EVERY_PATH: PathTest = () => true;

export function parseUrlPattern(text: string): Checked<UrlPattern> {
  if (text.length > MAX_LENGTH) return unsound(`the URL pattern is longer than ${MAX_LENGTH} characters`);
  const bad = (what: string, suggestion?: string) => unsound(`URL pattern "${text}" ${what}`, suggestion);
  if (text.split('*').length - 1 > MAX_STARS) return bad(`has more than ${MAX_STARS} stars`);
  const [, scheme = '', authority = '', rest = ''] = /^([a-z*]+):\/\/([^/?#\\]*)(.*)$/is.exec(text) ?? [];
  if (scheme === '') return bad('has no scheme', `write "https://${text.replace(/^\/+/, '')}"`);
  const schemes = SCHEMES[scheme.toLowerCase()];
  if (!schemes) return bad('has a scheme other than http, https or *');
  if (authority.includes('@')) return bad('has a user name in it');
  const [, hostText = '', portText] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(authority) ?? [];
  const host = parseHostPattern(hostText);
  if (!host.ok) return bad(`has no valid host: ${host.message}`, host.suggestion);
  const port = portText === undefined ? undefined : parsePort(portText);
  if (port?.ok === false) return bad(`has no valid port: ${port.reason}`);
  const path = parsePath(rest);
  if (!path.ok) return bad(`has no valid path: ${path.message}`, path.suggestion);
  return sound({ text, schemes, host: host.value, port: port?.value, path: path.value });
}

const SCHEMES: Readonly<Record<string, readonly Scheme[]>> = {
  http: ['http'],
  https: ['https'],
  '*': ['http', 'https'],
};

/** The port that a URL of this pattern has under `scheme`. */
export function portUnder(pattern: UrlPattern, scheme: Scheme): number {
  return pattern.port ?? DEFAULT_PORT[scheme];
}

function parsePath(raw: string): Checked<PathTest> {
  const foreign = FOREIGN.find(({ sign }) => sign.test(raw));
  if (foreign) return unsound(foreign.message, foreign.suggestion);
  if (raw === '') return sound(EVERY_PATH);
  const path = normalisePath(raw);
  if (!path.ok) return unsound(path.reason);
  if (countStars(path.value) !== countStars(raw)) return unsound('a dot segment takes away a star');
  return compilePath(path.value);
}

const countStars = (text: string): number => text.split('*').length;

/** Signs of other pattern languages: taken literally they would never match, so nobody means them so. */
const FOREIGN: readonly { sign: RegExp; message: string; suggestion?: string }[] = [
  {
    sign: /\?/,
    message: 'a "?" begins the query, which is not part of the match',
    suggestion: 'end it before the "?"',
  },
  { sign: /#/, message: 'a "#" begins a fragment, which never reaches a proxy', suggestion: 'end it before the "#"' },
  { sign: /\\/, message: 'a backslash stands in no path', suggestion: 'write "/"' },
  { sign: /[{}]/, message: 'braces mean nothing in a pattern', suggestion: 'write one pattern for each' },
  {
    sign: /[[\]]/,
    message: 'brackets mean nothing in a pattern',
    suggestion: 'write "%5B" and "%5D" for the characters, or "*"',
  },
  {
    sign: /[@!+*]\(|\|/,
    message: 'extended globs mean nothing in a pattern',
    suggestion: 'write one pattern for each',
  },
];
