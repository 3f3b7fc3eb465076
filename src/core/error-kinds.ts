// Every way something can go wrong: whose doing it is, the status for the client, Squid's error name for `X-Squid-Error`,
// and one sentence. errors.ts makes errors of it.

export type Side = 'client' | 'upstream' | 'proxy';

export interface ErrorKind {
  readonly side: Side;
  readonly status: number;
  /** Squid's error page name, as auditors know it. */
  readonly squid: string;
  readonly sentence: string;
}

export const ERROR_KINDS = {
  'request-malformed': { side: 'client', status: 400, squid: 'ERR_INVALID_REQ', sentence: 'The request is malformed.' },
  'request-target': {
    side: 'client',
    status: 400,
    squid: 'ERR_INVALID_URL',
    sentence: 'The request target is not a URL or authority that this proxy accepts.',
  },
  'request-timeout': {
    side: 'client',
    status: 408,
    squid: 'ERR_REQUEST_START_TIMEOUT',
    sentence: 'The request did not arrive in time.',
  },
  'request-too-large': {
    side: 'client',
    status: 431,
    squid: 'ERR_TOO_BIG',
    sentence: 'The request header is too large.',
  },
  'request-target-long': {
    side: 'client',
    status: 414,
    squid: 'ERR_TOO_BIG',
    sentence: 'The request target is too long.',
  },
  'request-method': {
    side: 'client',
    status: 405,
    squid: 'ERR_UNSUP_REQ',
    sentence: 'The request method is not served by this proxy.',
  },
  'request-expectation': {
    side: 'client',
    status: 417,
    squid: 'ERR_INVALID_REQ',
    sentence: 'The expectation of the request cannot be met.',
  },
  'host-mismatch': {
    side: 'client',
    status: 421,
    squid: 'ERR_CONFLICT_HOST',
    sentence: 'The Host of the request is not the host of this connection.',
  },
  'auth-required': {
    side: 'client',
    status: 407,
    squid: 'ERR_CACHE_ACCESS_DENIED',
    sentence: 'The proxy has to know who is asking.',
  },
  'auth-failed': {
    side: 'client',
    status: 407,
    squid: 'ERR_CACHE_ACCESS_DENIED',
    sentence: 'The proxy does not know these credentials.',
  },
  'client-certificate': {
    side: 'client',
    status: 403,
    squid: 'ERR_ACCESS_DENIED',
    sentence: 'The client certificate does not say who is asking.',
  },
  'client-aborted': { side: 'client', status: 499, squid: 'ERR_CLIENT_GONE', sentence: 'The client went away.' },
  'client-rejected-certificate': {
    side: 'client',
    status: 0,
    squid: 'ERR_SECURE_ACCEPT_FAIL',
    sentence: 'The client rejected our certificate.',
  },
  'client-tls': {
    side: 'client',
    status: 0,
    squid: 'ERR_SECURE_ACCEPT_FAIL',
    sentence: 'The TLS handshake with the client failed.',
  },
  'hello-malformed': {
    side: 'client',
    status: 0,
    squid: 'ERR_SECURE_ACCEPT_FAIL',
    sentence: 'The ClientHello is malformed or too large.',
  },
  'hello-timeout': {
    side: 'client',
    status: 0,
    squid: 'ERR_REQUEST_START_TIMEOUT',
    sentence: 'No ClientHello arrived in time.',
  },
  'not-tls': {
    side: 'client',
    status: 0,
    squid: 'ERR_PROTOCOL_UNKNOWN',
    sentence: 'What came through the tunnel is not TLS.',
  },
  'sni-mismatch': {
    side: 'client',
    status: 0,
    squid: 'ERR_CONFLICT_HOST',
    sentence: 'The server name in the ClientHello is not the host of the CONNECT.',
  },
  'sni-missing': {
    side: 'client',
    status: 0,
    squid: 'ERR_CONFLICT_HOST',
    sentence: 'The ClientHello of an intercepted connection names no host to go to.',
  },
  'proxy-header': {
    side: 'client',
    status: 0,
    squid: 'ERR_PROTOCOL_UNKNOWN',
    sentence: 'The PROXY header is missing, malformed, or not to be believed.',
  },
  'client-limit': {
    side: 'client',
    status: 429,
    squid: 'ERR_ACCESS_DENIED',
    sentence: 'The client takes more than its share of this proxy.',
  },
  denied: {
    side: 'proxy',
    status: 403,
    squid: 'ERR_ACCESS_DENIED',
    sentence: 'The policy of this proxy does not allow the request.',
  },
  'address-forbidden': {
    side: 'proxy',
    status: 403,
    squid: 'ERR_ACCESS_DENIED',
    sentence: 'The host resolves only to addresses that this proxy may not dial.',
  },
  loop: { side: 'proxy', status: 508, squid: 'ERR_ACCESS_DENIED', sentence: 'The request leads back to this proxy.' },
  overloaded: {
    side: 'proxy',
    status: 503,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'The proxy has no place for a further connection.',
  },
  'auth-unavailable': {
    side: 'proxy',
    status: 503,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'The proxy could not check the credentials in time.',
  },
  'shutting-down': { side: 'proxy', status: 503, squid: 'ERR_SHUTTING_DOWN', sentence: 'The proxy is shutting down.' },
  'config-changed': {
    side: 'proxy',
    status: 503,
    squid: 'ERR_ACCESS_DENIED',
    sentence: 'The config has changed, and the tunnel was cut for it.',
  },
  'config-invalid': { side: 'proxy', status: 500, squid: 'ERR_CANNOT_FORWARD', sentence: 'The config is not valid.' },
  'ca-unusable': {
    side: 'proxy',
    status: 500,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'The certificate authority cannot be used.',
  },
  'auth-unusable': {
    side: 'proxy',
    status: 500,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'A file of users, tokens or groups cannot be used.',
  },
  'trust-unusable': {
    side: 'proxy',
    status: 500,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'The trusted roots cannot be read.',
  },
  'identity-unusable': {
    side: 'proxy',
    status: 500,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'A client certificate for origins cannot be used.',
  },
  'listen-failed': { side: 'proxy', status: 500, squid: 'ERR_CANNOT_FORWARD', sentence: 'The port cannot be opened.' },
  'admin-failed': {
    side: 'proxy',
    status: 500,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'Operators cannot be answered.',
  },
  'log-failed': { side: 'proxy', status: 500, squid: 'ERR_CANNOT_FORWARD', sentence: 'The log cannot be written.' },
  'log-full': {
    side: 'proxy',
    status: 503,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'The proxy serves nobody while its log cannot be written.',
  },
  internal: {
    side: 'proxy',
    status: 500,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'The proxy failed; its service log has the cause.',
  },
  'dns-failed': {
    side: 'upstream',
    status: 503,
    squid: 'ERR_DNS_FAIL',
    sentence: 'The host name could not be resolved.',
  },
  'dns-timeout': {
    side: 'upstream',
    status: 504,
    squid: 'ERR_DNS_FAIL',
    sentence: 'The name servers did not answer in time.',
  },
  'connect-failed': {
    side: 'upstream',
    status: 503,
    squid: 'ERR_CONNECT_FAIL',
    sentence: 'The origin refused the connection or could not be reached.',
  },
  'connect-timeout': {
    side: 'upstream',
    status: 504,
    squid: 'ERR_CONNECT_FAIL',
    sentence: 'The origin did not accept the connection in time.',
  },
  'upstream-tls': {
    side: 'upstream',
    status: 503,
    squid: 'ERR_SECURE_CONNECT_FAIL',
    sentence: 'The TLS handshake with the origin failed.',
  },
  'upstream-certificate': {
    side: 'upstream',
    status: 503,
    squid: 'ERR_SECURE_CONNECT_FAIL',
    sentence: 'The certificate of the origin is not valid.',
  },
  'upstream-name': {
    side: 'upstream',
    status: 503,
    squid: 'ERR_SECURE_CONNECT_FAIL',
    sentence: 'The certificate of the origin is for other names.',
  },
  'client-cert-required': {
    side: 'upstream',
    status: 502,
    squid: 'ERR_SECURE_CONNECT_FAIL',
    sentence: 'The origin goes on only with a client certificate that it accepts.',
  },
  'response-malformed': {
    side: 'upstream',
    status: 502,
    squid: 'ERR_INVALID_RESP',
    sentence: 'The reply of the origin is malformed.',
  },
  'response-timeout': {
    side: 'upstream',
    status: 504,
    squid: 'ERR_READ_TIMEOUT',
    sentence: 'The origin did not reply in time.',
  },
  'response-aborted': {
    side: 'upstream',
    status: 502,
    squid: 'ERR_READ_ERROR',
    sentence: 'The origin closed the connection before its reply was complete.',
  },
  'no-websocket': {
    side: 'upstream',
    status: 502,
    squid: 'ERR_INVALID_RESP',
    sentence: 'The origin speaks nothing but HTTP/2, and opens no WebSocket over it.',
  },
  'parent-auth': {
    side: 'upstream',
    status: 502,
    squid: 'ERR_CACHE_ACCESS_DENIED',
    sentence: 'The parent proxy does not take the credentials of this proxy.',
  },
  'parent-refused': {
    side: 'upstream',
    status: 403,
    squid: 'ERR_FORWARDING_DENIED',
    sentence: 'The parent proxy refuses the request.',
  },
  'parent-failed': {
    side: 'upstream',
    status: 502,
    squid: 'ERR_CANNOT_FORWARD',
    sentence: 'The parent proxy failed, or could not reach the origin.',
  },
  'parent-malformed': {
    side: 'upstream',
    status: 502,
    squid: 'ERR_INVALID_RESP',
    sentence: 'The parent proxy gave no answer that could be read.',
  },
  'parent-unreachable': {
    side: 'upstream',
    status: 503,
    squid: 'ERR_CONNECT_FAIL',
    sentence: 'The parent proxy could not be reached.',
  },
  'parent-timeout': {
    side: 'upstream',
    status: 504,
    squid: 'ERR_CONNECT_FAIL',
    sentence: 'The parent proxy did not answer in time.',
  },
  'parent-tls': {
    side: 'upstream',
    status: 503,
    squid: 'ERR_SECURE_CONNECT_FAIL',
    sentence: 'The parent proxy has not proven by TLS who it is.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;
