// A timer that outlives whom it was set for: nearly everything that is waited for comes in time, and to set a timer and
// take it back for each wait costs more than to let one run out for nobody now and then. Kept by deadline.ts.

/** Clocks kept for the next deadline. */
const MOST_SPARE = 256;

const spare: Clock[] = [];
let lent = 0;

/** Clocks that are somebody's now. */
export function clocksLent(): number {
  return lent;
}

export class Clock {
  #onDue: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  /** One that may be running; `onDue` is called whenever it comes due, also for nothing. */
  static lend(onDue: () => void): Clock {
    const clock = spare.pop() ?? new Clock();
    clock.#onDue = onDue;
    lent += 1;
    return clock;
  }

  /** It is nobody's any more. */
  giveBack(): void {
    this.#onDue = undefined;
    lent -= 1;
    if (spare.length < MOST_SPARE) spare.push(this);
    else clearTimeout(this.#timer);
  }

  /** It comes due at that time or before it, both by the monotonic clock. */
  setFor(at: number, now: number): void {
    if (at >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = at;
    // What is waited for keeps the process, not the wait.
    this.#timer = setTimeout(this.#ring, Math.ceil(at - now)).unref();
  }

  readonly #ring = (): void => {
    this.#due = Number.POSITIVE_INFINITY;
    this.#onDue?.();
  };
}
