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
  /** Certificates of ours for origins that want one; the first that fits is used, and nowhere else. */
  readonly clientCertificates?: readonly ClientCertificateOptions[];
}

export interface ClientCertificateOptions {
  /** Patterns of the origins' hosts. */
  readonly hosts: readonly string[];
  /** Addresses and ranges of the clients whose requests may go with it; absent: of all that policy allows there. */
  readonly clients?: readonly string[];
  /** Absolute paths of PEM files: the certificate and those above it, and its private key. */
  readonly cert: string;
  readonly key: string;
  /** Absolute path of a file whose one line is the passphrase of the key. */
  readonly passphraseFile?: string;
}

export interface ResolverOptions {
  /** Name servers, `address` or `address:port`; empty: the system's. */
  readonly servers: readonly string[];
  /** Names answered from here, before anything is asked. */
  readonly hosts: Readonly<Record<string, string | readonly string[]>>;
  /** Milliseconds an answer is kept at most, whatever its TTL. */
  readonly maxTtl: number;
}
