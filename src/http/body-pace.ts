// How fast a client brings its body, on average: one that is never silent for long may still take for ever. Kept by
// conversation.ts for each body.

export class BodyPace {
  readonly #window: number;
  readonly #slowest: number;
  /** Where the average begins, by the monotonic clock; it is moved on by the time in which nothing was awaited. */
  #since = performance.now();
  #bytes = 0;
  #pausedAt: number | undefined;

  /** `window`: milliseconds of an average; `slowest`: bytes in a second that it must not fall below. */
  constructor(window: number, slowest: number) {
    this.#window = window;
    this.#slowest = slowest;
  }

  /** Nothing is awaited from the client; its clock stands still. */
  pause(): void {
    this.#pausedAt ??= performance.now();
  }

  resume(): void {
    if (this.#pausedAt === undefined) return;
    this.#since += performance.now() - this.#pausedAt;
    this.#pausedAt = undefined;
  }

  /** Counts bytes that have come; true when they have come too slowly. */
  isTooSlow(bytes: number): boolean {
    this.#bytes += bytes;
    const elapsed = performance.now() - this.#since;
    if (this.#pausedAt !== undefined || elapsed < this.#window) return false;
    const isTooSlow = this.#bytes * 1_000 < this.#slowest * elapsed;
    this.#since += elapsed;
    this.#bytes = 0;
    return isTooSlow;
  }
}
