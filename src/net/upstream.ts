// The way to an origin: resolve, check each address, dial a checked one, verify the certificate. A Route can only be
// had for a Permit, and only a Route can be dialled. Called by http/origin-pools and flow/splice.

import { connect, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Authority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { asProxyError, messageOf, ProxyError } from '../core/errors.ts';
import type { TlsFacts } from '../core/session.ts';
import type { OwnCa } from '../pki/own-ca.ts';
import type { UpstreamContext } from '../pki/upstream-trust.ts';
import type { AddressGuard } from '../policy/address-guard.ts';
import { tlsFacts } from './client-tls.ts';
import { dial, type Open } from './dial.ts';
import { PeerVerifier, type Shown } from './peer-verifier.ts';
import type { Resolver } from './resolver.ts';

/** The addresses that a permitted authority may be dialled at: all checked, at least one. */
export interface Route {
  readonly permit: Permit;
  readonly addresses: readonly string[];
  /** Milliseconds the resolver took. */
  readonly dnsTime: number;
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
}

const ONE: readonly Protocol[] = ['http/1.1'];

export interface UpstreamParts {
  readonly resolver: Resolver;
  readonly guard: AddressGuard;
  /** Made once per trust set: it costs more than a handshake. */
  readonly context: UpstreamContext;
  /** Our interception CA, which no origin may have a certificate of. */
  readonly ownCa?: OwnCa;
  /** Milliseconds. */
  readonly connectTimeout: number;
  readonly handshakeTimeout: number;
}

export class Upstream {
  readonly #parts: UpstreamParts;
  readonly #verifier: PeerVerifier;

  constructor(parts: UpstreamParts) {
    this.#parts = parts;
    this.#verifier = new PeerVerifier(parts.context.roots, parts.ownCa);
  }

  /** Resolves the permitted host and drops every address that must not be dialled. Throws ProxyError. */
  async locate(permit: Permit): Promise<Route> {
    const { authority } = permit;
    const begin = performance.now();
    const all = authority.kind === 'name' ? await this.#parts.resolver.resolve(authority.host) : [authority.host];
    const dnsTime = performance.now() - begin;
    const addresses: string[] = [];
    const reasons: string[] = [];
    for (const address of all) {
      const check = this.#parts.guard.check(address, authority.port);
      if (check.ok) addresses.push(address);
      else reasons.push(check.reason);
    }
    if (addresses.length > 0) return { permit, addresses, dnsTime };
    throw new ProxyError(
      'address-forbidden',
      `${authority.host}: ${reasons.join('; ')}. Ranges that may be dialled stand under upstream.allowAddresses.`,
    );
  }

  /** A TCP connection to a checked address, paused; its bytes go to `onread`, past the stream. Throws ProxyError. */
  async connect(route: Route, onread?: OnReadOpts): Promise<UpstreamConnection> {
    const dialled = await this.#dial(route, (target) => connect({ ...target, ...(onread ? { onread } : {}) }).pause());
    return { ...dialled, protocol: 'http/1.1' };
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
    const { authority } = route.permit;
    const { socket, ...tcp } = await this.#dial(route, (target) =>
      connectTls({
        ...target,
        ...(onread ? { onread } : {}),
        secureContext: this.#parts.context,
        // RFC 6066 section 3: an address is never sent as a server name.
        ...(authority.kind === 'name' ? { servername: authority.host } : {}),
        ALPNProtocols: [...protocols],
        rejectUnauthorized: true,
        // OpenSSL judges the chain; then we do, and the name, resumed session or not.
        checkServerIdentity: () => undefined,
        requestOCSP: true,
        // No session option: what is never offered cannot be resumed to another name, trust or client.
      }),
    );
    const begin = performance.now();
    await this.#verify(socket, authority);
    const timings = { ...tcp.timings, tls: performance.now() - begin };
    const protocol = socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
    return { ...tcp, socket, tls: tlsFacts(socket), timings, protocol };
  }

  async #dial<S extends Socket>({ permit, addresses, dnsTime }: Route, open: Open<S>) {
    const begin = performance.now();
    const { socket, address } = await dial(addresses, permit.authority.port, this.#parts.connectTimeout, open);
    return { socket, address, timings: { dns: dnsTime, connect: performance.now() - begin } };
  }

  /** Waits for the end of the handshake, and judges the peer. No byte of it has come yet: TCP stands since this turn. */
  #verify(tls: TLSSocket, authority: Authority): Promise<void> {
    return new Promise((resolve, reject) => {
      // Node makes an object of the whole chain for checkServerIdentity. It costs more than all our checks, and with a key
      // on a curve that has no NIST name (brainpool, secp256k1) it ends the process by a null pointer (26.10.0).
      Object.assign(tls, { getPeerCertificate: () => ({}) });
      let shown: Shown = { leaf: undefined, staple: undefined, resumed: false };
      tls.once('OCSPResponse', (staple: Buffer | null) => {
        shown = { ...shown, staple: staple ?? undefined };
      });
      // Before Node itself hears of it: a refused socket has no peer certificate any more.
      tls.prependOnceListener('secure', () => {
        shown = { ...shown, leaf: tls.getPeerX509Certificate(), resumed: tls.isSessionReused() };
      });
      const timer = setTimeout(
        () => fail(new ProxyError('upstream-tls', 'No end of the handshake in time.')),
        this.#parts.handshakeTimeout,
      );
      const fail = (error: ProxyError): void => {
        clearTimeout(timer);
        reject(error);
        tls.destroy();
      };
      // Nobody stands above a listener: what a fault of ours throws there would be nobody's, and the wait without end.
      const guarded = (judge: () => void): void => {
        try {
          judge();
        } catch (fault) {
          fail(asProxyError(fault));
        }
      };
      // Stays for the socket's life; after the handshake, its owner learns of the end by 'close'.
      tls.on('error', (cause: Error & { code?: string }) =>
        guarded(() => fail(this.#handshakeError(cause, shown, authority))),
      );
      tls.once('close', () => fail(new ProxyError('upstream-tls', 'The origin closed the connection.')));
      tls.once('secureConnect', () => {
        clearTimeout(timer);
        guarded(() => {
          const refusal = this.#verifier.refusal(shown, authority);
          if (refusal) fail(refusal);
          else resolve();
        });
      });
    });
  }

  #handshakeError(cause: Error & { code?: string }, { leaf }: Shown, authority: Authority): ProxyError {
    const code = cause.code ?? '';
    // OpenSSL's verdicts on a chain carry bare names; protocol failures begin with ERR_ or are errno names.
    const isVerdict = /^[A-Z][A-Z_]+$/.test(code) && !/^(?:ERR_|E[A-Z]+$)/.test(code);
    if (!isVerdict) return new ProxyError('upstream-tls', messageOf(cause), { cause });
    return this.#verifier.explain(cause, leaf, authority);
  }
}
