// What a regular expression for hosts or URLs matches, as far as our patterns can say it: for sure at least this, and at
// most that. Called by acl-bounds.ts.

import type { Box, Url } from './box.ts';
import { ALWAYS, type Bounds, exactly, NEVER, together, UNSAYABLE } from './formula.ts';
import { hostPattern } from './hosts.ts';
import { type Piece, type Shape, shapesOf } from './regex-shape.ts';

/** Of the host alone, which Squid has in lower case. */
export function hostRegexBounds(source: string, ignoreCase: boolean): Bounds {
  const shapes = shapesOf(source);
  if (!shapes) return UNSAYABLE;
  return together(
    'any',
    shapes.map((shape) => (!ignoreCase && hasCapital(shape) ? exactly(NEVER) : hostShape(shape))),
  );
}

function hostShape({ fromStart, toEnd, pieces }: Shape): Bounds {
  if (pieces.length === 0) return exactly(ALWAYS);
  const lower = patternsOf(spelled(pieces, ['.']), fromStart);
  // An open end can be followed by anything at all, `example.com.evil.test` too.
  if (!toEnd) return { lower, upper: ALWAYS };
  const dots = pieces.filter(({ is }) => is === 'one').length;
  if (dots === 0 && pieces.every(({ is }) => is === 'text'))
    return { lower, upper: lower.is === 'any' ? ALWAYS : lower };
  if (dots > MAX_DOTS) return { lower, upper: ALWAYS };
  // Each dot may stand for a dot, or for something within a label.
  const ways = Array.from({ length: 2 ** dots }, (_, way) =>
    patternsOf(
      spelled(
        pieces,
        Array.from({ length: dots }, (_, at) => (way & (1 << at) ? '*' : '.')),
      ),
      fromStart,
    ),
  );
  return { lower, upper: ways.every(({ is }) => is === 'box') ? { is: 'any', of: ways } : ALWAYS };
}

const MAX_DOTS = 4;

/** The text with each dot for any character as one of `dots`, the last for all behind it; undefined with a stretch of any length. */
function spelled(pieces: readonly Piece[], dots: readonly ('.' | '*')[]): string | undefined {
  let text = '';
  let at = 0;
  for (const piece of pieces) {
    if (piece.is === 'many') return undefined;
    if (piece.is === 'text') text += piece.text;
    else text += dots[Math.min(at++, dots.length - 1)] ?? '.';
  }
  return text.toLowerCase();
}

/** All hosts that end in `end`, or are it; NEVER where no pattern says so. */
function patternsOf(end: string | undefined, whole: boolean) {
  // A dot at the end is that of a label that is still to come, not the root of the DNS.
  if (end === undefined || end === '' || end.endsWith('.')) return NEVER;
  // Whatever stands in front of a star at the start is in it.
  const text = whole ? end : end.startsWith('.') ? `*${end}` : end.startsWith('*') ? `.${end}` : `.*${end}`;
  const pattern = hostPattern(text);
  return pattern ? ({ is: 'box', box: { hosts: [pattern] } } as const) : NEVER;
}

const hasCapital = ({ pieces }: Shape): boolean =>
  pieces.some((piece) => piece.is === 'text' && /[A-Z]/.test(piece.text));

/** Of the whole URL of a request under `scheme`; of a CONNECT, whose URL is `host:port`, with `connect`. */
export function urlRegexBounds(source: string, ignoreCase: boolean, scheme: Url['scheme'] | 'connect'): Bounds {
  const shapes = shapesOf(source);
  if (!shapes) return UNSAYABLE;
  return together(
    'any',
    shapes.map((shape) => (scheme === 'connect' ? connectShape(shape) : urlShape(shape, ignoreCase, scheme))),
  );
}

function connectShape({ pieces }: Shape): Bounds {
  if (pieces.length === 0) return exactly(ALWAYS);
  const hasSlash = pieces.some((piece) => piece.is === 'text' && piece.text.includes('/'));
  return hasSlash ? exactly(NEVER) : UNSAYABLE;
}

function urlShape({ fromStart, toEnd, pieces }: Shape, ignoreCase: boolean, scheme: Url['scheme']): Bounds {
  if (pieces.length === 0) return exactly(ALWAYS);
  const first = pieces[0];
  if (!fromStart || first?.is !== 'text') return UNSAYABLE;
  const start = ignoreCase ? first.text.toLowerCase() : first.text;
  const other = scheme === 'http' ? 'https://' : 'http://';
  if (start.startsWith(other) || start.startsWith('ftp:')) return exactly(NEVER);
  if (!start.startsWith(`${scheme}://`)) return UNSAYABLE;
  const rest: Piece[] = [{ is: 'text', text: first.text.slice(scheme.length + 3) }, ...pieces.slice(1)];
  return afterScheme(rest, { toEnd, ignoreCase, scheme });
}

interface UrlWords {
  readonly toEnd: boolean;
  readonly ignoreCase: boolean;
  readonly scheme: Url['scheme'];
}

function afterScheme(pieces: readonly Piece[], words: UrlWords): Bounds {
  const slash = pieces.findIndex((piece) => piece.is === 'text' && piece.text.includes('/'));
  const split = pieces[slash];
  const before = slash < 0 ? pieces : pieces.slice(0, slash);
  const cut = split?.is === 'text' ? split.text.indexOf('/') : -1;
  const hostPieces: Piece[] = [...before, ...(split?.is === 'text' ? [text(split.text.slice(0, cut))] : [])];
  const host = hostPieces.filter((piece) => piece.is !== 'text' || piece.text !== '');
  const port = takePort(host, words.scheme);
  if (port === undefined) return UNSAYABLE;
  if (!words.ignoreCase && hasCapital({ fromStart: true, toEnd: true, pieces: host })) return exactly(NEVER);
  const begins = host[0]?.is === 'many';
  const name = begins ? host.slice(1) : host;
  // Without the slash the host may go on, and only what the name is exactly is for sure.
  const narrow = patternsOf(spelled(name, ['.']), !begins);
  // A stretch of any length may run across slashes, so that the host is anything.
  const wide = begins || slash < 0 ? undefined : hostShape({ fromStart: true, toEnd: true, pieces: name }).upper;
  const path: Piece[] = split?.is === 'text' ? [text(split.text.slice(cut)), ...pieces.slice(slash + 1)] : [];
  const own = { ...words, port };
  return { lower: narrowUrls(narrow, path, own), upper: wideUrls(wide, path, own) };
}

/** The port behind the host, which is then taken off; without one, that of the scheme. */
function takePort(host: Piece[], scheme: Url['scheme']): number | undefined {
  const end = host.at(-1);
  const split = end?.is === 'text' ? /^([^:]*):(\d{1,5})$/.exec(end.text) : undefined;
  if (split) host[host.length - 1] = text(split[1] ?? '');
  if (host.some((piece) => piece.is === 'text' && piece.text.includes(':'))) return undefined;
  return split ? Number(split[2]) : scheme === 'http' ? 80 : 443;
}

interface Place extends UrlWords {
  readonly port: number;
}

const text = (value: string): Piece => ({ is: 'text', text: value });

/** Letters whose case or encoding cannot make a difference between what Squid and we look at. */
const PLAIN_PATH = /^[A-Za-z0-9/._~-]*$/;

function narrowUrls(host: Bounds['lower'], path: readonly Piece[], { toEnd, ...place }: Place): Bounds['lower'] {
  if (host.is !== 'box' || toEnd) return NEVER;
  const literal = spelledPath(path);
  if (literal === undefined) return NEVER;
  const paths =
    literal === '' || literal === '/' ? [''] : literal.endsWith('/') ? [literal, `${literal}*/**`] : [`${literal}*/**`];
  return urls(host.box, paths, place);
}

function wideUrls(host: Bounds['upper'] | undefined, path: readonly Piece[], words: Place): Bounds['upper'] {
  if (!host) return ALWAYS;
  if (host.is === 'any') return { is: 'any', of: host.of.map((one) => wideUrls(one, path, words)) };
  if (host.is !== 'box') return ALWAYS;
  // Of a path only its first segment is held to: encoded slashes and letter case make the rest uncertain.
  const [, segment = ''] = /^\/([A-Za-z0-9._~-]*)/.exec(path[0]?.is === 'text' ? path[0].text : '') ?? [];
  const first = words.ignoreCase ? (/^[^A-Za-z]*/.exec(segment)?.[0] ?? '') : segment;
  return urls(host.box, [first === '' ? '' : `/${first}*/**`], words);
}

function spelledPath(path: readonly Piece[]): string | undefined {
  let out = '';
  for (const piece of path) {
    if (piece.is !== 'text') return undefined;
    out += piece.text;
  }
  return PLAIN_PATH.test(out) && !out.includes('/.') ? out : undefined;
}

function urls(
  { hosts = [] }: Box,
  paths: readonly string[],
  { scheme, port }: Pick<Place, 'scheme' | 'port'>,
): Bounds['lower'] {
  return { is: 'box', box: { urls: paths.map((path) => ({ scheme, hosts, port, path })) } };
}
