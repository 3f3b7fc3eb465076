// Squid's native access line and its two httpd formats, as text without the newline. Called through log-format.ts.
// The layout is Squid's own: `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`.

import { Memo } from '../core/memo.ts';
import type { PrintedEntry } from './access-log-entry.ts';
import { cap, escapeField, escapeQuoted, escapeUrl } from './escape.ts';
import { httpdTime } from './httpd-time.ts';
import { loggedUrl } from './logged-url.ts';

/** Squid's limit of one record, its newline included. */
export const MAX_RECORD = 8192;

const MAX_METHOD = 32;
const MAX_ADDRESS = 64;
const MAX_USER = 256;
const MAX_TYPE = 128;
const MAX_HEADER = 1024;

/** `most`: characters, the newline included; what a URL has beyond is cut. */
export function squidLine(entry: PrintedEntry, most = MAX_RECORD): string {
  const time = Math.trunc(entry.time);
  const seconds = padded(Math.floor(time / 1000), 9, ' ');
  const millis = padded(time % 1000, 3, '0');
  const elapsed = padded(Math.trunc(entry.elapsed), 6, ' ');
  const status = padded(entry.status, 3, '0');
  const client = field(entry.client, MAX_ADDRESS);
  const head = `${seconds}.${millis} ${elapsed} ${client} ${resultTag(entry)}/${status} ${entry.bytes} ${method(entry)} `;
  const tail = ` ${user(entry)} ${entry.hierarchy}/${field(entry.peer, MAX_ADDRESS)} ${contentType(entry)}`;
  return head + url(entry, most - head.length - tail.length) + tail;
}

/** `padStart` looks at every digit of what it is given, long enough or not. */
function padded(value: number, width: number, fill: ' ' | '0'): string {
  const text = String(value);
  return text.length >= width ? text : fill.repeat(width - text.length) + text;
}

/** `%>a - %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st %Ss:%Sh` */
export function commonLine(entry: PrintedEntry, most = MAX_RECORD): string {
  return httpdLine(entry, '', most);
}

/** The common format with `"%{Referer}>h" "%{User-Agent}>h"` before the result. */
export function combinedLine(entry: PrintedEntry, most = MAX_RECORD): string {
  const referer = entry.referer === undefined ? undefined : loggedUrl(entry.referer);
  return httpdLine(entry, ` "${header(referer)}" "${header(entry.userAgent)}"`, most);
}

function httpdLine(entry: PrintedEntry, headers: string, most: number): string {
  const client = field(entry.client, MAX_ADDRESS);
  const head = `${client} - ${user(entry)} [${httpdTime(entry.time)}] "${method(entry)} `;
  const result = `${entry.status} ${entry.bytes}${headers} ${resultTag(entry)}:${entry.hierarchy}`;
  const tail = ` ${protocol(entry)}" ${result}`;
  return head + url(entry, most - head.length - tail.length) + tail;
}

/** Squid's tag with its suffix, as in `TCP_MISS_ABORTED`. */
export function resultTag(entry: PrintedEntry): string {
  return entry.suffix === undefined ? entry.tag : `${entry.tag}_${entry.suffix}`;
}

/** The media type alone: Squid cuts at the first `;`, space or tab. */
export function mediaType(contentType: string): string {
  if (contentType === '') return '';
  const end = contentType.search(/[; \t]/);
  return end < 0 ? contentType : contentType.slice(0, end);
}

const method = (entry: PrintedEntry): string => field(entry.method, MAX_METHOD);
const contentType = (entry: PrintedEntry): string => field(mediaType(entry.contentType ?? ''), MAX_TYPE);

/** Squid's words for what never became a request: `NONE/0.0`. */
function protocol(entry: PrintedEntry): string {
  return entry.httpVersion === undefined ? 'NONE/0.0' : `HTTP/${field(entry.httpVersion, MAX_METHOD)}`;
}

/** A user who is called `-` must not read as nobody. */
function user(entry: PrintedEntry): string {
  return entry.user === '-' ? '%2d' : field(entry.user, MAX_USER);
}

/** The URL takes what the record has left: it is the one field whose length the client chooses freely. */
function url(entry: PrintedEntry, left: number): string {
  const escaped =
    entry.method === 'CONNECT' ? authority(entry.url) : escapeUrl(loggedUrl(entry.url).slice(0, MAX_RECORD));
  return cap(escaped, left - 1) || '-';
}

/** Where CONNECTs lead to as a rule: texts in which nothing is to be escaped. */
const plainAuthorities = new Memo<true>(512);
/** A name and a port. */
const MAX_AUTHORITY = 260;
const PLAIN_AUTHORITY = /^[a-z0-9._-]+:\d{1,5}$/;

function authority(text: string): string {
  const isShort = text.length <= MAX_AUTHORITY;
  if (isShort && plainAuthorities.get(text)) return text;
  // What is no authority was not admitted, and may be a password in its place.
  if (isShort && PLAIN_AUTHORITY.test(text)) plainAuthorities.set(text, true);
  return escapeUrl(loggedUrl(text, 'authority').slice(0, MAX_RECORD));
}

function field(text: string | undefined, max: number): string {
  if (text === undefined || text === '') return '-';
  return cap(escapeField(text.length > max ? text.slice(0, max + 1) : text), max);
}

function header(text: string | undefined): string {
  return cap(escapeQuoted((text ?? '').slice(0, MAX_HEADER + 1)), MAX_HEADER) || '-';
}
