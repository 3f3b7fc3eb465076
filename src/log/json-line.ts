// The JSON twin of the access line: one object in one line of ASCII, keys always in the same order, a key left out when
// its fact does not exist. Called through log-format.ts.

import type { TlsFacts } from '../core/session.ts';
import type { PrintedEntry, Timings } from './access-log-entry.ts';
import { asciiJson } from './escape.ts';
import { loggedUrl } from './logged-url.ts';
import { MAX_RECORD, mediaType, resultTag } from './text-line.ts';

interface Fact {
  readonly key: string;
  readonly read: (entry: PrintedEntry) => string | number | boolean | object | undefined;
  /** Escaped characters a text may take; all together stay within Squid's 8 KB. */
  readonly max?: number;
}

const MAX_TEXT = 64;

const FACTS: readonly Fact[] = [
  { key: 'event', read: (entry) => entry.event },
  { key: 'elapsed_ms', read: (entry) => Math.trunc(entry.elapsed) },
  { key: 'client', read: (entry) => entry.client },
  { key: 'outcome', read: (entry) => entry.outcome },
  { key: 'tag', read: resultTag },
  { key: 'status', read: (entry) => entry.status },
  { key: 'bytes', read: (entry) => entry.bytes },
  { key: 'bytes_in', read: (entry) => entry.bytesIn },
  { key: 'method', read: (entry) => entry.method },
  { key: 'url', read: (entry) => loggedUrl(entry.url, entry.method === 'CONNECT' ? 'authority' : 'url'), max: 3584 },
  { key: 'user', read: (entry) => entry.user && textOf(entry.user), max: 256 },
  { key: 'hierarchy', read: (entry) => entry.hierarchy },
  { key: 'peer', read: (entry) => entry.peer },
  { key: 'parent', read: (entry) => entry.parent },
  { key: 'content_type', read: (entry) => entry.contentType && mediaType(entry.contentType), max: 128 },
  { key: 'http_version', read: (entry) => entry.httpVersion },
  { key: 'referer', read: (entry) => entry.referer && loggedUrl(entry.referer), max: 512 },
  { key: 'user_agent', read: (entry) => entry.userAgent, max: 512 },
  { key: 'session', read: (entry) => entry.session },
  { key: 'tunnel', read: (entry) => entry.tunnel },
  { key: 'exchange', read: (entry) => entry.exchange },
  { key: 'action', read: (entry) => entry.action },
  { key: 'step', read: (entry) => entry.step },
  { key: 'rule', read: (entry) => entry.rule, max: 256 },
  { key: 'reason', read: (entry) => entry.reason, max: 512 },
  { key: 'would_deny', read: (entry) => entry.wouldDeny },
  { key: 'refuse_by', read: (entry) => entry.refuseBy },
  { key: 'tls', read: (entry) => entry.tls },
  { key: 'exception', read: (entry) => entry.exception },
  { key: 'error', read: (entry) => entry.error },
  { key: 'error_detail', read: (entry) => entry.errorDetail, max: 512 },
  { key: 'alert', read: (entry) => entry.alert },
  { key: 'confidence', read: (entry) => entry.confidence },
  { key: 'sni', read: (entry) => entry.sni, max: 256 },
  { key: 'client_tls', read: (entry) => entry.clientTls && tlsFacts(entry.clientTls) },
  { key: 'upstream_tls', read: (entry) => entry.upstreamTls && tlsFacts(entry.upstreamTls) },
  { key: 'timings', read: (entry) => entry.timings && timings(entry.timings) },
];

/** What stands in JSON as it is, so that most texts need no second look. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/**
 * Texts that were too long are cut, and `cut` names their keys. Empty texts are facts that do not exist. `most`:
 * characters, the newline included.
 */
export function jsonLine(entry: PrintedEntry, most = MAX_RECORD): string {
  let line = withTexts(entry, 1);
  for (let part = 2; line.length >= most && part <= LEAST_PART; part *= 2) line = withTexts(entry, part);
  return line;
}

/** With each text at a 16th of its size, a line is short enough for anybody. */
const LEAST_PART = 16;

/** `part`: by which the room of each long text is divided. */
function withTexts(entry: PrintedEntry, part: number): string {
  let line = `{"time":"${new Date(entry.time).toISOString()}"`;
  const cut: string[] = [];
  for (const { key, read, max = MAX_TEXT } of FACTS) {
    const value = read(entry);
    if (value === undefined || value === '') continue;
    if (typeof value === 'string') {
      const short = shorten(value, Math.max(max / part, MAX_TEXT));
      if (short.length < value.length) cut.push(key);
      line += `,"${key}":${quote(short)}`;
    } else {
      line += `,"${key}":${typeof value === 'object' ? asciiJson(JSON.stringify(value)) : value}`;
    }
  }
  return cut.length > 0 ? `${line},"cut":${JSON.stringify(cut)}}` : `${line}}`;
}

function tlsFacts(facts: TlsFacts): TlsFacts {
  return { version: shorten(facts.version, MAX_TEXT), cipher: shorten(facts.cipher, MAX_TEXT) };
}

function timings(parts: Timings): object {
  return { dns_ms: parts.dns, connect_ms: parts.connect, tls_ms: parts.tls, first_byte_ms: parts.firstByte };
}

/** A name is to be compared with that in a rule; what is no UTF-8 stays as it is. */
function textOf(bytes: string): string {
  if (!/[^\x00-\x7f]/.test(bytes) || /[^\x00-\xff]/.test(bytes)) return bytes;
  const text = Buffer.from(bytes, 'latin1').toString();
  return text.includes('\ufffd') ? bytes : text;
}

const quote = (text: string): string => (PLAIN.test(text) ? `"${text}"` : asciiJson(JSON.stringify(text)));

/** The longest beginning of `text` that takes at most `max` characters between the quotes. */
function shorten(text: string, max: number): string {
  // No character takes more than the six of \uXXXX.
  if (text.length * 6 <= max || (text.length <= max && PLAIN.test(text))) return text;
  let taken = 0;
  for (let index = 0; index < text.length; index += 1) {
    taken += quote(text.charAt(index)).length - 2;
    if (taken > max) return text.slice(0, index);
  }
  return text;
}
