// How long a place stays empty when its worker has ended: not at all at first, then longer each time, so that a fault at
// every start does not take all the time of the machine. Called by crew.ts, one for each place.

/** A worker that lived as long as this, in milliseconds, was well: the next death is a first one. */
const WELL = 10_000;
const SHORTEST = 10;
const LONGEST = 30_000;

export class BackOff {
  #next = 0;

  /** Milliseconds to wait, after the death of a worker that lived for `life` milliseconds. */
  after(life: number): number {
    if (life >= WELL) this.#next = 0;
    const delay = this.#next;
    this.#next = Math.min(LONGEST, Math.max(SHORTEST, delay * 2));
    return delay;
  }
}
