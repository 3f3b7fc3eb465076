// How late the event loop is: a timer that looks when it was due. Made by proxy.ts and supervisor/, one for a process.

import { type Distribution, Histogram } from '../core/histogram.ts';

const EVERY = 100;

export class LoopLag {
  readonly #histogram = new Histogram();
  readonly #timer: NodeJS.Timeout;
  #due = performance.now() + EVERY;

  constructor() {
    this.#timer = setInterval(this.#look, EVERY).unref();
  }

  read(): Distribution {
    return this.#histogram.read();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  readonly #look = (): void => {
    const now = performance.now();
    // Node's timers have whole milliseconds, so that one may be a little early.
    this.#histogram.observe(Math.max(0, now - this.#due));
    this.#due = now + EVERY;
  };
}
