// Origins that were offered HTTP/2 and have chosen HTTP/1: they are not asked again for a while, so that a known one costs
// no further handshake. Kept by origin-pools.ts.

/** Milliseconds that the answer holds: nobody learns HTTP/2 overnight. */
const HOLDS = 600_000;
/** Origins remembered; beyond, the one that was asked longest ago is forgotten. */
const MOST = 4_096;

export class KnownPlain {
  readonly #until = new Map<string, number>();

  add(origin: string): void {
    this.#until.delete(origin);
    this.#until.set(origin, performance.now() + HOLDS);
    if (this.#until.size <= MOST) return;
    const [oldest] = this.#until.keys();
    if (oldest !== undefined) this.#until.delete(oldest);
  }

  has(origin: string): boolean {
    const until = this.#until.get(origin);
    return until !== undefined && performance.now() < until;
  }
}
