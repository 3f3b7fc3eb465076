// So many of a kind in a second for one client, with a burst; the others wait until it is their time. Called by
// flow/bump before a leaf is minted: a client that asks for ever new names shall not take the time of all others.

import { setTimeout as wait } from 'node:timers/promises';

export interface PaceOptions {
  /** For one client. */
  readonly perSecond: number;
  /** Milliseconds that one waits. */
  readonly patience: number;
}

/** Seconds whose worth may come at once: a page in a browser asks for a hundred hosts. */
const BURST_SECONDS = 2;
/** Clients remembered before those that have paid their debt are forgotten. */
const SWEEP_AT = 1_024;

export class Pace {
  #step: number;
  #patience: number;
  /** By client, the monotonic time at which all that it was granted has been paid for (GCRA, ITU-T I.371). */
  readonly #paidAt = new Map<string, number>();
  #sweepAt = SWEEP_AT;

  constructor(options: PaceOptions) {
    this.#step = 1_000 / options.perSecond;
    this.#patience = options.patience;
  }

  /** From now on; what was granted is paid for at the old price. */
  change({ perSecond, patience }: PaceOptions): void {
    this.#step = 1_000 / perSecond;
    this.#patience = patience;
  }

  /**
   * Resolves with true at its time; with false when that is too far away, and only after half of the patience or more:
   * who asks without end shall have its own connections bound up meanwhile, not our time.
   */
  async take(client: string): Promise<boolean> {
    const now = performance.now();
    const paidAt = Math.max(this.#paidAt.get(client) ?? 0, now) + this.#step;
    const delay = paidAt - now - BURST_SECONDS * 1_000;
    if (delay > this.#patience) {
      // Not all of a flood at the same moment.
      await wait((this.#patience * (1 + Math.random())) / 2, undefined, { ref: false });
      return false;
    }
    if (this.#paidAt.size >= this.#sweepAt) this.#sweep(now);
    this.#paidAt.set(client, paidAt);
    if (delay > 0) await wait(delay, undefined, { ref: false });
    return true;
  }

  /** Clients remembered. */
  get clients(): number {
    return this.#paidAt.size;
  }

  #sweep(now: number): void {
    for (const [client, paidAt] of this.#paidAt) if (paidAt <= now) this.#paidAt.delete(client);
    this.#sweepAt = Math.max(SWEEP_AT, this.#paidAt.size * 2);
  }
}
