// The way to an origin: resolve, check each address, dial a checked one, verify the certificate. A Route can only be
// had for a Permit, and only a Route can be dialled. Called by http/origin-pools and flow/splice.

import type { Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { type Authority, formatAuthority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { messageOf, ProxyError } from '../core/errors.ts';
import type { TlsFacts } from '../core/session.ts';
import { checkNames, describeChainError } from '../pki/verify-upstream.ts';
import type { AddressGuard } from '../policy/address-guard.ts';
import { readCertificateFacts } from '../wire/certificate.ts';
import { tlsFacts } from './client-tls.ts';
import { dial } from './dial.ts';
import type { Resolver } from './resolver.ts';

/** The addresses that a permitted authority may be dialled at: all checked, at least one. */
export interface Route {
  readonly permit: Permit;
  readonly addresses: readonly string[];
  /** Milliseconds the resolver took. */
  readonly dnsTime: number;
}

export interface UpstreamConnection {
  readonly socket: Socket | TLSSocket;
  /** The address it was dialled at. */
  readonly address: string;
  readonly tls?: TlsFacts;
  readonly timings: { readonly dns: number; readonly connect: number; readonly tls?: number };
}

export interface UpstreamParts {
  readonly resolver: Resolver;
  readonly guard: AddressGuard;
  /** Made once per trust set: it costs more than a handshake. */
  readonly context: SecureContext;
  /** Milliseconds. */
  readonly connectTimeout: number;
  readonly handshakeTimeout: number;
}

export class Upstream {
  readonly #parts: UpstreamParts;

  constructor(parts: UpstreamParts) {
    this.#parts = parts;
  }

  /** Resolves the permitted host and drops every address that must not be dialled. Throws ProxyError. */
  async locate(permit: Permit): Promise<Route> {
    const { authority } = permit;
    const begin = performance.now();
    const all = authority.kind === 'name' ? await this.#parts.resolver.resolve(authority.host) : [authority.host];
    const dnsTime = performance.now() - begin;
    const verdicts = all.map((address) => ({ address, check: this.#parts.guard.check(address, authority.port) }));
    const addresses = verdicts.filter(({ check }) => check.ok).map(({ address }) => address);
    if (addresses.length > 0) return { permit, addresses, dnsTime };
    const reasons = verdicts.flatMap(({ check }) => (check.ok ? [] : [check.reason]));
    throw new ProxyError('address-forbidden', `${authority.host}: ${reasons.join('; ')}.`);
  }

  /** A TCP connection to a checked address. Throws ProxyError. */
  async connect(route: Route): Promise<UpstreamConnection> {
    const begin = performance.now();
    const { socket, address } = await dial(route.addresses, route.permit.authority.port, this.#parts.connectTimeout);
    return { socket, address, timings: { dns: route.dnsTime, connect: performance.now() - begin } };
  }

  /** A TLS connection whose peer has proven to be the authority. Throws ProxyError; then nothing is left open. */
  async connectSecurely(route: Route): Promise<UpstreamConnection> {
    const { authority } = route.permit;
    const tcp = await this.connect(route);
    const begin = performance.now();
    try {
      const socket = await this.#handshake(tcp.socket, authority);
      const timings = { ...tcp.timings, tls: performance.now() - begin };
      return { socket, address: tcp.address, tls: tlsFacts(socket), timings };
    } catch (error) {
      tcp.socket.destroy();
      throw error;
    }
  }

  #handshake(socket: Socket, authority: Authority): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const tls = connectTls({
        socket,
        secureContext: this.#parts.context,
        // RFC 6066 section 3: an address is never sent as a server name.
        ...(authority.kind === 'name' ? { servername: authority.host } : {}),
        ALPNProtocols: ['http/1.1'],
        rejectUnauthorized: true,
        // OpenSSL judges the chain; the name is checked below, by us, resumed session or not.
        checkServerIdentity: () => undefined,
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
      // Stays for the socket's life; after the handshake, its owner learns of the end by 'close'.
      tls.on('error', (cause: Error & { code?: string }) => fail(handshakeError(cause, authority)));
      tls.once('close', () => fail(new ProxyError('upstream-tls', 'The origin closed the connection.')));
      tls.once('secureConnect', () => {
        clearTimeout(timer);
        const problem = nameProblem(tls, authority);
        if (problem) fail(problem);
        else resolve(tls);
      });
    });
  }
}

/** RFC 9525: the peer is whom its subjectAltName says, nobody else. */
function nameProblem(tls: TLSSocket, authority: Authority): ProxyError | undefined {
  const certificate = tls.getPeerX509Certificate();
  if (!certificate) return new ProxyError('upstream-certificate', 'The origin sent no certificate.');
  const facts = readCertificateFacts(certificate.raw);
  if (!facts.ok) return new ProxyError('upstream-certificate', `It cannot be read: ${facts.reason}.`);
  const names = checkNames(facts.value, authority);
  return names.ok ? undefined : new ProxyError('upstream-name', `${formatAuthority(authority)}: ${names.reason}`);
}

function handshakeError(cause: Error & { code?: string }, authority: Authority): ProxyError {
  const code = cause.code ?? '';
  // OpenSSL's verdicts on a chain carry bare names; protocol failures begin with ERR_ or are errno names.
  const isVerdict = /^[A-Z][A-Z_]+$/.test(code) && !/^(?:ERR_|E[A-Z]+$)/.test(code);
  if (!isVerdict) return new ProxyError('upstream-tls', messageOf(cause), { cause });
  // Some verdicts have no code of their own; only the message tells them apart.
  const { squid, sentence } = describeChainError(code, cause.message);
  return new ProxyError('upstream-certificate', `${authority.host}: ${sentence} (${squid})`, { cause });
}
