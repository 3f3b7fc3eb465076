// One point in time that is moved with every message or piece of one, for a whole connection: moving it later costs no
// timer. Each client connection and each lane has one.

export class Deadline {
  readonly #onPast: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** By the monotonic clock, as `#due`; infinite while nothing is awaited. */
  #at = Number.POSITIVE_INFINITY;
  /** When the timer comes due: at the deadline or before it. */
  #due = Number.POSITIVE_INFINITY;

  constructor(onPast: () => void) {
    this.#onPast = onPast;
  }

  /** `onPast` is called once, in so many milliseconds from now, unless the deadline is moved or cleared before. */
  set(milliseconds: number): void {
    const now = performance.now();
    this.#at = now + milliseconds;
    if (this.#at < this.#due) this.#arm(now);
  }

  /** Nothing is awaited; a timer that runs stays for the next deadline. */
  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Nothing will be awaited any more. */
  end(): void {
    this.clear();
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
  }

  #arm(now: number): void {
    clearTimeout(this.#timer);
    this.#due = this.#at;
    this.#timer = setTimeout(this.#look, Math.ceil(this.#at - now));
  }

  readonly #look = (): void => {
    this.#due = Number.POSITIVE_INFINITY;
    if (this.#at === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (now < this.#at) {
      this.#arm(now);
      return;
    }
    this.clear();
    this.#onPast();
  };
}
