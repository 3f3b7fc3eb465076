// The options that net/ wants; config/ reads them.

import type { Authority } from '../core/authority.ts';

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
  /** Certificates of ours for origins that want one; the first that fits is used, and nowhere else. */
  readonly clientCertificates?: readonly ClientCertificateOptions[];
  /** Proxies that lead on. */
  readonly parents: readonly ParentOptions[];
  /** The first that takes a host decides; what none takes goes through the parents, in their order. */
  readonly routes: readonly RouteOptions[];
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

/** Another proxy that requests are sent through. */
export interface ParentOptions {
  readonly name: string;
  /** Where it listens, and whether TLS is spoken to it. */
  readonly url: ParentUrl;
  readonly user?: string;
  readonly password?: string;
  /** Absolute path of a file whose first line is the password. */
  readonly passwordFile?: string;
  /** Roots that its certificate is held against; without them, those of origins. */
  readonly trust?: readonly string[];
  /** Milliseconds for one attempt: from the dial to the answer to CONNECT. */
  readonly timeout: number;
}

export interface ParentUrl {
  readonly secure: boolean;
  readonly authority: Authority;
}

export interface RouteOptions {
  /** Host patterns; without them the route takes every host. */
  readonly hosts?: readonly string[];
  /** Names of parents in the order they are tried, or `direct`, which can only be the last. */
  readonly via: readonly string[];
  readonly choose: 'inOrder' | 'roundRobin';
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
export interface ClientVerifierOptions {
  /** Absolute paths of PEM files: what the certificates of clients must lead to. */
  readonly trust: readonly string[];
  /** Absolute paths of PEM files with revocation lists. */
  readonly crl: readonly string[];
  /** `require`: a client without one is turned away; `request`: it is nobody. */
  readonly mode: 'request' | 'require';
  /** Which name of the certificate is the user: the common name of its subject, or its one alternative name. */
  readonly user: 'cn' | 'san';
}
