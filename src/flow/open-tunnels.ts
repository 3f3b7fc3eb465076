// What passes through unread, for whoever ends it: a drain, or a reload after which it is decided anew. Made by proxy.ts, told
// by flow/splice and flow/carry-upgrade.

import type { Socket } from 'node:net';
import type { Decision } from '../core/decision.ts';
import { ProxyError } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import { Roster, type Seat } from '../core/roster.ts';
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

/** For whoever carries one. */
export interface Passing {
  /** It is over; why it was cut, where it was. */
  end(): ProxyError | undefined;
}

interface Review {
  readonly services: Judging;
  readonly onReload: OnReload;
}

export class OpenTunnels {
  readonly #spliced = new Roster<Open<Tunnel>>();
  readonly #upgraded = new Roster<Open<OpenUpgrade>>();
  /** By what all was last looked at. */
  #reviewed: Review | undefined;

  /**
   * `socket`: the one towards the origin. `by`: what has decided on it; where that is not in force any more, it is decided
   * anew, as at the reload it has missed.
   */
  add(socket: Socket, tunnel: Tunnel, by: Judging): Passing {
    return this.#enter(this.#spliced, new Open(socket, tunnel, decideTunnel), by);
  }

  /** Likewise. */
  addUpgrade(socket: Socket, upgrade: OpenUpgrade, by: Judging): Passing {
    return this.#enter(this.#upgraded, new Open(socket, upgrade, decideUpgrade), by);
  }

  #enter<T>(roster: Roster<Open<T>>, open: Open<T>, by: Judging): Passing {
    open.seat = roster.add(open);
    const now = this.#reviewed;
    if (now && now.services !== by && now.onReload !== 'keep' && open.judge(now)) open.socket.destroy();
    return open;
  }

  /** Tunnels, each with its socket towards the origin. */
  get spliced(): Iterable<{ readonly socket: Socket; readonly subject: Tunnel }> {
    return this.#spliced;
  }

  get size(): number {
    return this.#spliced.size + this.#upgraded.size;
  }

  destroyAll(): void {
    for (const { socket } of [...this.#spliced, ...this.#upgraded]) socket.destroy();
  }

  /** After a reload; `services` are in force from now on. Returns how many were cut. */
  review(services: Judging, onReload: OnReload): number {
    const review = { services, onReload };
    this.#reviewed = review;
    if (onReload === 'keep') return 0;
    const cut = [...this.#spliced, ...this.#upgraded].filter((open) => open.judge(review));
    for (const { socket } of cut) socket.destroy();
    return cut.length;
  }
}

/** One that passes; `subject`: what is decided on. */
class Open<T> implements Passing {
  readonly socket: Socket;
  readonly subject: T;
  seat: Seat | undefined;
  readonly #decide: (services: Judging, subject: T) => string | undefined;
  #cut: ProxyError | undefined;

  constructor(socket: Socket, subject: T, decide: (services: Judging, subject: T) => string | undefined) {
    this.socket = socket;
    this.subject = subject;
    this.#decide = decide;
  }

  /** Whether it is cut by this, and was not before; who asks closes its socket. */
  judge({ services, onReload }: Review): boolean {
    if (this.#cut) return false;
    const reason = onReload === 'cut' ? 'policy.onReload is cut.' : this.#decide(services, this.subject);
    if (reason !== undefined) this.#cut = new ProxyError('config-changed', reason);
    return this.#cut !== undefined;
  }

  end(): ProxyError | undefined {
    this.seat?.leave();
    return this.#cut;
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
