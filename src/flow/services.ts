// What the stages of a connection need from the rooms below; proxy.ts puts it together, nothing here is global.

import type { Authenticator } from '../auth/authenticator.ts';
import type { Limits } from '../core/limits.ts';
import type { Roster } from '../core/roster.ts';
import type { Rejections } from '../exceptions/rejections.ts';
import type { OriginPools } from '../http/origin-pools.ts';
import type { OwnPages } from '../http/own-pages.ts';
import type { PageStyle } from '../http/page-style.ts';
import type { MessageServer } from '../http/server.ts';
import type { Tally } from '../metrics/tally.ts';
import type { ClientVerifier } from '../net/client-verifier.ts';
import type { OwnDials } from '../net/own-dials.ts';
import type { Pace } from '../net/pace.ts';
import type { Places } from '../net/places.ts';
import type { Turns } from '../net/turns.ts';
import type { Upstream } from '../net/upstream.ts';
import type { UpstreamIdentities } from '../net/upstream-identities.ts';
import type { LeafStore } from '../pki/leaf-store.ts';
import type { Policy } from '../policy/policy.ts';
import type { Errand } from './answer-request.ts';
import type { Journal } from './journal.ts';
import type { Manager } from './manager.ts';
import type { OpenTunnels } from './open-tunnels.ts';
import type { WantingOrigins } from './wanting-origins.ts';

export interface Services {
  readonly policy: Policy;
  readonly upstream: Upstream;
  readonly pools: OriginPools;
  readonly leaves: LeafStore;
  /** Leaves for TLS to the proxy itself: the same ones, unless clients are asked for a certificate there. */
  readonly ownLeaves: LeafStore;
  /** Undefined: clients are not asked for a certificate. */
  readonly clientVerifier: ClientVerifier | undefined;
  readonly pages: OwnPages;
  /** Squid's manager reports. */
  readonly manager: Manager;
  readonly journal: Journal;
  /** Counts what the journal writes, and handshakes. */
  readonly tally: Tally;
  /** What all refusals have in common. */
  readonly style: PageStyle;
  readonly limits: Limits;
  /** Who may come in. */
  readonly places: Places;
  /** Whose turn it is to shake hands with us. */
  readonly handshakes: Turns;
  /** Whose turn it is to have a leaf minted. */
  readonly mints: Pace;
  /** HTTP/2 is spoken where both sides can. */
  readonly http2: boolean;
  /** Who knows the users; undefined: nobody is ever asked. */
  readonly auth: Authenticator | undefined;
  /** Whose turn it is to have a password checked. */
  readonly passwords: Pace;
  /** Clients that reject our certificates, and what follows from it; undefined: nothing does. */
  readonly rejections: Rejections | undefined;
  /** Origins that want a client certificate. */
  readonly wanting: WantingOrigins;
  /** The client certificates we have for origins. */
  readonly identities: UpstreamIdentities | undefined;
  /** Only where a firewall could send them back to us. */
  readonly ownDials?: OwnDials | undefined;
  /** Every tunnel that is passed through unread: its origin's side may outlive the client's. */
  readonly tunnels: OpenTunnels;
  /** Requests that have come and whose line is not written yet. */
  readonly underWay: Roster<Errand>;
  /** Our pseudonym in Via; undefined sends none. */
  readonly via: string | undefined;
  /** Stands behind it in Via towards parents: several proxies may have one name. */
  readonly instance: string;
  /** Fires when a drain begins: what is idle is closed by us. */
  readonly stopping: AbortSignal;
}

/** With the parser, which needs the stages as its handlers and so comes last. */
export interface Stage extends Services {
  readonly server: MessageServer;
}
