// The access log: every transaction goes as one line to each of the configured files. Called by flow/ for each entry,
// by the worker for reopen and close.

import { asProxyError, type ProxyError } from '../core/errors.ts';
import type { AccessLogEntry } from './access-log-entry.ts';
import { LogFile } from './log-file.ts';
import { type LogFormatName, logFormat } from './log-format.ts';

export interface AccessLogOptions {
  /** Absolute path, or `stdout`. */
  readonly path: string;
  readonly format: LogFormatName;
  /** Milliseconds that a line waits for others, to be written with them; default 20. */
  readonly moment?: number;
}

/** What several workers write into a pipe keeps apart up to here, so no line on standard output is longer. */
const PIPE_BUF = 4096;

interface Output {
  readonly format: (entry: AccessLogEntry) => string;
  readonly file: LogFile;
}

export class AccessLog {
  readonly #outputs: readonly Output[];
  readonly #onError: (error: ProxyError) => void;

  private constructor(outputs: readonly Output[], onError: (error: ProxyError) => void) {
    this.#outputs = outputs;
    this.#onError = onError;
  }

  /** Opens all files; one that cannot be opened is told to `onError` (once a minute at most) and tried again later. */
  static open(options: readonly AccessLogOptions[], onError: (error: ProxyError) => void): AccessLog {
    const outputs = options.map(({ path, format, moment }) => ({
      format: logFormat(format, path === 'stdout' ? PIPE_BUF : undefined),
      file: new LogFile(path, onError, moment),
    }));
    return new AccessLog(outputs, onError);
  }

  /** Lines that could not be kept, all files together. */
  get lost(): number {
    return this.#outputs.reduce((sum, { file }) => sum + file.lost, 0);
  }

  /** Never throws: a request must not fail because its line does. */
  write(entry: AccessLogEntry): void {
    for (const { format, file } of this.#outputs) {
      try {
        file.write(format(entry));
      } catch (error) {
        this.#onError(asProxyError(error, 'log-failed'));
      }
    }
  }

  /** After the files were renamed: goes on in new ones under the old names. */
  reopen(): void {
    for (const { file } of this.#outputs) file.reopen();
  }

  /** Resolves when all lines are in their files. */
  async close(): Promise<void> {
    await Promise.all(this.#outputs.map(({ file }) => file.close()));
  }
}
