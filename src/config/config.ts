// The whole of what an administrator can set: the sum of the options that the rooms below ask for. load.ts makes it,
// the command line and the supervisor hand each room its slice.

import type { AuthOptions } from '../auth/options.ts';
import type { AdminOptions } from '../core/admin-options.ts';
import type { Limits } from '../core/limits.ts';
import type { RejectionOptions } from '../exceptions/rejections.ts';
import type { OnReload } from '../flow/open-tunnels.ts';
import type { TunnelEventOptions } from '../flow/tunnel-watch.ts';
import type { RefusalOptions } from '../http/page-style.ts';
import type { AccessLogOptions } from '../log/access-log.ts';
import type { ServiceLogOptions } from '../log/service-log.ts';
import type { ClientVerifierOptions, ListenOptions, ResolverOptions, UpstreamOptions } from '../net/options.ts';
import type { CaOptions } from '../pki/certificate-authority.ts';
import type { PolicyOptions } from '../policy/policy.ts';

/** Deeply frozen; every path in it is absolute, every wait in milliseconds. */
export interface Config {
  /** Absolute path of the file it was read from. */
  readonly file: string;
  readonly listen: readonly ListenOptions[];
  /** Processes that carry traffic; `auto` is one per core. */
  readonly workers: number | 'auto';
  /** Where operators reach it. */
  readonly admin: AdminOptions;
  readonly ca: CaOptions;
  /** Absent: nobody is asked who it is. */
  readonly auth?: AuthOptions & { readonly clientCertificates?: ClientVerifierOptions };
  readonly upstream: UpstreamOptions;
  readonly resolver: ResolverOptions;
  /** Our pseudonym in Via (RFC 9110 section 7.6.3); undefined sends none. */
  readonly via: string | undefined;
  /** HTTP/2 within decrypted tunnels, and to the proxy itself by TLS, where client and origin can. */
  readonly http2: boolean;
  readonly policy: PolicyOptions;
  /** What becomes of tunnels that pass unread when the config is used anew. */
  readonly onReload: OnReload;
  /** What becomes of clients that reject our certificates; absolute paths. */
  readonly rejections: RejectionOptions;
  readonly log: {
    readonly access: readonly AccessLogOptions[];
    /** Absent: a tunnel is told when it is over. */
    readonly tunnelEvents?: TunnelEventOptions;
    readonly service: ServiceLogOptions;
  };
  readonly limits: Limits;
  /** How refusals are told. */
  readonly refusals?: RefusalOptions;
}
