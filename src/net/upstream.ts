// The way to an origin: resolve, check each address, dial a checked one, verify the certificate. A Route can only be
// had for a Permit, and only a Route can be dialled. Called by http/origin-pools and flow/splice.

import type { X509Certificate } from 'node:crypto';
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Authority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import type { TlsFacts } from '../core/session.ts';
import type { OwnCa } from '../pki/own-ca.ts';
import type { UpstreamContext } from '../pki/upstream-trust.ts';
import type { AddressGuard } from '../policy/address-guard.ts';
import { CertificateWish } from './certificate-wish.ts';
import { tlsFacts } from './client-tls.ts';
import type { ConnectionNotes } from './connection-notes.ts';
import { dial, type Open } from './dial.ts';
import { feed } from './feed.ts';
import type { OwnDials } from './own-dials.ts';
import type { ThroughParent } from './parent.ts';
import type { ParentRoute } from './parent-route.ts';
import type { Parents } from './parents.ts';
import { PeerVerifier } from './peer-verifier.ts';
import type { Resolver } from './resolver.ts';
import { UpstreamHandshakes } from './upstream-handshakes.ts';
import type { UpstreamIdentities } from './upstream-identities.ts';
import { UpstreamMeter } from './upstream-meter.ts';

/** The addresses that a permitted authority may be dialled at, all checked, at least one; or the parents to ask. */
export interface Route {
  readonly permit: Permit;
  readonly addresses: readonly string[];
  /** Milliseconds the resolver took. */
  readonly dnsTime: number;
  /** It leads through a parent, which resolves the name itself: then there may be no address. */
  readonly via?: ParentRoute;
  /** What a CONNECT to a parent has in Via before us. */
  readonly vias?: readonly string[];
}

/** As ALPN names them (RFC 7301). */
export type Protocol = 'http/1.1' | 'h2';

export interface UpstreamConnection {
  readonly socket: Socket | TLSSocket;
  /** The address it was dialled at. */
  readonly address: string;
  readonly tls?: TlsFacts;
  /** What the origin has chosen of what it was offered. */
  readonly protocol: Protocol;
  readonly timings: { readonly dns: number; readonly connect: number; readonly tls?: number };
  /** There where the origin has asked for a client certificate: what it made of the answer. */
  readonly wish?: CertificateWish;
  /** The parent that it leads through; `address` is then that of the parent. */
  readonly parent?: ThroughParent;
}

const ONE: readonly Protocol[] = ['http/1.1'];

export interface UpstreamParts {
  readonly resolver: Resolver;
  readonly guard: AddressGuard;
  /** Made once per trust set: it costs more than a handshake. */
  readonly context: UpstreamContext;
  /** The client certificates we have for some origins. */
  readonly identities?: UpstreamIdentities | undefined;
  /** Our interception CA, which no origin may have a certificate of. */
  readonly ownCa?: OwnCa;
  /** Is told of each connection, where there is one. */
  readonly ownDials?: OwnDials | undefined;
  /** Where a log format asks for it. */
  readonly notes?: ConnectionNotes | undefined;
  /** Milliseconds. */
  readonly connectTimeout: number;
  readonly handshakeTimeout: number;
  /** Counts what is dialled here; parents have their own way. */
  readonly meter?: UpstreamMeter;
  /** Absent: every origin is dialled. */
  readonly parents?: Parents;
  /** Is told what each origin shows in its handshake, before it is judged; for whoever looks into a failure. */
  readonly onShown?: ((leaf: X509Certificate | undefined) => void) | undefined;
}

export class Upstream {
  readonly #parts: UpstreamParts;
  readonly #handshakes: UpstreamHandshakes;
  readonly #meter: UpstreamMeter;

  constructor(parts: UpstreamParts) {
    this.#parts = parts;
    this.#meter = parts.meter ?? new UpstreamMeter();
    const verifier = new PeerVerifier(parts.context.roots, parts.ownCa);
    this.#handshakes = new UpstreamHandshakes(verifier, parts.handshakeTimeout, parts.onShown);
  }

  /** Resolves the permitted host and drops every address that must not be dialled. Throws ProxyError. */
  async locate(permit: Permit, vias?: readonly string[]): Promise<Route> {
    return this.locateAtOnce(permit, vias) ?? this.#resolve(permit);
  }

  /** As `locate`, where nobody has to be asked, as nearly always: undefined elsewhere. Throws ProxyError. */
  locateAtOnce(permit: Permit, vias: readonly string[] = []): Route | undefined {
    const { authority } = permit;
    const via = this.viaTo(authority);
    if (via) return { permit, addresses: this.#check(authority, this.#known(authority)), dnsTime: 0, via, vias };
    const all = authority.kind === 'name' ? this.#parts.resolver.recall(authority.host) : [authority.host];
    return all && { permit, addresses: this.#check(authority, all), dnsTime: 0 };
  }

  /** Who knows the addresses of names. */
  get resolver(): Resolver {
    return this.#parts.resolver;
  }

  /** The parents that lead to the authority; undefined: it is dialled. */
  viaTo(authority: Authority): ParentRoute | undefined {
    return this.#parts.parents?.routeTo(authority);
  }

  async #resolve(permit: Permit): Promise<Route> {
    const { authority } = permit;
    const begin = performance.now();
    const all = authority.kind === 'name' ? await this.#parts.resolver.resolve(authority.host) : [authority.host];
    const dnsTime = performance.now() - begin;
    return { permit, addresses: this.#check(authority, all), dnsTime };
  }

  /** What can be said without asking, where a parent will resolve the name. */
  #known({ kind, host }: Authority): readonly string[] {
    if (kind !== 'name') return [host];
    // RFC 6761 section 6.3: whoever resolves it, it is the machine itself, there that of the parent.
    if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1'];
    return this.#parts.resolver.known(host) ?? [];
  }

  /** Those that may be dialled; throws where none of several may. */
  #check(authority: Authority, all: readonly string[]): readonly string[] {
    const addresses: string[] = [];
    const reasons: string[] = [];
    for (const address of all) {
      const check = this.#parts.guard.check(address, authority.port);
      if (check.ok) addresses.push(address);
      else reasons.push(check.reason);
    }
    if (addresses.length > 0 || all.length === 0) return addresses;
    throw new ProxyError(
      'address-forbidden',
      `${authority.host}: ${reasons.join('; ')}. Ranges that may be dialled stand under upstream.allowAddresses.`,
    );
  }

  /** A TCP connection to a checked address, paused; its bytes go to `onread`, past the stream. Throws ProxyError. */
  connect(route: Route, onread?: OnReadOpts): Promise<UpstreamConnection> {
    if (route.via) return this.#through(route, (via, authority) => via.tunnel(authority, route.vias), onread);
    return this.#dial(route, (target) => connect({ ...target, ...(onread ? { onread } : {}) }).pause());
  }

  /** For plain requests: as `connect`, but of a parent the connection itself, for requests in absolute form. */
  connectPlainly(route: Route, onread?: OnReadOpts): Promise<UpstreamConnection> {
    return route.via
      ? this.#through(route, (via, authority) => via.reach(authority), onread)
      : this.connect(route, onread);
  }

  /**
   * A TLS connection whose peer has proven to be the authority; its bytes go to `onread`, past the stream. Throws
   * ProxyError; then nothing is left open. `protocols`: what it is offered, the first one preferred.
   */
  async connectSecurely(
    route: Route,
    onread?: OnReadOpts,
    protocols: readonly Protocol[] = ONE,
  ): Promise<UpstreamConnection> {
    const { permit, via, vias } = route;
    if (via) {
      const tunnel = await via.tunnel(permit.authority, vias);
      return tunnel
        ? this.#secureTunnel(tunnel, permit, protocols, onread)
        : this.connectSecurely(await this.#resolve(permit), onread, protocols);
    }
    const { socket, ...tcp } = await this.#dial(route, (target) =>
      connectTls({ ...target, ...(onread ? { onread } : {}), ...this.#tlsOptions(permit, protocols) }),
    );
    return { ...tcp, ...(await this.#proven(socket, permit, tcp.timings)) };
  }

  /** The origin proves itself through the tunnel as it would without: the parent sees nothing but records. */
  async #secureTunnel(
    tunnel: UpstreamConnection,
    permit: Permit,
    protocols: readonly Protocol[],
    onread: OnReadOpts | undefined,
  ): Promise<UpstreamConnection> {
    const socket = connectTls({ socket: tunnel.socket, ...this.#tlsOptions(permit, protocols) });
    const proven = await this.#proven(socket, permit, tunnel.timings).catch((thrown: unknown) => {
      tunnel.socket.destroy();
      const { code, detail, cause } = asProxyError(thrown);
      throw new ProxyError(code, `${detail} (through the parent ${tunnel.parent?.name})`, { cause });
    });
    // HTTP/2 takes the socket itself, and what waits in it.
    if (onread && proven.protocol === 'http/1.1') feed(socket, onread);
    return { ...tunnel, ...proven };
  }

  /** What is known of the connection once the handshake has ended well. */
  async #proven(
    socket: TLSSocket,
    { authority, identity }: Permit,
    timings: UpstreamConnection['timings'],
  ): Promise<Pick<UpstreamConnection, 'socket' | 'tls' | 'timings' | 'protocol' | 'wish'>> {
    const begin = performance.now();
    const wish = new CertificateWish(authority, identity !== undefined);
    try {
      await this.#handshakes.end(socket, authority, wish);
    } catch (thrown) {
      this.#meter.handshakeFailed(thrown);
      throw thrown;
    }
    const tls = performance.now() - begin;
    this.#meter.shaken(tls);
    this.#parts.notes?.note(socket);
    const protocol = socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
    const facts = { socket, tls: tlsFacts(socket), timings: { ...timings, tls }, protocol } as const;
    return wish.asked ? { ...facts, wish } : facts;
  }

  #tlsOptions({ authority, identity }: Permit, protocols: readonly Protocol[]): ConnectionOptions {
    return {
      secureContext: this.#contextOf(identity),
      // RFC 6066 section 3: an address is never sent as a server name.
      ...(authority.kind === 'name' ? { servername: authority.host } : {}),
      ALPNProtocols: [...protocols],
      rejectUnauthorized: true,
      // OpenSSL judges the chain; then we do, and the name, resumed session or not.
      checkServerIdentity: () => undefined,
      requestOCSP: true,
      // No session option: what is never offered cannot be resumed to another name, trust or client.
    };
  }

  #contextOf(identity: string | undefined): UpstreamContext {
    const { context, identities } = this.#parts;
    return identity === undefined ? context : (identities?.contextOf(identity) ?? context);
  }

  /** Over a parent; or directly, where that is the last resort and no parent gives an answer. */
  async #through(
    route: Route,
    ask: (via: ParentRoute, authority: Authority) => Promise<UpstreamConnection | undefined>,
    onread: OnReadOpts | undefined,
  ): Promise<UpstreamConnection> {
    const connection = route.via && (await ask(route.via, route.permit.authority));
    if (!connection) return this.connect(await this.#resolve(route.permit), onread);
    if (onread) feed(connection.socket, onread);
    return connection;
  }

  async #dial<S extends Socket>({ permit, addresses, dnsTime }: Route, open: Open<S>) {
    const begin = performance.now();
    try {
      const { socket, address } = await dial(addresses, permit.authority.port, this.#parts.connectTimeout, open);
      this.#parts.ownDials?.add(socket);
      this.#parts.notes?.note(socket);
      const connect = performance.now() - begin;
      this.#meter.dialled(connect);
      return { socket, address, protocol: 'http/1.1', timings: { dns: dnsTime, connect } } as const;
    } catch (thrown) {
      this.#meter.dialFailed(thrown);
      throw thrown;
    }
  }
}
