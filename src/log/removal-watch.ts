// Whether the file that is written to still has a name: who removes a log does not tell us, and what is written then goes
// nowhere. Called by appender.ts.

import { fstat } from 'node:fs';

/** Milliseconds between two looks. */
const EVERY = 1_000;
/** Characters that are kept until the next look; of what is beyond it the lines are counted only. */
const MOST_KEPT = 256 * 1024;

/** What has been written since the file was last seen to have a name, in its order. */
export interface Removed {
  /** Whole lines. */
  readonly lines: string;
  /** Lines of which the text is gone. */
  readonly lost: number;
}

export class RemovalWatch {
  readonly #fd: number;
  readonly #onRemoved: (removed: Removed) => void;
  #recent: string[] = [];
  #size = 0;
  #lost = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  #isOver = false;

  /** `onRemoved` is called once, and never behind `end`. */
  constructor(fd: number, onRemoved: (removed: Removed) => void) {
    this.#fd = fd;
    this.#onRemoved = onRemoved;
  }

  /** Whole lines that are in the file now, wherever that is. */
  wrote(lines: string): void {
    if (this.#isOver) return;
    this.#size += lines.length;
    if (this.#size <= MOST_KEPT) this.#recent.push(lines);
    else this.#lost += lines.split('\n').length - 1;
    if (!this.#isLooking && performance.now() - this.#lookedAt >= EVERY) this.#look();
  }

  end(): void {
    this.#isOver = true;
    this.#recent = [];
  }

  #look(): void {
    const [recent, size, lost] = [this.#recent.length, this.#size, this.#lost];
    this.#isLooking = true;
    this.#lookedAt = performance.now();
    fstat(this.#fd, (error, stats) => {
      this.#isLooking = false;
      if (this.#isOver) return;
      if (!error && stats.nlink === 0) {
        const removed = { lines: this.#recent.join(''), lost: this.#lost };
        this.end();
        this.#onRemoved(removed);
        return;
      }
      this.#recent.splice(0, recent);
      this.#size -= size;
      this.#lost -= lost;
    });
  }
}
