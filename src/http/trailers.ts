// Which fields of a trailer section cross the proxy: those that say something of the content when it is over, none that
// would have framed, routed or authorised the message had they stood in its head (RFC 9110 section 6.5.1). Called by
// relay.ts for requests and replies alike.

/** What a recipient must know before the content, or that is for one hop; whoever merged it into the head would be fooled. */
const FORBIDDEN: ReadonlySet<string> = new Set(
  // framing and routing
  (
    'content-length transfer-encoding trailer host connection keep-alive upgrade te via http2-settings alt-used ' +
    // what the request asks for
    'cache-control expect max-forwards pragma range if-match if-none-match if-modified-since if-unmodified-since if-range ' +
    // who is asking, or is told to be who
    'authorization www-authenticate cookie set-cookie origin referer forwarded ' +
    // what the reply is
    'age date expires location retry-after vary warning alt-svc strict-transport-security ' +
    // what the content is
    'content-encoding content-type content-range'
  ).split(' '),
);
/** Whoever is between proxies, or in front of one. */
const FORBIDDEN_PREFIX = /^(?:proxy-|x-forwarded-|sec-|access-control-)/;

/** Names and values in turn, in and out; undefined where none is left. */
export function passableTrailers(raw: readonly string[] | undefined): readonly string[] | undefined {
  if (!raw) return undefined;
  const out: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (isPassable(name)) out.push(name, raw[at + 1] ?? '');
  }
  return out.length > 0 ? out : undefined;
}

/** What the head announces by Trailer (RFC 9110 section 6.6.2), without what we shall drop; undefined: nothing is left. */
export function announcedTrailers(values: readonly string[]): string | undefined {
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim());
  const passable = names.filter((name) => name !== '' && isPassable(name));
  return passable.length > 0 ? passable.join(', ') : undefined;
}

/** The last chunk of a body, and what comes behind it. */
export function lastChunk(trailers: readonly string[] | undefined): string {
  if (!trailers) return '0\r\n\r\n';
  let text = '0\r\n';
  for (let at = 0; at + 1 < trailers.length; at += 2) text += `${trailers[at]}: ${trailers[at + 1]}\r\n`;
  return `${text}\r\n`;
}

function isPassable(name: string): boolean {
  const lower = name.toLowerCase();
  return !FORBIDDEN.has(lower) && !FORBIDDEN_PREFIX.test(lower);
}
