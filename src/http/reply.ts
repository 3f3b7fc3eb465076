// Answers of our own: pages for what was refused or failed, and the small files we serve. Called by flow/. Whatever
// came from outside is escaped; every page says what happened, whose doing it was, and what to do.

import type { Socket } from 'node:net';
import { ERROR_KINDS, type ErrorCode } from '../core/error-kinds.ts';
import type { ProxyError } from '../core/errors.ts';
import type { ReplyPort } from './reply-port.ts';
import { canReply } from './server.ts';

/** What a page tells. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly status: number;
  /** One sentence, fit for the client. */
  readonly sentence: string;
  /** What happened in this very case. */
  readonly detail: string;
  /** Name of the rule that decided, where one did. */
  readonly rule: string | undefined;
  /** Squid's name for it. */
  readonly squid: string;
  /** What was asked for, as the log has it. */
  readonly url: string;
  /** Joins the page to the JSON line in the log. */
  readonly id: string;
  /** Value of Proxy-Authenticate, which a 407 has (RFC 9110 section 15.5.8). */
  readonly challenge?: string;
}

export function refusalOf(error: Pick<ProxyError, 'code' | 'detail'>, url: string, id: string, rule?: string): Refusal {
  const { code } = error;
  const { status, sentence, squid } = ERROR_KINDS[code];
  // What a fault of ours says of itself is for the service log only.
  const detail = code === 'internal' ? '' : error.detail;
  return { code, status: status || 502, sentence, detail, rule, squid, url, id };
}

/** Reason phrases by status, for the few that we send. */
const PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  508: 'Loop Detected',
};

/** Answers a request with a page. */
export function replyPage(reply: ReplyPort, refusal: Refusal, options: { close: boolean }): void {
  const body = Buffer.from(page(refusal));
  if (options.close) reply.last = true;
  reply.writeHead(refusal.status, PHRASES[refusal.status] ?? 'Error', pageHeaders(refusal, body.length));
  reply.end(body);
}

/**
 * Answers on a socket that no parser holds: a refused CONNECT, a request that could not be parsed. HTTP clients drop
 * the body of a refused CONNECT, so reason phrase and headers tell the same. Closes the socket; returns the bytes sent.
 */
export function replyRaw(socket: Socket, refusal: Refusal): number {
  if (!canReply(socket)) return 0;
  const body = page(refusal);
  const length = Buffer.byteLength(body);
  const phrase = refusal.rule ? `Denied by ${refusal.rule}` : (PHRASES[refusal.status] ?? 'Error');
  const fields = pageHeaders(refusal, length);
  let head = `HTTP/1.1 ${refusal.status} ${headerSafe(phrase)}\r\n`;
  for (let i = 0; i + 1 < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  head += 'Connection: close\r\n\r\n';
  // The head is ASCII, and so is a body of as many bytes as characters: written as they are, without a buffer of ours.
  socket.end(head + body, length === body.length ? 'latin1' : 'utf8');
  linger(socket);
  return head.length + length;
}

/** Milliseconds a client has to take our last words and close its side. */
const LINGER = 2_000;

/**
 * What else the client sends is dropped, since closing on unread bytes would reset our answer away before the client
 * has it (RFC 9112 section 9.6). Our sockets may be half open, so one that never closes its side is closed here.
 */
function linger(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.on('close', () => clearTimeout(timer));
  socket.resume();
}

function pageHeaders(refusal: Refusal, length: number): string[] {
  const { code, status, squid, rule } = refusal;
  const fields = [
    'Content-Type',
    'text/html; charset=utf-8',
    'Content-Length',
    String(length),
    'Cache-Control',
    'no-store',
    // As Squid names it, for the tools that look for it.
    'X-Squid-Error',
    `${squid} 0`,
    'Proxy-Status',
    `sallyport; error=${PROXY_STATUS[code] ?? 'proxy_internal_error'}; details=${quoted(refusal)}`,
  ];
  if (code === 'client-limit' || code === 'overloaded' || code === 'auth-unavailable')
    fields.push('Retry-After', RETRY_AFTER);
  // RFC 9110 section 15.5.6 wants the methods that are served.
  if (status === 405) fields.push('Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT');
  if (refusal.challenge) fields.push('Proxy-Authenticate', refusal.challenge);
  if (rule) fields.push('X-Proxy-Denied', headerSafe(rule));
  return fields;
}

/** Seconds after which a client that found no place may ask again. */
const RETRY_AFTER = '5';

/** RFC 9209 section 2.3: the registered error types that fit ours. */
const PROXY_STATUS: Partial<Readonly<Record<ErrorCode, string>>> = {
  'request-malformed': 'http_request_error',
  'request-target': 'http_request_error',
  'request-timeout': 'http_request_error',
  'request-too-large': 'http_request_error',
  'request-target-long': 'http_request_error',
  'request-method': 'http_request_error',
  'request-expectation': 'http_request_error',
  'host-mismatch': 'http_request_denied',
  'client-limit': 'connection_limit_reached',
  'auth-required': 'http_request_denied',
  'auth-failed': 'http_request_denied',
  'client-certificate': 'http_request_denied',
  denied: 'http_request_denied',
  'address-forbidden': 'destination_ip_prohibited',
  loop: 'proxy_loop_detected',
  overloaded: 'connection_limit_reached',
  'dns-failed': 'dns_error',
  'dns-timeout': 'dns_timeout',
  'connect-failed': 'connection_refused',
  'connect-timeout': 'connection_timeout',
  'upstream-tls': 'tls_protocol_error',
  'upstream-certificate': 'tls_certificate_error',
  'upstream-name': 'tls_certificate_error',
  'client-cert-required': 'tls_alert_received',
  'response-malformed': 'http_protocol_error',
  'response-timeout': 'http_response_timeout',
  'response-aborted': 'http_response_incomplete',
  'parent-auth': 'http_request_denied',
  'parent-refused': 'http_request_denied',
  'parent-failed': 'destination_unavailable',
  'parent-malformed': 'http_protocol_error',
  'parent-unreachable': 'destination_unavailable',
  'parent-timeout': 'connection_timeout',
  'parent-tls': 'tls_certificate_error',
};

/** RFC 8941 section 3.3.3: a quoted string is printable ASCII with `"` and `\` escaped. */
function quoted({ sentence, detail }: Refusal): string {
  const text = headerSafe(`${sentence} ${detail}`.trim());
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

function headerSafe(text: string): string {
  return (/[^\x20-\x7e]/.test(text) ? text.replace(/[^\x20-\x7e]/g, '?') : text).slice(0, 300);
}

function page({ status, sentence, detail, rule, url, id, code }: Refusal): string {
  const rows = `${row('Address', url)}${row('Rule', rule)}${row('Detail', detail)}${row('Code', code)}${row('Request', id)}`;
  return html(`${status} ${PHRASES[status] ?? 'Error'}`, [
    `<h1>${escapeHtml(sentence)}</h1>\n<dl>\n${rows}</dl>`,
    ABOUT,
  ]);
}

function row(name: string, value: string | undefined): string {
  return value ? `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>\n` : '';
}

const ABOUT =
  '<p>This page was made by the proxy (Sallyport), not by the site. Give the request id to whoever runs the proxy.</p>';

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:3em auto;padding:0 1em;color:#1b1f24}' +
  'h1{font-size:1.4em}dt{font-weight:600;margin-top:.6em}dd{margin:0}dd,code{overflow-wrap:anywhere}' +
  'code,pre{font:14px/1.5 ui-monospace,monospace;background:#f2f4f7;padding:.1em .3em}pre{padding:.8em;overflow:auto}';

const UP_TO_TITLE =
  '<!doctype html><html lang="en"><head><meta charset="utf-8">\n' +
  '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">\n<title>';
const BEHIND_TITLE = `</title><style>${STYLE}</style></head><body>\n`;

/** A whole page; `title` is escaped here, the parts are markup already. */
export function html(title: string, parts: readonly string[]): string {
  return `${UP_TO_TITLE}${escapeHtml(title)}${BEHIND_TITLE}${parts.join('\n')}\n</body></html>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  // Nearly all that is shown has nothing to escape.
  if (!/[&<>"']/.test(text)) return text;
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
