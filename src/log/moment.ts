// What comes within a moment, to be dealt with together. Called by access-log.ts: a line that is printed among fifty others
// costs a fraction of one that is printed alone, for which all that prints it has to come back to the processor's caches.

export class Moment<T> {
  readonly #milliseconds: number;
  readonly #most: number;
  readonly #onOver: (items: readonly T[]) => void;
  #items: T[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `onOver` has them in their order, so many milliseconds after the first of them, or once there are `most`. */
  constructor(milliseconds: number, most: number, onOver: (items: readonly T[]) => void) {
    this.#milliseconds = milliseconds;
    this.#most = most;
    this.#onOver = onOver;
  }

  add(item: T): void {
    if (this.#items.push(item) >= this.#most) this.end();
    else this.#timer ??= setTimeout(this.end, this.#milliseconds);
  }

  /** It is over now. */
  readonly end = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const items = this.#items;
    if (items.length === 0) return;
    this.#items = [];
    this.#onOver(items);
  };
}
