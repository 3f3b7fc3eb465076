// Connections to origins, kept and shared by authority. Every one was dialled at a checked address and, for https,
// verified before it got in here. Called by flow/bump (is the origin who it says?) and forward.ts (one exchange).

import type { Socket } from 'node:net';
import { type Authority, formatAuthority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Scheme } from '../core/target.ts';
import { SharedIntake } from '../net/shared-intake.ts';
import type { Route, Upstream, UpstreamConnection } from '../net/upstream.ts';
import { Lane } from './lane.ts';

export class OriginPools {
  readonly #upstream: Upstream;
  readonly #limits: Limits;
  readonly #idle = new Map<string, Lane[]>();
  /** The idle ones of all origins, the one that has rested longest first. */
  readonly #resting = new Set<Lane>();
  readonly #lanes = new Set<Lane>();
  #destroyed = false;

  constructor(upstream: Upstream, limits: Limits) {
    this.#upstream = upstream;
    this.#limits = limits;
  }

  /**
   * Makes sure that the authority has been reached and verified: by a connection that is alive and idle, or by a new
   * one that then waits for its first request. `route`: where the authority was located already. Throws ProxyError.
   */
  async ensure(permit: Permit, scheme: Scheme, route?: Route): Promise<UpstreamConnection> {
    const lane =
      this.take(permit.authority, scheme, undefined, permit.identity) ?? (await this.open(permit, scheme, route));
    this.release(lane);
    return lane.connection;
  }

  /**
   * An idle lane for one exchange: one that this client has logged in, else the one last used that is anybody's who goes
   * with the same client certificate.
   */
  take(authority: Authority, scheme: Scheme, client?: Socket, identity?: string): Lane | undefined {
    const via = this.#upstream.viaTo(authority);
    const key = originOf(authority, scheme, via?.turn(authority), identity);
    const idle = this.#idle.get(key);
    if (!idle) return undefined;
    const at = chooseLane(idle, client);
    const [lane] = at < 0 ? [] : idle.splice(at, 1);
    if (lane) {
      this.#resting.delete(lane);
      via?.advance();
    }
    if (idle.length === 0) this.#idle.delete(key);
    return lane;
  }

  /** A new lane, whatever is idle. Throws ProxyError. */
  async open(permit: Permit, scheme: Scheme, located?: Route): Promise<Lane> {
    const route = located ?? (await this.#upstream.locate(permit));
    const intake = new SharedIntake();
    const connection =
      scheme === 'https'
        ? await this.#upstream.connectSecurely(route, intake.onread)
        : await this.#upstream.connectPlainly(route, intake.onread);
    if (this.#destroyed) {
      connection.socket.destroy();
      throw new ProxyError('connect-failed', 'The proxy is shutting down.');
    }
    const origin = originOf(permit.authority, scheme, connection.parent, permit.identity);
    const lane = new Lane({ connection, intake, origin }, this.#limits, (gone) => this.#forget(gone));
    this.#lanes.add(lane);
    return lane;
  }

  /** Gives a lane back whose exchange was exactly complete; those that rest longest go when there are too many. */
  release(lane: Lane): void {
    if (!lane.alive) return;
    const { idleConnections, idlePerOrigin } = this.#limits;
    const idle = this.#idle.get(lane.origin) ?? [];
    this.#idle.set(lane.origin, idle);
    idle.push(lane);
    this.#resting.add(lane);
    if (idle.length > idlePerOrigin) this.#drop(idle[0]);
    else if (this.#resting.size > idleConnections) this.#drop(this.#resting.keys().next().value);
  }

  /** Closes every connection at once, those that are still being dialled as soon as they stand. */
  destroy(): void {
    this.#destroyed = true;
    for (const lane of this.#lanes) lane.destroy();
  }

  /** Connections open, idle and in use. */
  get size(): number {
    return this.#lanes.size;
  }

  #drop(lane: Lane | undefined): void {
    if (!lane || !this.#resting.has(lane)) return;
    this.#forget(lane);
    lane.destroy();
  }

  /** An origin without a connection leaves nothing behind: memory does not grow with the hosts ever seen. */
  #forget(lane: Lane): void {
    this.#lanes.delete(lane);
    this.#resting.delete(lane);
    const idle = this.#idle.get(lane.origin);
    const at = idle?.indexOf(lane) ?? -1;
    if (at >= 0) idle?.splice(at, 1);
    if (idle?.length === 0) this.#idle.delete(lane.origin);
  }
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
