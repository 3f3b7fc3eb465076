// The options that net/ wants; config/ reads them.

export interface ListenOptions {
  readonly address: string;
  /** 0 lets the system choose, for tests. */
  readonly port: number;
  /** Names in the certificate for TLS to the proxy itself, besides the address the client came to. */
  readonly names: readonly string[];
  /** Absent: nobody in front of us says whose connection it passes on. */
  readonly proxyProtocol?: ProxyProtocolOptions | undefined;
  /** For connections that a firewall has turned around to us; absent: clients know that we are a proxy. */
  readonly transparent?: InterceptOptions | undefined;
}

export interface ProxyProtocolOptions {
  /** Addresses and ranges whose PROXY header is believed, and required. */
  readonly from: readonly string[];
}

/** The ports at which the origins of intercepted connections are dialled: where they were sent to is not known here. */
export interface InterceptOptions {
  readonly httpsPort: number;
  /** Where Host does not say another. */
  readonly httpPort: number;
}

export interface UpstreamOptions {
  /** `system`, or absolute paths of PEM files. */
  readonly trust: readonly string[];
  /** Absolute paths of PEM files with revocation lists; empty: revocation is not looked at. */
  readonly crl: readonly string[];
  /** Private or loopback ranges that may be dialled. */
  readonly allowAddresses: readonly string[];
}

export interface ResolverOptions {
  /** Name servers, `address` or `address:port`; empty: the system's. */
  readonly servers: readonly string[];
  /** Names answered from here, before anything is asked. */
  readonly hosts: Readonly<Record<string, string | readonly string[]>>;
  /** Milliseconds an answer is kept at most, whatever its TTL. */
  readonly maxTtl: number;
}
