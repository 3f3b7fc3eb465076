// Answers of our own: pages for what was refused or failed, and the small files we serve. Called by flow/. Whatever
// came from outside is escaped; every page says what happened, whose doing it was, and what to do.

import type { Socket } from 'node:net';
import type { ErrorCode, ProxyError } from '../core/errors.ts';
import type { ReplyWriter } from './reply-writer.ts';
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
}

export function refusalOf(error: ProxyError, url: string, id: string, rule?: string): Refusal {
  const { code, status, kind } = error;
  // What a fault of ours says of itself is for the service log only.
  const detail = code === 'internal' ? '' : error.detail;
  return { code, status: status || 502, sentence: kind.sentence, detail, rule, squid: kind.squid, url, id };
}

/** Reason phrases by status, for the few that we send. */
const PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
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
export function replyPage(reply: ReplyWriter, refusal: Refusal, options: { close: boolean }): void {
  const body = page(refusal);
  if (options.close) reply.last = true;
  reply.writeHead(refusal.status, PHRASES[refusal.status] ?? 'Error', pageHeaders(refusal, body));
  reply.end(body);
}

/**
 * Answers on a socket that no parser holds: a refused CONNECT, a request that could not be parsed. HTTP clients drop
 * the body of a refused CONNECT, so reason phrase and headers tell the same. Closes the socket; returns the bytes sent.
 */
export function replyRaw(socket: Socket, refusal: Refusal): number {
  if (!canReply(socket)) return 0;
  const body = page(refusal);
  const phrase = refusal.rule ? `Denied by ${refusal.rule}` : (PHRASES[refusal.status] ?? 'Error');
  const fields = [...pageHeaders(refusal, body), 'Connection', 'close'];
  let head = `HTTP/1.1 ${refusal.status} ${headerSafe(phrase)}\r\n`;
  for (let i = 0; i + 1 < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  const reply = Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
  socket.end(reply);
  linger(socket);
  return reply.length;
}

/** Milliseconds a client has to take our last words and close its side. */
const LINGER = 2_000;

/**
 * What else the client sends is dropped, since closing on unread bytes would reset our answer away before the client
 * has it (RFC 9112 section 9.6). Our sockets may be half open, so one that never closes its side is closed here.
 */
function linger(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
}

function pageHeaders(refusal: Refusal, body: Buffer): string[] {
  const proxyStatus = `sallyport; error=${PROXY_STATUS[refusal.code] ?? 'proxy_internal_error'}; details=${quoted(refusal)}`;
  return [
    'Content-Type',
    'text/html; charset=utf-8',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
    // As Squid names it, for the tools that look for it.
    'X-Squid-Error',
    `${refusal.squid} 0`,
    'Proxy-Status',
    proxyStatus,
    ...(refusal.code === 'client-limit' || refusal.code === 'overloaded' ? ['Retry-After', RETRY_AFTER] : []),
    // RFC 9110 section 15.5.6 wants the methods that are served.
    ...(refusal.status === 405 ? ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT'] : []),
    ...(refusal.rule ? ['X-Proxy-Denied', headerSafe(refusal.rule)] : []),
  ];
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
  'response-malformed': 'http_protocol_error',
  'response-timeout': 'http_response_timeout',
  'response-aborted': 'http_response_incomplete',
};

/** RFC 8941 section 3.3.3: a quoted string is printable ASCII with `"` and `\` escaped. */
function quoted(refusal: Refusal): string {
  const text = headerSafe(`${refusal.sentence} ${refusal.detail}`.trim());
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function headerSafe(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
}

function page(refusal: Refusal): Buffer {
  const { status, sentence, detail, rule, url, id, code } = refusal;
  const rows: [string, string][] = [
    ['Address', url],
    ['Rule', rule ?? ''],
    ['Detail', detail],
    ['Code', code],
    ['Request', id],
  ];
  return Buffer.from(
    html(`${status} ${PHRASES[status] ?? 'Error'}`, [
      `<h1>${escapeHtml(sentence)}</h1>`,
      '<dl>',
      ...rows.filter(([, value]) => value).map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`),
      '</dl>',
      '<p>This page was made by the proxy (Sallyport), not by the site. Give the request id to whoever runs the proxy.</p>',
    ]),
  );
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:3em auto;padding:0 1em;color:#1b1f24}' +
  'h1{font-size:1.4em}dt{font-weight:600;margin-top:.6em}dd{margin:0}dd,code{overflow-wrap:anywhere}' +
  'code,pre{font:14px/1.5 ui-monospace,monospace;background:#f2f4f7;padding:.1em .3em}pre{padding:.8em;overflow:auto}';

/** A whole page; `title` is escaped here, the parts are markup already. */
export function html(title: string, parts: readonly string[]): string {
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>`,
    ...parts,
    '</body></html>\n',
  ].join('\n');
}

export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
