// SIGINT and SIGTERM, heard from the moment this is made: whoever starts can be told to stop before it runs. Made by run.ts.

/**
 * Milliseconds within which a second signal is the first one over again: a Ctrl-C reaches us from the terminal, and once
 * more from npm, which passes on what it got itself.
 */
const ECHO = 250;

/** `first`: false for each further one. */
export type OnStop = (signal: NodeJS.Signals, first: boolean) => void;

export class StopSignals {
  readonly #asked = new AbortController();
  #last = Number.NEGATIVE_INFINITY;
  #onStop: OnStop = () => undefined;

  constructor() {
    process.on('SIGINT', this.#hear).on('SIGTERM', this.#hear);
  }

  /** Aborted by the first of them; the reason is its name. */
  get asked(): AbortSignal {
    return this.#asked.signal;
  }

  /** Those that come from now on. */
  listen(onStop: OnStop): void {
    this.#onStop = onStop;
  }

  /** They have again the effect that they have in any process. */
  forget(): void {
    process.off('SIGINT', this.#hear).off('SIGTERM', this.#hear);
  }

  readonly #hear = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (now - this.#last < ECHO) return;
    this.#last = now;
    const first = !this.asked.aborted;
    this.#asked.abort(signal);
    this.#onStop(signal, first);
  };
}
