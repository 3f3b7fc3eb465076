// The config that a worker is offered, until it is told whether to use it. One thing after the other: what takes long is not
// overtaken by what comes after it. Made by worker.ts.

import type { PreparedConfig } from '../proxy.ts';

export class Offers {
  #held: { readonly offer: number; readonly config: PreparedConfig } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** Rejects with what `make` throws; then nothing is held. `undefined`: there is nobody who could use it. */
  prepare(offer: number, make: () => Promise<PreparedConfig | undefined>): Promise<void> {
    return this.#inTurn(async () => {
      const config = await make();
      this.#held = config && { offer, config };
    });
  }

  /** Does nothing for an offer that is not the one held. */
  commit(offer: number): Promise<void> {
    return this.#inTurn(async () => this.#take(offer)?.commit());
  }

  /** As `commit`. */
  abandon(offer: number): Promise<void> {
    return this.#inTurn(async () => this.#take(offer)?.abandon());
  }

  #take(offer: number): PreparedConfig | undefined {
    const held = this.#held;
    if (held?.offer !== offer) return undefined;
    this.#held = undefined;
    return held.config;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
