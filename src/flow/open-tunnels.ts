// What passes through unread, for whoever ends it: a drain, or a reload after which it is decided anew. Made by proxy.ts, told
// by flow/splice and flow/carry-upgrade.

import type { Socket } from 'node:net';
import type { Decision } from '../core/decision.ts';
import { ProxyError } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import type { Tunnel } from '../core/session.ts';
import type { RequestFacts } from '../policy/policy.ts';
import { exempt } from './exempt.ts';
import type { Services } from './services.ts';

/** What becomes of that which passes unread when the config is used anew. */
export type OnReload = 'keep' | 'recheck' | 'cut';

/** A request that has left HTTP, with the protocols that it left for. */
export interface OpenUpgrade extends RequestFacts {
  readonly protocols: readonly string[];
}

type Judging = Pick<Services, 'policy' | 'auth' | 'rejections' | 'wanting' | 'identities'>;

interface Review {
  readonly services: Judging;
  readonly onReload: OnReload;
}

export class OpenTunnels {
  /** By the socket towards the origin. */
  readonly #spliced = new Map<Socket, Tunnel>();
  readonly #upgraded = new Map<Socket, OpenUpgrade>();
  readonly #cut = new Map<Socket, ProxyError>();
  /** By what all was last looked at. */
  #reviewed: Review | undefined;

  /** `by`: what has decided on it. Where that is not in force any more, it is decided anew, as at the reload it has missed. */
  add(socket: Socket, tunnel: Tunnel, by: Judging): void {
    this.#spliced.set(socket, tunnel);
    const now = this.#missedBy(by);
    if (now) this.#judgeLate(socket, now, () => decideTunnel(now.services, tunnel));
  }

  /** `by` as above. */
  addUpgrade(socket: Socket, upgrade: OpenUpgrade, by: Judging): void {
    this.#upgraded.set(socket, upgrade);
    const now = this.#missedBy(by);
    if (now) this.#judgeLate(socket, now, () => decideUpgrade(now.services, upgrade));
  }

  /** It is over; why it was cut, where it was. */
  end(socket: Socket): ProxyError | undefined {
    if (!this.#spliced.delete(socket)) this.#upgraded.delete(socket);
    if (this.#cut.size === 0) return undefined;
    const failure = this.#cut.get(socket);
    this.#cut.delete(socket);
    return failure;
  }

  /** Tunnels by their socket towards the origin. */
  get spliced(): ReadonlyMap<Socket, Tunnel> {
    return this.#spliced;
  }

  get size(): number {
    return this.#spliced.size + this.#upgraded.size;
  }

  destroyAll(): void {
    for (const socket of [...this.#spliced.keys(), ...this.#upgraded.keys()]) socket.destroy();
  }

  /** After a reload; `services` are in force from now on. Returns how many were cut. */
  review(services: Judging, onReload: OnReload): number {
    this.#reviewed = { services, onReload };
    if (onReload === 'keep') return 0;
    const before = this.#cut.size;
    for (const [socket, tunnel] of this.#spliced) {
      this.#judge(socket, onReload, () => decideTunnel(services, tunnel));
    }
    for (const [socket, upgrade] of this.#upgraded) {
      this.#judge(socket, onReload, () => decideUpgrade(services, upgrade));
    }
    const cut = this.#cut.size - before;
    for (const socket of this.#cut.keys()) socket.destroy();
    return cut;
  }

  #missedBy(by: Judging): Review | undefined {
    const now = this.#reviewed;
    return now && now.services !== by && now.onReload !== 'keep' ? now : undefined;
  }

  #judgeLate(socket: Socket, { onReload }: Review, decide: () => string | undefined): void {
    this.#judge(socket, onReload, decide);
    if (this.#cut.has(socket)) socket.destroy();
  }

  #judge(socket: Socket, onReload: OnReload, decide: () => string | undefined): void {
    if (this.#cut.has(socket)) return;
    if (onReload === 'cut') this.#cut.set(socket, new ProxyError('config-changed', 'policy.onReload is cut.'));
    else {
      const reason = decide();
      if (reason !== undefined) this.#cut.set(socket, new ProxyError('config-changed', reason));
    }
  }
}

/** Why the tunnel may not go on; undefined: it may. */
function decideTunnel(services: Judging, { authority, client = '', identity }: Tunnel): string | undefined {
  const facts = { client, authority, identity: currentOf(services, identity) };
  const decision = exempt(services, client, services.policy.decideConnect(facts));
  if (decision.action === 'deny') return denied(decision);
  if (decision.tls === 'splice' || decision.tls === 'tunnel') return undefined;
  return `By rule "${decision.rule}" it does not pass unread any more.`;
}

function decideUpgrade(services: Judging, upgrade: OpenUpgrade): string | undefined {
  const facts = { ...upgrade, identity: currentOf(services, upgrade.identity) };
  const decision = services.policy.decideRequest(facts);
  if (decision.action === 'deny') return denied(decision);
  const atUpgrade = services.policy.decideUpgrade(facts, decision, upgrade.protocols);
  if (atUpgrade.decision.action === 'deny') return denied(atUpgrade.decision);
  return atUpgrade.protocols.length === 0 ? `By rule "${decision.rule}" no upgrade is granted any more.` : undefined;
}

function denied({ rule, reason }: Decision): string {
  return `Denied by "${rule}": ${reason}.`;
}

function currentOf({ auth }: Judging, identity: Identity | undefined): Identity | undefined {
  return identity && auth?.current(identity);
}
