// Reads the head of an HTTP/1 message, strictly (RFC 9112 sections 2 to 5): what two readers could take differently is no
// message. Pure; called by http/ for requests and replies alike, again with each piece until the head is whole.

export interface RequestHead {
  readonly method: string;
  readonly url: string;
  /** `1.0` or `1.1`. */
  readonly httpVersion: string;
  /** Names and values in turn, as they came, in Latin-1. */
  readonly rawHeaders: readonly string[];
  /** Names of fields that came marked as never to be indexed (RFC 7541 section 6.2.3). */
  readonly secret?: readonly string[] | undefined;
}

export interface ReplyHead {
  readonly status: number;
  /** As it came, in Latin-1; may be empty. */
  readonly reason: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
  /** As those of a request. */
  readonly secret?: readonly string[] | undefined;
}

/** `length`: the bytes of the head, and of an empty line before it. `where`: which part of it is too long. */
export type HeadReading<Head> =
  | { readonly state: 'head'; readonly head: Head; readonly length: number }
  | { readonly state: 'more' }
  | { readonly state: 'malformed'; readonly reason: string }
  | { readonly state: 'too-large'; readonly where: 'line' | 'fields' };

/** Bytes of one header section: Squid's default, and twice what the large clouds accept. */
export const MAX_HEAD = 65_536;

const CR = 13;
const CRLF = Buffer.from('\r\n');
const END = Buffer.from('\r\n\r\n');
/** Control characters, and CR and LF that are not one line end; the last byte may be half of one. */
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n|$)|(?<!\r)\n/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const REQUEST_LINE = /^([A-Z-]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.([01])$/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
/** A method that nobody knows may mean anything to an origin, a tunnel too. */
const METHODS = new Set(
  (
    'GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT ' +
    'CHECKOUT MERGE ACL BIND REBIND UNBIND LINK UNLINK MKACTIVITY MKCALENDAR M-SEARCH PURGE NOTIFY SUBSCRIBE ' +
    'UNSUBSCRIBE QUERY'
  ).split(' '),
);

/** `seen`: bytes of the same head that a call before has said `more` of. */
export function readRequestHead(bytes: Buffer, seen = 0): HeadReading<RequestHead> {
  // One empty line before a request is let pass (RFC 9112 section 2.2): old clients put it behind a body.
  const begin = bytes[0] === CR && bytes[1] === 10 ? 2 : 0;
  return readHead(bytes, begin, seen, requestLine);
}

export function readReplyHead(bytes: Buffer, seen = 0): HeadReading<ReplyHead> {
  return readHead(bytes, 0, seen, statusLine);
}

/** Makes a head of the first line, without its end, and the fields; or says what is wrong with the line. */
type StartLine<Head> = (line: string, rawHeaders: readonly string[]) => Head | string;

function requestLine(line: string, rawHeaders: readonly string[]): RequestHead | string {
  const match = REQUEST_LINE.exec(line);
  if (!match) return 'The request line is not METHOD SP TARGET SP HTTP/1.x';
  const method = match[1] ?? '';
  if (!METHODS.has(method)) return 'Unknown method';
  return { method, url: match[2] ?? '', httpVersion: match[3] === '1' ? '1.1' : '1.0', rawHeaders };
}

function statusLine(line: string, rawHeaders: readonly string[]): ReplyHead | string {
  const match = STATUS_LINE.exec(line);
  if (!match) return 'Malformed status line';
  return {
    status: Number(match[2]),
    reason: match[3] ?? '',
    httpVersion: match[1] === '1' ? '1.1' : '1.0',
    rawHeaders,
  };
}

function readHead<Head>(bytes: Buffer, begin: number, seen: number, start: StartLine<Head>): HeadReading<Head> {
  const end = bytes.indexOf(END, Math.max(begin, seen - 3));
  if (end < 0) return readPart(bytes, begin, seen, start);
  if (end + END.length - begin > MAX_HEAD) return tooLarge(bytes, begin);
  const text = bytes.toString('latin1', begin, end + 2);
  if (FORBIDDEN.test(text)) return malformed('Control character or broken line end');
  const rawHeaders: string[] = [];
  let at = text.indexOf('\r\n');
  const head = start(text.slice(0, at), rawHeaders);
  if (typeof head === 'string') return malformed(head);
  for (at += 2; at < text.length; ) {
    const next = text.indexOf('\r\n', at);
    const problem = readField(text, at, next, rawHeaders);
    if (problem !== undefined) return malformed(problem);
    at = next + 2;
  }
  return { state: 'head', head, length: end + END.length };
}

/** What can be said before the end is here: nobody shall wait for the rest of what is no head. */
function readPart<Head>(bytes: Buffer, begin: number, seen: number, start: StartLine<Head>): HeadReading<Head> {
  const fresh = bytes[seen - 1] === CR ? seen - 1 : seen;
  if (FORBIDDEN.test(bytes.toString('latin1', Math.max(begin, fresh)))) {
    return malformed('Control character or broken line end');
  }
  if (bytes.length - begin > MAX_HEAD) return tooLarge(bytes, begin);
  const lineEnd = bytes.indexOf(CRLF, begin);
  if (lineEnd >= 0 && lineEnd + CRLF.length > seen) {
    const head = start(bytes.toString('latin1', begin, lineEnd), []);
    if (typeof head === 'string') return malformed(head);
  }
  return { state: 'more' };
}

/** Appends name and value of the line between two places; or says what is wrong with it. */
function readField(text: string, begin: number, end: number, rawHeaders: string[]): string | undefined {
  const colon = text.indexOf(':', begin);
  if (colon < 0 || colon > end) return 'Field without a colon';
  const name = text.slice(begin, colon);
  // A line that begins with a space continues the one before, or hides itself from some reader.
  if (!TOKEN.test(name)) return 'Malformed field name';
  rawHeaders.push(name, fieldValue(text, colon + 1, end));
  return undefined;
}

/** What stands between two places of a line, without the space around it (RFC 9110 section 5.5). */
export function fieldValue(text: string, begin: number, end: number): string {
  let from = begin;
  let to = end;
  while (from < to && isSpace(text.charCodeAt(from))) from += 1;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function malformed(reason: string): { readonly state: 'malformed'; readonly reason: string } {
  return { state: 'malformed', reason };
}

function tooLarge(bytes: Buffer, begin: number): { readonly state: 'too-large'; readonly where: 'line' | 'fields' } {
  const lineEnd = bytes.indexOf(CRLF, begin);
  const line = (lineEnd < 0 ? bytes.length : lineEnd) - begin;
  return { state: 'too-large', where: line > MAX_HEAD / 2 ? 'line' : 'fields' };
}
