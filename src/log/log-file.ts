// One open file, or standard output, that takes whole lines and never throws. Called by access-log.ts.
//
// Every write to the disk holds whole lines and the file is opened for appending, so several workers may share it. What
// comes within a moment is written together, since a write costs more than many lines do. When the disk is full the lines
// wait in memory up to a bound, then are counted as lost; what waits is written once there is room. The file is opened
// here rather than by SonicBoom, which without a descriptor can neither write, end nor recover.

import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { destination } from 'pino';
import { messageOf, ProxyError } from '../core/errors.ts';

type Sink = ReturnType<typeof destination>;

/** Owner writes, the group (auditors) reads; the umask may take more away. */
const MODE = 0o640;
const STDOUT_FD = 1;
/** Bytes that wait in memory while the disk is slow or full: some hundred thousand lines. */
const MAX_WAITING = 32 * 1024 * 1024;
/**
 * Linux' PIPE_BUF: what several workers write into one pipe is not interleaved up to here. SonicBoom measures the text it
 * collects anew for every line, so this also halves what a line costs against its default of 16 KB.
 */
const MAX_WRITE = 4096;
/** Nobody who follows a log sees it; a busy proxy writes some fifty lines in it. */
const MOMENT = 20;
const REPORT_EVERY = 60_000;
const OPEN_AGAIN_AFTER = 1000;

export class LogFile {
  readonly #path: string;
  readonly #onError: (error: ProxyError) => void;
  readonly #moment: number;
  #sink: Sink | undefined;
  #closing = false;
  #openedAt = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #lost = 0;
  /** Lines of this moment. */
  #batch = '';
  #timer: NodeJS.Timeout | undefined;

  /**
   * `path` is absolute, or `stdout`. A file that cannot be opened is reported and tried again later. `moment`:
   * milliseconds that a line waits for others.
   */
  constructor(path: string, onError: (error: ProxyError) => void, moment = MOMENT) {
    this.#path = path;
    this.#moment = moment;
    this.#onError = onError;
    this.#open();
  }

  /** Lines that could not be kept since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes one line without its newline. */
  write(line: string): void {
    if (this.#closing) return;
    if (this.#sink === undefined && performance.now() - this.#openedAt >= OPEN_AGAIN_AFTER) this.#open();
    if (this.#sink === undefined) {
      this.#lose(1);
      return;
    }
    if (this.#batch.length + line.length >= MAX_WRITE) this.#flush();
    if (this.#batch === '') this.#timer = setTimeout(this.#flush, this.#moment);
    this.#batch += `${line}\n`;
  }

  /** After a rotation: what was taken so far goes to the file as it was, the rest to a new one of the same name. */
  reopen(): void {
    if (this.#closing || this.#path === 'stdout') return;
    this.#flush();
    const old = this.#sink;
    this.#open();
    if (old !== undefined && old !== this.#sink) void finish(old);
  }

  /** Resolves when everything taken is in the file, or when it is clear that it cannot get there. */
  async close(): Promise<void> {
    this.#flush();
    this.#closing = true;
    const sink = this.#sink;
    this.#sink = undefined;
    if (sink !== undefined) await finish(sink);
  }

  readonly #flush = (): void => {
    clearTimeout(this.#timer);
    const lines = this.#batch;
    if (lines === '') return;
    this.#batch = '';
    if (this.#sink === undefined) this.#lose(linesIn(lines));
    else this.#sink.write(lines);
  };

  #open(): void {
    this.#openedAt = performance.now();
    try {
      this.#sink = this.#watch(openSink(this.#path));
    } catch (error) {
      this.#report(error);
    }
  }

  #watch(sink: Sink): Sink {
    sink.on('drop', (lines: string) => this.#lose(linesIn(lines)));
    sink.on('error', (error: unknown) => {
      // The reader of our standard output is gone for good; pino makes the sink deaf.
      if (this.#sink === sink && isBrokenPipe(error)) this.#sink = undefined;
      this.#report(error);
    });
    return sink;
  }

  #lose(lines: number): void {
    this.#lost += lines;
    this.#report(new Error('the lines do not fit into memory any more'));
  }

  /** The first failure at once, then at most one report a minute. */
  #report(error: unknown): void {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_EVERY) return;
    this.#reportedAt = now;
    const lost = this.#lost > 0 ? ` (${this.#lost} lines lost so far)` : '';
    this.#onError(new ProxyError('log-failed', `${this.#path}: ${messageOf(error)}${lost}`, { cause: error }));
  }
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}

function openSink(path: string): Sink {
  if (path !== 'stdout') mkdirSync(dirname(path), { recursive: true });
  const dest = path === 'stdout' ? STDOUT_FD : openSync(path, 'a', MODE);
  return destination({ dest, sync: false, maxLength: MAX_WAITING, maxWrite: MAX_WRITE });
}

/** Flushes and closes; a sink that fails now is given up, since nobody will write to it again. */
function finish(sink: Sink): Promise<void> {
  return new Promise((resolve) => {
    sink.once('close', resolve);
    sink.on('error', () => {
      sink.destroy();
      resolve();
    });
    sink.end();
  });
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}
