// The one error type of the proxy. A code says what happened, the side says whose doing it was, the cause is kept.
// The table below is the whole list: status for the client, Squid's error name for `X-Squid-Error`, one sentence.

export type Side = 'client' | 'upstream' | 'proxy';

interface ErrorKind {
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
  'listen-failed': { side: 'proxy', status: 500, squid: 'ERR_CANNOT_FORWARD', sentence: 'The port cannot be opened.' },
  'log-failed': { side: 'proxy', status: 500, squid: 'ERR_CANNOT_FORWARD', sentence: 'The log cannot be written.' },
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
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ErrorCode;
  /** What happened in this very case, fit to be shown to the client: never a secret, never a stack. */
  readonly detail: string;
  /** The address of the origin that was tried in vain. */
  readonly peer: string | undefined;

  constructor(code: ErrorCode, detail = '', options: { cause?: unknown; peer?: string | undefined } = {}) {
    // A refusal is no fault: where in our code it was made helps nobody, and finding that out costs as much as a policy.
    const limit = Error.stackTraceLimit;
    if (code !== 'internal') Error.stackTraceLimit = 0;
    super(detail ? `${ERROR_KINDS[code].sentence} ${detail}` : ERROR_KINDS[code].sentence, { cause: options.cause });
    Error.stackTraceLimit = limit;
    this.code = code;
    this.detail = detail;
    this.peer = options.peer;
  }

  get kind(): ErrorKind {
    return ERROR_KINDS[this.code];
  }

  get side(): Side {
    return this.kind.side;
  }

  get status(): number {
    return this.kind.status;
  }
}

/** Any thrown value as a ProxyError: itself, or `code` with the original as cause. */
export function asProxyError(thrown: unknown, code: ErrorCode = 'internal'): ProxyError {
  if (thrown instanceof ProxyError) return thrown;
  return new ProxyError(code, messageOf(thrown), { cause: thrown });
}

/** The message of a thrown value, with Node's error code when it has one; some of Node's errors are a code alone. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (!('code' in thrown) || typeof thrown.code !== 'string' || thrown.message.includes(thrown.code)) {
    return thrown.message;
  }
  return thrown.message ? `${thrown.code}: ${thrown.message}` : thrown.code;
}
