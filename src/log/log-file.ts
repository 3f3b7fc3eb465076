// One log, a file or standard output, that takes whole lines and never throws. Called by access-log.ts.
//
// Every write to the disk holds whole lines and the file is opened for appending, so several workers may share it. What
// comes in one turn is written together, since a write costs more than many lines do. When the disk is full, or the file
// cannot be opened, the lines wait in memory up to a bound, then are counted as lost; what waits is written once there is
// room. A line counts as lost unless it is known to be written. SonicBoom, which pino has for files, is not used here: the
// rest of a line of which a full disk has taken a part is nobody's there, and can be neither finished, cut off nor counted.

import { messageOf, ProxyError } from '../core/errors.ts';
import { Appender, type Left } from './appender.ts';
import { WAITING } from './log-options.ts';
import type { LogState } from './log-state.ts';
import { openLog } from './open-log.ts';
import type { Removed } from './removal-watch.ts';

export interface LogFileOptions {
  /** Bytes that may wait in memory while nothing can be written. */
  readonly most?: number | undefined;
  /** Called when the state has changed. */
  readonly onState?: ((state: LogState) => void) | undefined;
}

/** Linux' PIPE_BUF: what several workers write into one pipe is not interleaved up to here. */
const MAX_BATCH = 4096;
/** A file takes any size in one piece, as long as it has room. */
const MAX_WRITE = 65_536;
/** Bytes of lines that may come in one turn, of 8 KB each: no write is over within it, however well the file is. */
const ONE_TURN = 64 * 8_192;
const REPORT_EVERY = 60_000;
const OPEN_AGAIN_AFTER = 1000;
const NOTHING: Left = { lines: '', unsure: '' };
const NOT_KEPT = new Error('lines cannot be kept');

export class LogFile {
  readonly #path: string;
  readonly #onError: (error: ProxyError) => void;
  readonly #options: LogFileOptions;
  readonly #most: number;
  #file: Appender | undefined;
  /** It was to be opened anew and could not be: it may have another name by now, or none. */
  #isOld = false;
  /** Files of before, until they are left alone. */
  readonly #leaving = new Set<Promise<void>>();
  #state: LogState = 'well';
  #closing = false;
  /** No file takes any more. */
  #over = false;
  #closed: Promise<void> | undefined;
  /** Nobody reads what we write. */
  #gone = false;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #lost = 0;
  /** How many of them were told. */
  #told = 0;
  /** Lines of this turn, and how long they may be together. */
  #batch = '';
  #mostInBatch = MAX_BATCH;
  #soon: NodeJS.Immediate | undefined;
  /** Lines that no file is open for. */
  #held = '';
  #again: NodeJS.Timeout | undefined;

  /** `path` is absolute, or `stdout`. A file that cannot be opened is reported and tried again later. */
  constructor(path: string, onError: (error: ProxyError) => void, options: LogFileOptions = {}) {
    this.#path = path;
    this.#onError = onError;
    this.#options = options;
    this.#most = options.most ?? WAITING;
    this.#open(true);
  }

  /** Lines that could not be kept since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Bytes that wait, for the end of the turn or for room, and whether they cannot be written now. */
  get stats(): { readonly waiting: number; readonly failing: boolean } {
    const waiting = this.#batch.length + (this.#file?.waiting ?? this.#held.length);
    return { waiting, failing: this.#state !== 'well' };
  }

  get state(): LogState {
    return this.#state;
  }

  /** Takes one line without its newline. */
  write(line: string): void {
    if (this.#closing) {
      this.#lose(`${line}\n`);
      return;
    }
    if (this.#batch.length + line.length >= this.#mostInBatch) this.#flush();
    if (this.#batch === '') this.#soon = setImmediate(this.#flush);
    this.#batch += `${line}\n`;
  }

  /** Whole lines that another one could not write. */
  take(lines: string): void {
    this.#flush();
    this.#keep(lines);
  }

  /**
   * After a rotation: what was taken so far goes to the file as it was, the rest to a new one of the same name. Resolves
   * when nothing goes to the old one any more, or with the reason why there is no new one: then it is tried again each
   * second, and the old one has the lines until then.
   */
  async reopen(): Promise<ProxyError | undefined> {
    if (this.#closing || this.#path === 'stdout') return undefined;
    this.#flush();
    const failure = this.#open();
    await Promise.all(this.#leaving);
    return failure;
  }

  /**
   * Resolves when everything taken is in the file, or when it is clear that it cannot get there; then `heir` has it, or it is
   * counted and told.
   */
  close(heir?: LogFile): Promise<void> {
    this.#closed ??= this.#close(heir);
    return this.#closed;
  }

  async #close(heir: LogFile | undefined): Promise<void> {
    this.#flush();
    this.#closing = true;
    clearTimeout(this.#again);
    await Promise.all(this.#leaving);
    this.#over = true;
    const { lines, unsure } = (await this.#file?.end()) ?? NOTHING;
    const left = this.#held + lines;
    this.#file = undefined;
    this.#held = '';
    heir?.take(left);
    this.#lose(heir ? unsure : unsure + left);
    if (this.#lost > this.#told) this.#tell('it is closed, and there are lines that could not be kept');
  }

  readonly #flush = (): void => {
    clearImmediate(this.#soon);
    const lines = this.#batch;
    if (lines === '') return;
    this.#batch = '';
    this.#keep(lines);
  };

  /** As many of them as there is room for. */
  #keep(lines: string): void {
    if (this.#gone || this.#over) {
      this.#lose(lines);
      return;
    }
    const most = this.#file && !this.#file.failing ? this.#most + ONE_TURN : this.#most;
    const room = most - (this.#file?.waiting ?? this.#held.length);
    const fitting = lines.length <= room ? lines : wholeLines(lines, room);
    if (fitting !== '') {
      if (this.#file) this.#file.add(fitting);
      else this.#held += fitting;
    }
    if (fitting.length === lines.length) return;
    this.#lost += linesIn(lines.slice(fitting.length));
    if (this.#state === 'dropping') this.#report(NOT_KEPT);
    else this.#change('dropping');
  }

  #open(first = false): ProxyError | undefined {
    clearTimeout(this.#again);
    const old = this.#file;
    try {
      const { fd, isFile, torn } = openLog(this.#path, first);
      this.#mostInBatch = isFile ? MAX_WRITE : MAX_BATCH;
      const file: Appender = new Appender(fd, {
        most: this.#mostInBatch,
        onFailure: (error) => this.#onFailure(file, error),
        onWritten: () => this.#onWritten(file),
        onRemoved: isFile ? (removed) => this.#onRemoved(file, removed) : undefined,
      });
      this.#file = file;
      this.#isOld = false;
      const held = (torn ? '\n' : '') + this.#held;
      this.#held = '';
      if (held !== '') file.add(held);
      if (old) this.#leave(old, file);
      this.#onIdle(file);
      return undefined;
    } catch (error) {
      this.#report(error);
      this.#isOld = old !== undefined;
      if (this.#state === 'well') this.#change('failing');
      this.#again = setTimeout(this.#openAgain, OPEN_AGAIN_AFTER).unref();
      return new ProxyError('log-failed', `${this.#path}: ${messageOf(error)}`, { cause: error });
    }
  }

  readonly #openAgain = (): void => {
    this.#flush();
    this.#open();
  };

  /** What the old one had no room for is the new one's. */
  #leave(old: Appender, file: Appender): void {
    const leaving = old.end().then(({ lines, unsure }) => {
      this.#lose(unsure);
      if (lines !== '') this.#keep(lines);
      this.#leaving.delete(leaving);
      this.#onIdle(file);
    });
    this.#leaving.add(leaving);
  }

  #onFailure(file: Appender, error: Error): void {
    // An old one, which is on its way out.
    if (this.#file !== file) return;
    this.#report(error);
    if (this.#state === 'well') this.#change('failing');
    if (this.#path === 'stdout' && isBrokenPipe(error)) {
      // The reader of our standard output is gone for good, and what it has not read is nobody's.
      this.#file = undefined;
      this.#gone = true;
      void file.end().then(({ lines, unsure }) => this.#lose(lines + unsure));
    }
  }

  /** What went with it comes first in the new one. */
  #onRemoved(file: Appender, { lines, lost }: Removed): void {
    if (this.#file !== file) return;
    this.#lost += lost;
    this.#tell('the file has been removed; another one is made');
    this.#file = undefined;
    this.#held = lines + file.abandon();
    this.#open();
  }

  /** Only what gets through says that all is well again, not that there is a file. */
  #onWritten(file: Appender): void {
    if (this.#file !== file || this.#isOld || this.#state === 'well') return;
    // There is room for more than a few lines.
    if (this.#state === 'failing' || file.waiting <= this.#most / 2) this.#change('well');
  }

  /** Where nothing is left to write. */
  #onIdle(file: Appender): void {
    if (!file.failing && file.waiting === 0 && this.#leaving.size === 0) this.#onWritten(file);
  }

  #change(state: LogState): void {
    if (this.#state === state) return;
    this.#state = state;
    if (state === 'dropping') this.#tell('the lines do not fit into memory any more, and are dropped');
    this.#options.onState?.(state);
  }

  #lose(lines: string): void {
    const count = linesIn(lines);
    if (count === 0) return;
    this.#lost += count;
    this.#report(NOT_KEPT);
  }

  /** The first failure at once, then at most one report a minute. */
  #report(error: unknown): void {
    if (performance.now() - this.#reportedAt >= REPORT_EVERY) this.#tell(messageOf(error), error);
  }

  #tell(what: string, cause?: unknown): void {
    this.#reportedAt = performance.now();
    this.#told = this.#lost;
    const lost = this.#lost > 0 ? ` (${this.#lost} lines lost so far)` : '';
    this.#onError(new ProxyError('log-failed', `${this.#path}: ${what}${lost}`, cause === undefined ? {} : { cause }));
  }
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}

/** The first of these lines, `most` characters at most. */
function wholeLines(lines: string, most: number): string {
  return most > 0 ? lines.slice(0, lines.lastIndexOf('\n', most - 1) + 1) : '';
}

const isBrokenPipe = (error: Error): boolean => 'code' in error && error.code === 'EPIPE';
