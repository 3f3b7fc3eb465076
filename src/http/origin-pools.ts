// Connections to origins, kept and shared by authority. Every one was dialled at a checked address and, for https,
// verified before it got in here. Called by flow/bump (is the origin who it says?) and forward.ts (one exchange).

import type { Socket } from 'node:net';
import { type Authority, formatAuthority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { Roster } from '../core/roster.ts';
import type { Scheme } from '../core/target.ts';
import { SharedIntake } from '../net/shared-intake.ts';
import type { Protocol, Route, Upstream, UpstreamConnection } from '../net/upstream.ts';
import type { H2Exchange } from './h2-exchange.ts';
import { H2Lane } from './h2-lane.ts';
import { H2Pool } from './h2-pool.ts';
import { KnownPlain } from './known-plain.ts';
import { Lane, type LaneParts } from './lane.ts';

/** HTTP/2 first: whoever asks for it can have the other, too. */
const BOTH: readonly Protocol[] = ['h2', 'http/1.1'];

export class OriginPools {
  readonly #upstream: Upstream;
  readonly #limits: Limits;
  readonly #http2: boolean;
  readonly #idle = new Map<string, Lane[]>();
  /** Those of all origins without an exchange, of either protocol, the one that has rested longest first. */
  readonly #resting = new Roster<Lane | H2Lane>();
  readonly #lanes = new Roster<Lane>();
  readonly #multiplexed = new H2Pool();
  readonly #plain = new KnownPlain();
  /** Dials that may turn out to be for many at once. */
  readonly #dialling = new Map<string, Promise<Lane | H2Exchange>>();
  #destroyed = false;
  #retired = false;

  /** `http2`: it may be spoken to origins. */
  constructor(upstream: Upstream, limits: Limits, http2 = true) {
    this.#upstream = upstream;
    this.#http2 = http2;
    this.#limits = limits;
  }

  /**
   * Makes sure that the authority has been reached and verified: by a connection that is alive and idle, or by a new
   * one that then waits for its first request. `route`: where the authority was located already; `streams`: it is to be
   * known whether the origin speaks HTTP/2. Throws ProxyError.
   */
  async ensure(permit: Permit, scheme: Scheme, route?: Route, streams = false): Promise<UpstreamConnection> {
    const { authority, identity } = permit;
    const origin = this.#nextTo(authority, scheme, identity);
    const multiplexed = this.#multiplexed.find(origin);
    if (multiplexed) return multiplexed.connection;
    const asks = streams && !this.#plain.has(origin);
    const idle = asks ? undefined : this.take(authority, scheme, undefined, identity);
    const way = idle ?? (await this.openWay(permit, scheme, asks, route));
    this.giveBack(way);
    return way.connection;
  }

  /** Where one exchange can run at once. `streams`: by HTTP/2 rather than HTTP/1; without, only where that is all there is. */
  takeWay(
    authority: Authority,
    scheme: Scheme,
    client: Socket,
    streams: boolean,
    identity?: string,
  ): Lane | H2Exchange | undefined {
    const via = this.#upstream.viaTo(authority);
    const origin = originOf(authority, scheme, via?.turn(authority), identity);
    const first = streams ? this.#enter(origin) : undefined;
    const way = first ?? this.#takeIdle(origin, client) ?? this.#enter(origin);
    if (way) via?.advance();
    return way;
  }

  /** A new connection for one exchange, and for others where the origin speaks HTTP/2. Throws ProxyError. */
  async openWay(permit: Permit, scheme: Scheme, streams: boolean, located?: Route): Promise<Lane | H2Exchange> {
    const origin = this.#nextTo(permit.authority, scheme, permit.identity);
    if (scheme !== 'https' || this.#plain.has(origin)) return this.open(permit, scheme, located);
    if (!streams) {
      try {
        return await this.open(permit, scheme, located);
      } catch (thrown) {
        // An origin that has nothing but HTTP/2 is spoken to so, whatever the client speaks.
        if (!this.#http2 || !wantsAnotherProtocol(thrown)) throw thrown;
      }
    }
    const dialling = this.#dialling.get(origin);
    if (dialling) {
      // A failure is told to whoever has dialled; the others try for themselves, as where it is full or gone again.
      const way = await dialling.catch(() => undefined);
      if (way instanceof Lane) return this.open(permit, scheme, located);
      return (way && this.#enter(way.origin)) ?? this.#openBoth(permit, located);
    }
    const opening = this.#openBoth(permit, located);
    this.#dialling.set(origin, opening);
    try {
      return await opening;
    } finally {
      this.#dialling.delete(origin);
    }
  }

  /** What was taken or opened and is not used, or used up. */
  giveBack(way: Lane | H2Exchange): void {
    if (way instanceof Lane) this.release(way);
    else way.destroy();
  }

  /**
   * An idle lane for one exchange: one that this client has logged in, else the one last used that is anybody's who goes
   * with the same client certificate.
   */
  take(authority: Authority, scheme: Scheme, client?: Socket, identity?: string): Lane | undefined {
    const via = this.#upstream.viaTo(authority);
    const lane = this.#takeIdle(originOf(authority, scheme, via?.turn(authority), identity), client);
    if (lane) via?.advance();
    return lane;
  }

  /** A stream for a WebSocket, where the origin is known to open such. */
  takeExtended(authority: Authority, scheme: Scheme, identity?: string): H2Exchange | undefined {
    const via = this.#upstream.viaTo(authority);
    const lane = this.#multiplexed.findExtended(originOf(authority, scheme, via?.turn(authority), identity));
    if (!lane) return undefined;
    via?.advance();
    leaveRest(lane);
    return lane.enter();
  }

  /** For a WebSocket: a new lane; or a stream, where the origin has nothing but HTTP/2. Throws ProxyError. */
  async openForWebSocket(permit: Permit, scheme: Scheme): Promise<Lane | H2Exchange> {
    try {
      return await this.open(permit, scheme);
    } catch (thrown) {
      if (!this.#http2 || !wantsAnotherProtocol(thrown)) throw thrown;
    }
    const way =
      this.#enter(this.#nextTo(permit.authority, scheme, permit.identity)) ??
      (await this.openWay(permit, scheme, true));
    if (way instanceof Lane || (await way.mayOpen())) return way;
    way.destroy();
    throw new ProxyError('no-websocket');
  }

  #takeIdle(origin: string, client: Socket | undefined): Lane | undefined {
    const idle = this.#idle.get(origin);
    if (!idle) return undefined;
    const at = chooseLane(idle, client);
    // A list that is empty then stays until a connection of the origin closes: its next exchange is as good as here.
    const [lane] = at < 0 ? [] : idle.splice(at, 1);
    if (lane) leaveRest(lane);
    return lane;
  }

  /** What a connection is kept under that is dialled next. */
  #nextTo(authority: Authority, scheme: Scheme, identity: string | undefined): string {
    return originOf(authority, scheme, this.#upstream.viaTo(authority)?.turn(authority), identity);
  }

  /** A new lane, whatever is idle. Throws ProxyError. */
  async open(permit: Permit, scheme: Scheme, located?: Route): Promise<Lane> {
    const route = located ?? (await this.#upstream.locate(permit));
    const intake = new SharedIntake();
    const connection =
      scheme === 'https'
        ? await this.#upstream.connectSecurely(route, intake.onread)
        : await this.#upstream.connectPlainly(route, intake.onread);
    return this.#keep({ connection, intake, origin: originAt(permit, scheme, connection) });
  }

  async #openBoth(permit: Permit, located?: Route): Promise<Lane | H2Exchange> {
    const route = located ?? (await this.#upstream.locate(permit));
    const intake = new SharedIntake();
    const connection = await this.#upstream.connectSecurely(route, intake.onread, BOTH);
    const origin = originAt(permit, 'https', connection);
    if (connection.protocol !== 'h2') {
      this.#plain.add(origin);
      return this.#keep({ connection, intake, origin });
    }
    this.#refuseLate(connection);
    const lane = new H2Lane({ connection, intake, origin }, this.#limits, this.#onQuiet, this.#onGone);
    this.#multiplexed.add(lane);
    return lane.enter();
  }

  #keep(parts: LaneParts): Lane {
    this.#refuseLate(parts.connection);
    const lane = new Lane(parts, this.#limits, (gone) => this.#forget(gone));
    lane.openSeat = this.#lanes.add(lane);
    return lane;
  }

  #refuseLate({ socket }: UpstreamConnection): void {
    if (!this.#destroyed) return;
    socket.destroy();
    throw new ProxyError('connect-failed', 'The proxy is shutting down.');
  }

  #enter(origin: string): H2Exchange | undefined {
    const lane = this.#multiplexed.find(origin);
    if (!lane) return undefined;
    leaveRest(lane);
    return lane.enter();
  }

  readonly #onQuiet = (lane: H2Lane): void => {
    this.#rest(lane);
    if (this.#retired) {
      this.#endSoon(lane);
      return;
    }
    this.#dropOldest();
  };

  readonly #onGone = (lane: H2Lane): void => {
    leaveRest(lane);
    this.#multiplexed.forget(lane);
  };

  /**
   * Others take its place: what rests, and what is given back from now on, is closed after a moment, since whoever has just
   * made sure of it may look whether the origin closes it.
   */
  retire(): void {
    this.#retired = true;
    this.#idle.clear();
    for (const way of this.#resting) this.#endSoon(way);
  }

  #endSoon(way: Lane | H2Lane): void {
    const end = (): void => {
      // One of HTTP/2 may have been entered again, by whoever has made sure of it.
      if (way instanceof Lane || way.restingSeat) way.destroy();
    };
    setTimeout(end, LAST_REST).unref();
  }

  /** Gives a lane back whose exchange was exactly complete; those that rest longest go when there are too many. */
  release(lane: Lane): void {
    if (!lane.alive) return;
    if (this.#retired) {
      this.#endSoon(lane);
      return;
    }
    const known = this.#idle.get(lane.origin);
    const idle = known ?? [];
    if (!known) this.#idle.set(lane.origin, idle);
    idle.push(lane);
    this.#rest(lane);
    if (idle.length > this.#limits.idlePerOrigin) this.#drop(idle[0]);
    else this.#dropOldest();
  }

  /** Closes every connection at once, those that are still being dialled as soon as they stand. */
  destroy(): void {
    this.#destroyed = true;
    for (const lane of this.#lanes) lane.destroy();
    this.#multiplexed.destroy();
  }

  /** Connections open, idle and in use. */
  get size(): number {
    return this.#lanes.size + this.#multiplexed.size;
  }

  #rest(way: Lane | H2Lane): void {
    way.restingSeat ??= this.#resting.add(way);
  }

  #dropOldest(): void {
    if (this.#resting.size > this.#limits.idleConnections) this.#drop(this.#resting.oldest);
  }

  #drop(way: Lane | H2Lane | undefined): void {
    if (!way?.restingSeat) return;
    if (way instanceof Lane) this.#forget(way);
    else this.#onGone(way);
    way.destroy();
  }

  /** An origin without a connection leaves nothing behind: memory does not grow with the hosts ever seen. */
  #forget(lane: Lane): void {
    lane.openSeat?.leave();
    leaveRest(lane);
    const idle = this.#idle.get(lane.origin);
    const at = idle?.indexOf(lane) ?? -1;
    if (at >= 0) idle?.splice(at, 1);
    if (idle?.length === 0) this.#idle.delete(lane.origin);
  }
}

/** It does not rest any more. */
function leaveRest(way: Lane | H2Lane): void {
  way.restingSeat?.leave();
  way.restingSeat = undefined;
}

/** Milliseconds that a lane of retired pools rests: longer than an origin is waited for that may say no (see flow/bump). */
const LAST_REST = 1_000;

/** RFC 7301 section 3.2: it knows none of those that it was offered. */
function wantsAnotherProtocol(thrown: unknown): boolean {
  return (
    thrown instanceof ProxyError && thrown.code === 'upstream-tls' && /NO_APPLICATION_PROTOCOL/i.test(thrown.detail)
  );
}

/** Its place, or a negative number. */
function chooseLane(idle: readonly Lane[], client: Socket | undefined): number {
  let free = -1;
  for (let at = idle.length - 1; at >= 0; at -= 1) {
    const lane = idle[at];
    if (!lane?.alive) continue;
    if (lane.owner === undefined) free = Math.max(free, at);
    else if (lane.owner === client) return at;
  }
  return free;
}

/** What a connection is kept under that stands; the parent may be another one than that which was asked first. */
function originAt({ authority, identity }: Permit, scheme: Scheme, { parent }: UpstreamConnection): string {
  return originOf(authority, scheme, parent, identity);
}

/**
 * With the way there, since what leads through one parent is not what leads through another, or none; and with who we are
 * to it: what an origin has granted to one client certificate is for nobody else (POOL-02).
 */
function originOf(
  authority: Authority,
  scheme: Scheme,
  parent: { readonly name: string } | undefined,
  identity: string | undefined,
): string {
  let key = `${scheme}://${formatAuthority(authority)}`;
  // The name of a parent has no space in it, so that no two keys read the same.
  if (parent) key += ` via ${parent.name}`;
  if (identity !== undefined) key += ` as ${identity}`;
  return key;
}
