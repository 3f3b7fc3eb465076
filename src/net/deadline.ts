// One point in time that is moved with every message or piece of one, for a whole connection: moving it later costs no
// timer. Each client connection, each lane and each tunnel has one, and so have the look at first bytes and the dial.

import { Clock } from './clock.ts';

export class Deadline {
  readonly #onPast: () => void;
  #clock: Clock | undefined;
  /** By the monotonic clock; infinite while nothing is awaited. */
  #at = Number.POSITIVE_INFINITY;
  #isOver = false;

  constructor(onPast: () => void) {
    this.#onPast = onPast;
  }

  /** `onPast` is called once, in so many milliseconds from now, unless the deadline is moved or cleared before. */
  set(milliseconds: number): void {
    // Whoever is told late of a connection that has closed would hold a clock that nobody gives back.
    if (this.#isOver) return;
    const now = performance.now();
    this.#at = now + milliseconds;
    this.#clock ??= Clock.lend(this.#look);
    this.#clock.setFor(this.#at, now);
  }

  /** Nothing is awaited for now. */
  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Nothing will be awaited any more, whatever is set from now on. */
  end(): void {
    this.clear();
    this.#isOver = true;
    this.#clock?.giveBack();
    this.#clock = undefined;
  }

  readonly #look = (): void => {
    if (this.#at === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (now < this.#at) {
      this.#clock?.setFor(this.#at, now);
      return;
    }
    this.clear();
    this.#onPast();
  };
}
