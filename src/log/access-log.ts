// The access log: every transaction goes as one line to each of the configured files that wants it. Called by flow/ for each
// entry, by the worker for reopen and close.

import { asProxyError, ProxyError } from '../core/errors.ts';
import type { AccessLogEntry } from './access-log-entry.ts';
import { LogFile } from './log-file.ts';
import { logFormat, needsOfAll } from './log-format.ts';
import type { AccessLogOptions, LogSelection } from './log-options.ts';
import type { LogState } from './log-state.ts';
import { Moment } from './moment.ts';
import type { Particular } from './particulars.ts';

export type { AccessLogOptions } from './log-options.ts';

export type Selector = (entry: AccessLogEntry) => boolean;

export interface AccessLogParts {
  /** Compiles what a log wants to have; without it none may want a part. */
  readonly select?: (selection: LogSelection) => Selector;
  /** A log has changed its state; `lost`: lines since the start. */
  readonly onState?: (path: string, state: LogState, lost: number) => void;
  /** A log that must not be without a line cannot be written. */
  readonly onFatal?: ((error: ProxyError) => void) | undefined;
}

/** What several workers write into a pipe keeps apart up to here, so no line on standard output is longer. */
const PIPE_BUF = 4096;

/** Milliseconds that an entry waits for others: nobody who follows a log sees it, and a busy proxy has fifty in it. */
const MOMENT = 100;
/** Of a log that must have every line: so much of what was served can be without one where the process is killed. */
const SHORT_MOMENT = 20;
/** Entries that wait: more of them save little, and each holds on to the head of its request. */
const MOST_WAITING = 64;

interface Output {
  readonly options: AccessLogOptions;
  readonly wants: Selector | undefined;
  readonly file: LogFile;
  readonly moment: Moment<AccessLogEntry>;
}

/** `blocked`: what comes now is not to be served, since its line has to wait; `shut`: and there is no room for that line. */
export type LogGate = 'open' | 'blocked' | 'shut';

export class AccessLog {
  readonly #outputs: readonly Output[];
  readonly #onError: (error: ProxyError) => void;
  readonly #parts: AccessLogParts;
  #gate: LogGate = 'open';
  #lines = 0;
  #closing = false;
  /** What is to be collected beyond what each entry has. */
  readonly needs: ReadonlySet<Particular>;

  private constructor(
    options: readonly AccessLogOptions[],
    onError: (error: ProxyError) => void,
    parts: AccessLogParts,
  ) {
    this.#onError = onError;
    this.needs = needsOfAll(options);
    this.#parts = parts;
    this.#outputs = options.map((one) => this.#openOne(one));
    for (const { options: one, file } of this.#outputs) if (file.state !== 'well') this.#onState(one, file.state);
  }

  /** Opens all files; one that cannot be opened is told to `onError` (once a minute at most) and tried again later. */
  static open(
    options: readonly AccessLogOptions[],
    onError: (error: ProxyError) => void,
    parts: AccessLogParts = {},
  ): AccessLog {
    return new AccessLog(options, onError, parts);
  }

  /** Lines that could not be kept, all files together. */
  get lost(): number {
    return this.#outputs.reduce((sum, { file }) => sum + file.lost, 0);
  }

  /** Lines that were to be written, those of them lost, bytes that wait to be written, and files that cannot be written to now. */
  get stats(): { readonly lines: number; readonly lost: number; readonly waiting: number; readonly failing: number } {
    const files = this.#outputs.map(({ file }) => file.stats);
    const failing = files.filter((file) => file.failing).length;
    return {
      lines: this.#lines,
      lost: this.lost,
      waiting: files.reduce((sum, { waiting }) => sum + waiting, 0),
      failing,
    };
  }

  /** Whether a request that comes now may be served. */
  get gate(): LogGate {
    return this.#gate;
  }

  /** Never throws: a request must not fail because its line does. */
  write(entry: AccessLogEntry): void {
    for (const output of this.#outputs) this.#take(output, entry);
  }

  /** What only the JSON twin can tell: a transaction that is not over. */
  writeEvent(entry: AccessLogEntry): void {
    for (const output of this.#outputs) if (output.options.format === 'json') this.#take(output, entry);
  }

  /**
   * After the files were renamed: goes on in new ones under the old names. Resolves when the old ones are left alone. Throws
   * ProxyError `log-failed` where there is no new one; the others are open then.
   */
  async reopen(): Promise<void> {
    this.#endMoments();
    const failures = (await Promise.all(this.#outputs.map(({ file }) => file.reopen()))).filter(
      (one) => one !== undefined,
    );
    const [first] = failures;
    if (first) throw new ProxyError('log-failed', failures.map(({ detail }) => detail).join('; '), { cause: first });
  }

  /** Resolves when all lines are in their files; those for which there is no room are the same log's of `next`, or lost. */
  async close(next?: AccessLog): Promise<void> {
    this.#closing = true;
    this.#endMoments();
    const heirs = next ? next.#outputs : [];
    await Promise.all(this.#outputs.map((one) => one.file.close(heirOf(one, this.#outputs, heirs))));
  }

  #openOne(options: AccessLogOptions): Output {
    const { path, format, waiting, tags, when, unless, onFull = 'drop' } = options;
    const moment = options.moment ?? (onFull === 'drop' ? MOMENT : SHORT_MOMENT);
    const print = logFormat(format, path === 'stdout' ? PIPE_BUF : undefined, tags);
    const onState = (state: LogState): void => this.#onState(options, state);
    const file = new LogFile(path, this.#onError, { most: waiting, onState });
    return {
      options,
      wants: this.#selector(when, unless),
      file,
      moment: new Moment(moment, MOST_WAITING, (entries) => this.#print(entries, print, file)),
    };
  }

  #selector(when: LogSelection | undefined, unless: LogSelection | undefined): Selector | undefined {
    const { select } = this.#parts;
    const [wanted, unwanted] = [when && select?.(when), unless && select?.(unless)];
    if (!wanted && !unwanted) return undefined;
    return (entry) => (wanted?.(entry) ?? true) && !unwanted?.(entry);
  }

  #take({ moment, wants }: Output, entry: AccessLogEntry): void {
    try {
      if (wants !== undefined && !wants(entry)) return;
      this.#lines += 1;
      moment.add(entry);
      // What comes too late is told as lost before the process ends.
      if (this.#closing) moment.end();
    } catch (error) {
      this.#onError(asProxyError(error, 'log-failed'));
    }
  }

  #print(entries: readonly AccessLogEntry[], print: (entry: AccessLogEntry) => string, file: LogFile): void {
    for (const entry of entries) {
      try {
        file.write(print(entry));
      } catch (error) {
        this.#onError(asProxyError(error, 'log-failed'));
      }
    }
  }

  #endMoments(): void {
    for (const { moment } of this.#outputs) moment.end();
  }

  #onState({ path, onFull }: AccessLogOptions, state: LogState): void {
    // While the first of them is opened: the constructor asks for the states afterwards.
    if (this.#outputs === undefined) return;
    this.#gate = this.#gateNow();
    this.#parts.onState?.(path, state, this.#outputs.find(({ options }) => options.path === path)?.file.lost ?? 0);
    if (onFull === 'exit' && state !== 'well') {
      this.#parts.onFatal?.(new ProxyError('log-failed', `${path} cannot be written, and "onFull" says to end then.`));
    }
  }

  #gateNow(): LogGate {
    const states = this.#outputs.flatMap(({ options, file }) => (options.onFull === 'block' ? [file.state] : []));
    if (states.includes('dropping')) return 'shut';
    return states.includes('failing') ? 'blocked' : 'open';
  }
}

/** What has its path, else one that is new and writes the same: whose disk was full is written elsewhere. */
function heirOf({ options }: Output, before: readonly Output[], after: readonly Output[]): LogFile | undefined {
  const isNew = ({ path }: AccessLogOptions): boolean => before.every((old) => old.options.path !== path);
  const heir =
    after.find((one) => one.options.path === options.path) ??
    after.find((one) => isNew(one.options) && contentOf(one.options) === contentOf(options));
  return heir?.file;
}

/** What is in a log, wherever it stands. */
function contentOf({ format, tags, when, unless }: AccessLogOptions): string {
  return JSON.stringify([format, tags, when, unless]);
}
