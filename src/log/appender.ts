// One open file, or a pipe, to which whole lines are added in their order. Called by log-file.ts.
//
// A disk that is full takes a part of what it is given, and with several writers on one file nobody can put the rest behind
// it later: such a line is finished at once, or cut off again. What could not be written waits and is tried again.

import { close, fstatSync, ftruncateSync, readSync, write, writeSync } from 'node:fs';
import { RemovalWatch, type Removed } from './removal-watch.ts';

export interface AppenderParts {
  /** Bytes of one write at most, but for a line that is longer. */
  readonly most: number;
  /** Nothing can be written for now; called once until something is. */
  readonly onFailure: (error: Error) => void;
  /** Something has been written; `again`: for the first time since a failure. */
  readonly onWritten: (again: boolean) => void;
  /** Given for a file: it has been removed, and with it what is told. To be abandoned then. */
  readonly onRemoved?: ((removed: Removed) => void) | undefined;
}

/** What an end leaves over, in whole lines. */
export interface Left {
  /** Not in the file. */
  readonly lines: string;
  /** Given to the system, which has not said what became of it: it may come to be in the file, or not. */
  readonly unsure: string;
}

/** Milliseconds until what has failed is tried again. */
const AGAIN_AFTER = 100;
/** Milliseconds for a reader of a pipe that is merely slow. */
const SLOW_READER = 10;
/** Milliseconds without progress after which an end waits no longer: for a reader that stands still, a server that is gone. */
const STANDSTILL = 1_500;
/** Milliseconds that an end takes at most, progress or not. */
const LONGEST_END = 20_000;

export class Appender {
  readonly #fd: number;
  readonly #parts: AppenderParts;
  readonly #removal: RemovalWatch | undefined;
  /** Whole lines in ASCII, in pieces as they came; the first of them is being written. */
  #queue: string[] = [];
  #size = 0;
  #writing = false;
  #failing = false;
  #closed = false;
  #again: NodeJS.Timeout | undefined;
  /** What is being written. */
  #inHand = '';
  #ending: ((left: Left) => void) | undefined;
  #endBy = 0;
  #deadline: NodeJS.Timeout | undefined;

  /** `fd` is open for appending, for files also for reading, and belongs to this from now on. */
  constructor(fd: number, parts: AppenderParts) {
    this.#fd = fd;
    this.#parts = parts;
    this.#removal = parts.onRemoved && new RemovalWatch(fd, parts.onRemoved);
  }

  /** Characters that wait. */
  get waiting(): number {
    return this.#size;
  }

  /** What was added last did not get through, nor what came since. */
  get failing(): boolean {
    return this.#failing;
  }

  /** `lines` end with a newline. */
  add(lines: string): void {
    this.#queue.push(lines);
    this.#size += lines.length;
    if (!this.#failing) this.#next();
  }

  /**
   * Closes the file behind what waits; resolves with what cannot be written, tried once more. Also where the system keeps a
   * write for ever: then the file is closed when it gives it back.
   */
  end(): Promise<Left> {
    return new Promise((resolve) => {
      this.#removal?.end();
      this.#ending = resolve;
      this.#endBy = performance.now() + LONGEST_END;
      this.#hurry();
      this.#next();
    });
  }

  /** Writes nothing more and closes the file. Returns what has not been written, or is being. */
  abandon(): string {
    this.#closed = true;
    clearTimeout(this.#again);
    const lines = this.#queue.join('');
    this.#queue = [];
    this.#size = 0;
    if (!this.#writing) this.#shut();
    return lines;
  }

  readonly #next = (): void => {
    if (this.#writing || this.#closed) return;
    clearTimeout(this.#again);
    if (this.#queue.length > 0) {
      this.#gather();
      this.#writing = true;
      this.#inHand = this.#queue[0] ?? '';
      write(this.#fd, this.#inHand, null, 'latin1', this.#onWritten);
    } else if (this.#ending) this.#close();
  };

  /** What has piled up goes out in fewer writes. */
  #gather(): void {
    let count = 1;
    let size = this.#queue[0]?.length ?? 0;
    for (; count < this.#queue.length; count += 1) {
      size += this.#queue[count]?.length ?? 0;
      if (size > this.#parts.most) break;
    }
    if (count > 1) this.#queue.splice(0, count, this.#queue.slice(0, count).join(''));
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, written: number): void => {
    this.#writing = false;
    if (this.#closed) {
      // Too late to be told of, but no line is left torn.
      if (!error) this.#mend(this.#inHand, written);
      this.#shut();
      return;
    }
    const mended = error ? { kept: 0, error } : this.#mend(this.#inHand, written);
    this.#removal?.wrote(this.#inHand.slice(0, mended.kept));
    this.#settle(mended.kept);
    if (mended.kept > 0 && this.#ending) this.#hurry();
    if (mended.error) {
      this.#stumble(mended.error);
      return;
    }
    const again = this.#failing;
    this.#failing = false;
    this.#parts.onWritten(again);
    this.#next();
  };

  /** So many characters of the first piece need no further care. */
  #settle(count: number): void {
    const lines = this.#queue[0] ?? '';
    this.#size -= count;
    if (count === lines.length) this.#queue.shift();
    else this.#queue[0] = lines.slice(count);
  }

  /** After a write of `written` characters and no more: how many of them may stay. At once, before others write. */
  #mend(lines: string, written: number): { readonly kept: number; readonly error?: NodeJS.ErrnoException } {
    const whole = lines.lastIndexOf('\n', written - 1) + 1;
    if (whole === written) return { kept: written };
    const end = lines.indexOf('\n', written) + 1;
    let all = written;
    let error: NodeJS.ErrnoException = new Error('there is no room for a whole line');
    try {
      all += writeSync(this.#fd, lines.slice(written, end), null, 'latin1');
    } catch (thrown) {
      if (thrown instanceof Error) error = thrown;
    }
    if (all === end) return { kept: end };
    return { kept: this.#cut(lines.slice(whole, all)) ? whole : all, error };
  }

  /** Takes the begin of a line off the end of the file again, if nothing has come behind it. */
  #cut(torn: string): boolean {
    try {
      const { size } = fstatSync(this.#fd);
      const at = size - torn.length;
      const tail = Buffer.alloc(torn.length);
      if (at < 0 || readSync(this.#fd, tail, 0, torn.length, at) < torn.length) return false;
      if (tail.toString('latin1') !== torn) return false;
      ftruncateSync(this.#fd, at);
      return true;
    } catch {
      // No file, or one that can only grow: the rest of the line is written when there is room.
      return false;
    }
  }

  #stumble(error: NodeJS.ErrnoException): void {
    if (error.code === 'EAGAIN') this.#again = setTimeout(this.#next, SLOW_READER);
    else this.#fail(error);
  }

  #fail(error: Error): void {
    if (!this.#failing) {
      this.#failing = true;
      this.#parts.onFailure(error);
    }
    if (this.#ending) this.#close();
    else this.#again = setTimeout(this.#next, AGAIN_AFTER);
  }

  /** Behind the end nothing is waited for that makes no progress. */
  #hurry(): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(this.#close, Math.min(STANDSTILL, this.#endBy - performance.now()));
  }

  readonly #close = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#again);
    clearTimeout(this.#deadline);
    const unsure = this.#writing ? (this.#queue.shift() ?? '') : '';
    const left = { lines: this.#queue.join(''), unsure };
    this.#queue = [];
    this.#size = 0;
    if (this.#writing) this.#ending?.(left);
    else this.#shut(() => this.#ending?.(left));
  };

  #shut(then: () => void = () => undefined): void {
    // Whatever were opened next would take the place of standard output.
    if (this.#fd <= 2) then();
    else close(this.#fd, then);
  }
}
