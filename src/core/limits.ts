// How long we wait and how much we hold, as one named option each; waits are milliseconds. config/ reads them, net/, http/
// and flow/ obey them. The reasons stand in the README's table of limits.

/** Every wait has an end. */
export interface Waits {
  /** From accept, or from the first byte of a further request, to the end of its header. */
  readonly headerTimeout: number;
  /** Each TLS handshake, either side; the wait for a ClientHello after CONNECT; twice the wait for a turn. */
  readonly handshakeTimeout: number;
  /** From the dial to the accepted TCP connection, all addresses together; each DNS question; the wait for a free place. */
  readonly connectTimeout: number;
  /** Origin silent before or within a reply. */
  readonly responseTimeout: number;
  /** Client silent within a request body, or taking nothing more of its reply. */
  readonly bodyTimeout: number;
  /** A connection without a request on it, either side. */
  readonly keepAliveTimeout: number;
  /** A spliced tunnel or an upgraded connection in which no byte moves; a stream of events without one. */
  readonly tunnelIdleTimeout: number;
  /** What is in flight when the proxy is stopped, or a worker of it is one too many. */
  readonly drainTimeout: number;
}

/** Milliseconds that a body may be silent: one that is a conversation as long as a tunnel, if that is longer. */
export function bodyPatience({ bodyTimeout, tunnelIdleTimeout }: Waits, isLasting: boolean): number {
  return isLasting ? Math.max(bodyTimeout, tunnelIdleTimeout) : bodyTimeout;
}

/** Nobody takes more than a share. A client is an IPv4 address or an IPv6 /64. */
export interface Shares {
  /** Client connections served at once; `auto`: what the file descriptors of each process allow. */
  readonly connections: number | 'auto';
  /** Of these, by one client. */
  readonly connectionsPerClient: number;
  /** TLS handshakes with one client at once; further ones wait their turn. */
  readonly handshakesPerClient: number;
  /** Certificates minted for one client in a second, on average; further ones wait their turn. */
  readonly mintsPerClient: number;
  /** Passwords checked for one client in a second, on average; further ones wait their turn. */
  readonly passwordsPerClient: number;
  /** Connections kept to origins that have no request on them. */
  readonly idleConnections: number;
  /** Of these, to one origin. */
  readonly idlePerOrigin: number;
  /** Bytes in a second that a client must bring of its body, on average over `bodyTimeout`; 0 asks for none. */
  readonly slowestBody: number;
}

export interface Limits extends Waits, Shares {}

export const DEFAULT_WAITS: Waits = {
  headerTimeout: 10_000,
  handshakeTimeout: 10_000,
  connectTimeout: 5_000,
  responseTimeout: 60_000,
  bodyTimeout: 60_000,
  keepAliveTimeout: 120_000,
  tunnelIdleTimeout: 300_000,
  drainTimeout: 30_000,
};

export const DEFAULT_SHARES: Shares = {
  connections: 'auto',
  connectionsPerClient: 1_000,
  handshakesPerClient: 100,
  mintsPerClient: 50,
  passwordsPerClient: 10,
  idleConnections: 1_024,
  idlePerOrigin: 64,
  slowestBody: 100,
};

export const DEFAULT_LIMITS: Limits = { ...DEFAULT_WAITS, ...DEFAULT_SHARES };

/** What one of several equal workers may hold so that all of them hold the whole; what does not divide is rounded up. */
export function limitsOfOne(limits: Limits, workers: number): Limits {
  const part = (whole: number): number => Math.ceil(whole / workers);
  return {
    ...limits,
    // Each process has the descriptors of its own.
    connections: limits.connections === 'auto' ? 'auto' : part(limits.connections),
    connectionsPerClient: part(limits.connectionsPerClient),
    handshakesPerClient: part(limits.handshakesPerClient),
    mintsPerClient: part(limits.mintsPerClient),
    passwordsPerClient: part(limits.passwordsPerClient),
    idleConnections: part(limits.idleConnections),
    idlePerOrigin: part(limits.idlePerOrigin),
  };
}
