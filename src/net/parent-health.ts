// Whether a parent proxy is worth an attempt: skipped for a while after it failed, looked at again before a request is
// trusted to it. Each Parent has one.

export interface HealthParts {
  /** Told of each change, once. */
  readonly onChange: (up: boolean, reason: string) => void;
  /** Milliseconds by the monotonic clock. */
  readonly now?: () => number;
}

/** Milliseconds that a parent is left alone; they double with each look in vain. */
const FIRST_PAUSE = 10_000;
const LONGEST_PAUSE = 120_000;
/**
 * One that takes connections and does not answer may only wait for one dead origin: the silence has to be about several,
 * with no answer between, so that whoever asks for a dead host cannot take the parent from all the others.
 */
const SILENT_HOSTS = 3;

export class ParentHealth {
  readonly #onChange: HealthParts['onChange'];
  readonly #now: () => number;
  readonly #silent = new Set<string>();
  #up = true;
  #pause = FIRST_PAUSE;
  #lookAt = 0;

  constructor({ onChange, now = () => performance.now() }: HealthParts) {
    this.#onChange = onChange;
    this.#now = now;
  }

  get up(): boolean {
    return this.#up;
  }

  /** It has said something, whatever it was. */
  answered(): void {
    this.#silent.clear();
    this.#pause = FIRST_PAUSE;
    if (this.#up) return;
    this.#up = true;
    this.#onChange(true, 'it answers again');
  }

  /** No connection to it, or none that may be used. */
  failed(reason: string): void {
    this.#lookAt = this.#now() + this.#pause;
    if (!this.#up) return;
    this.#up = false;
    this.#onChange(false, reason);
  }

  /** It took the connection, and was asked for `host` in vain. */
  silent(host: string, reason: string): void {
    this.#silent.add(host);
    if (this.#silent.size < SILENT_HOSTS) return;
    this.#silent.clear();
    this.failed(reason);
  }

  /** True once in each pause: somebody is to look at it now, and to say what came of it. */
  takeLook(): boolean {
    if (this.#up || this.#now() < this.#lookAt) return false;
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#lookAt = this.#now() + this.#pause;
    return true;
  }
}
