// The options that net/ wants; config/ reads them.

export interface ListenOptions {
  readonly address: string;
  /** 0 lets the system choose, for tests. */
  readonly port: number;
  /** Names in the certificate for TLS to the proxy itself, besides the address the client came to. */
  readonly names: readonly string[];
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

/** What is asked of clients that speak TLS to the proxy itself. */
export interface ClientCertificateOptions {
  /** Absolute paths of PEM files: what the certificates of clients must lead to. */
  readonly trust: readonly string[];
  /** Absolute paths of PEM files with revocation lists. */
  readonly crl: readonly string[];
  /** `require`: a client without one is turned away; `request`: it is nobody. */
  readonly mode: 'request' | 'require';
  /** Which name of the certificate is the user: the common name of its subject, or its one alternative name. */
  readonly user: 'cn' | 'san';
}
