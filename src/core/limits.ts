// How long we wait, as one named option per wait, in milliseconds. config/ reads them, net/, http/ and flow/ obey them.

export interface Limits {
  /** From accept, or from the first byte of a further request, to the end of its header. */
  readonly headerTimeout: number;
  /** Each TLS handshake, either side; also the wait for a ClientHello after CONNECT. */
  readonly handshakeTimeout: number;
  /** From the dial to the accepted TCP connection, all addresses together; also each DNS question. */
  readonly connectTimeout: number;
  /** Origin silent before or within a reply. */
  readonly responseTimeout: number;
  /** Client silent within a request body, or taking nothing more of its reply. */
  readonly bodyTimeout: number;
  /** A connection without a request on it, either side. */
  readonly keepAliveTimeout: number;
  /** A spliced tunnel in which no byte moves. */
  readonly tunnelIdleTimeout: number;
}

/** The reasons stand in the README's table of limits. */
export const DEFAULT_LIMITS: Limits = {
  headerTimeout: 10_000,
  handshakeTimeout: 10_000,
  connectTimeout: 5_000,
  responseTimeout: 60_000,
  bodyTimeout: 60_000,
  keepAliveTimeout: 120_000,
  tunnelIdleTimeout: 300_000,
};
