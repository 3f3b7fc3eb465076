// The Proxy-Status field (RFC 9209) of an answer of our own: who speaks, what went wrong, in words. Called by reply.ts.

import type { ErrorCode } from '../core/error-kinds.ts';

/** `proxy`: our name. `details` may hold anything; it is made printable, quoted and cut to `most` characters. */
export function proxyStatus(proxy: string, code: ErrorCode, details: string, most: number): string {
  const said = details === '' ? '' : `; details=${quoted(details, most)}`;
  return `${item(proxy)}; error=${ERRORS[code] ?? 'proxy_internal_error'}${said}`;
}

/** A token where it is one (RFC 8941 section 3.3.4), else a string: a name in Via may begin with a digit. */
function item(name: string): string {
  return /^[A-Za-z*][\w!#$%&'*+\-.^`|~:/]*$/.test(name) ? name : quoted(name, 100);
}

/** RFC 8941 section 3.3.3: a quoted string is printable ASCII with `"` and `\` escaped. */
function quoted(text: string, most: number): string {
  const plain = headerSafe(text, most);
  return /["\\]/.test(plain) ? `"${plain.replace(/["\\]/g, '\\$&')}"` : `"${plain}"`;
}

/** What may stand in a field: printable ASCII, cut to `most` characters. */
export function headerSafe(text: string, most: number): string {
  return (/[^\x20-\x7e]/.test(text) ? text.replace(/[^\x20-\x7e]/g, '?') : text).slice(0, most);
}

/** RFC 9209 section 2.3: the registered error types that fit ours. */
const ERRORS: Partial<Readonly<Record<ErrorCode, string>>> = {
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
  'no-websocket': 'http_upgrade_failed',
  'parent-auth': 'http_request_denied',
  'parent-refused': 'http_request_denied',
  'parent-failed': 'destination_unavailable',
  'parent-malformed': 'http_protocol_error',
  'parent-unreachable': 'destination_unavailable',
  'parent-timeout': 'connection_timeout',
  'parent-tls': 'tls_certificate_error',
};
