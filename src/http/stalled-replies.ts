// What waits for clients that do not take it, counted by client: where that is more than a share, the replies that have
// waited longest are given up, so that windows which are never opened hold no memory for long (the Data Dribble of
// CVE-2019-9511). Kept by server.ts for all connections, told by h2-reply.ts.

import type { Socket } from 'node:net';

/** A reply that waits for its client. */
export interface Stalled {
  /** Bytes that wait now: its own, and those that its origin may have sent ahead. */
  readonly held: number;
  /** Nobody waits for it any longer. */
  giveUp(): void;
}

/** What of it is on one connection. */
export class StalledShare {
  readonly replies: StalledReplies;
  /** Whose it is. */
  readonly client: string;
  readonly #socket: Pick<Socket, 'bytesWritten' | 'writableLength'>;
  /** Bytes that wait. */
  held = 0;

  constructor(replies: StalledReplies, client: string, socket: Pick<Socket, 'bytesWritten' | 'writableLength'>) {
    this.replies = replies;
    this.client = client;
    this.#socket = socket;
  }

  /** Bytes that the client has taken, of whatever. */
  get taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }
}

export interface StalledOptions {
  /** Bytes of one client that may wait as long as a reply may. All streams of one connection together stay below it. */
  readonly share: number;
  /** Milliseconds that a reply may then stand still; a quarter of it where twice as much waits, a ninth where thrice. */
  readonly patience: number;
}

/**
 * All streams of one connection hold 33 MB at most. With three of them each reply has two seconds to go on: a client may stop
 * for a moment. What lies is the cube root of what is poured in: 125 MB where 100 come each second, 185 where 330 do (measured
 * as the most that this proxy takes from an origin beside it).
 */
const OPTIONS: StalledOptions = { share: 40 << 20, patience: 12_000 };
/**
 * Streams are served one behind another, so that one may stand still while others flow: as long as the client takes at least
 * this part of what waits on the connection.
 */
const FLOWING = 1 / 8;
/** Milliseconds between two looks, as long as somebody is above the share. */
const LOOK = 100;

interface Charge {
  readonly bytes: number;
  /** When it began, by the monotonic clock. */
  readonly since: number;
  readonly share: StalledShare;
  /** What its connection had taken by then. */
  readonly taken: number;
}

interface Account {
  /** The one that has taken nothing for longest first. */
  readonly charges: Map<Stalled, Charge>;
  total: number;
}

export class StalledReplies {
  readonly #options: StalledOptions;
  readonly #accounts = new Map<string, Account>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StalledOptions = OPTIONS) {
    this.#options = options;
  }

  /** The client has more of it than it takes, from now on or again. */
  add(share: StalledShare, reply: Stalled): void {
    const { client } = share;
    const account = this.#accounts.get(client) ?? { charges: new Map(), total: 0 };
    this.#accounts.set(client, account);
    withdraw(account, reply);
    charge(account, share, reply, performance.now());
    if (account.total > this.#options.share) this.#arm();
  }

  /** It has been taken, or is over. */
  remove({ client }: StalledShare, reply: Stalled): void {
    const account = this.#accounts.get(client);
    if (!account) return;
    withdraw(account, reply);
    if (account.charges.size === 0) this.#accounts.delete(client);
  }

  /** Bytes that wait for a client. */
  of(client: string): number {
    return this.#accounts.get(client)?.total ?? 0;
  }

  #arm(): void {
    this.#timer ??= setTimeout(this.#look, LOOK).unref();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const { share } = this.#options;
    const now = performance.now();
    for (const [client, account] of this.#accounts) {
      this.#relieve(account, now);
      if (account.total > share) this.#arm();
      else if (account.charges.size === 0) this.#accounts.delete(client);
    }
  };

  #relieve(account: Account, now: number): void {
    const { share, patience } = this.#options;
    for (const [reply, { bytes, since, share: on, taken }] of account.charges) {
      // The others came later.
      if (account.total <= share || now - since < patience * (share / account.total) ** 2) return;
      const isFlowing = on.taken - taken >= on.held * FLOWING;
      withdraw(account, reply);
      // Some of it has gone out, if not all, or it will be its turn.
      if (isFlowing || reply.held < bytes) charge(account, on, reply, now);
      else reply.giveUp();
    }
  }
}

function charge(account: Account, share: StalledShare, reply: Stalled, since: number): void {
  const bytes = reply.held;
  account.charges.set(reply, { bytes, since, share, taken: share.taken });
  share.held += bytes;
  account.total += bytes;
}

function withdraw(account: Account, reply: Stalled): void {
  const charged = account.charges.get(reply);
  if (!charged) return;
  account.charges.delete(reply);
  account.total -= charged.bytes;
  charged.share.held -= charged.bytes;
}
