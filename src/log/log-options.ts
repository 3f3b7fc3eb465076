// What an administrator sets for one access log. config/ makes it, access-log.ts and rotation.ts take their part.

import type { Outcome } from './access-log-entry.ts';
import type { LogFormatName, OwnFormat, TagProfile } from './log-format.ts';

/** Transactions, by what is known of them; each key that is there must fit, by one item of its list. */
export interface LogSelection {
  readonly outcomes?: readonly Outcome[] | undefined;
  readonly action?: 'allow' | 'deny' | undefined;
  /** Names of rules, or `default`. */
  readonly rules?: readonly string[] | undefined;
  /** Addresses and ranges. */
  readonly clients?: readonly string[] | undefined;
  /** Host patterns as in a rule, against the host that was asked for. */
  readonly hosts?: readonly string[] | undefined;
  readonly users?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  /** `404`, or a range such as `500-599`. */
  readonly statuses?: readonly (number | string)[] | undefined;
}

export interface RotateOptions {
  /** Bytes beyond which a new file is begun; it is looked at once a second. */
  readonly size?: number | undefined;
  /** A new file with each hour, day or week, by local time. */
  readonly every?: 'hour' | 'day' | 'week' | undefined;
  /** How many old files there are at most: `path.0` is the youngest. With 0 files are opened anew and never renamed. */
  readonly keep: number;
}

/** When a line cannot be written: no request is served any more, lines are dropped and counted, or the proxy ends. */
export type OnFull = 'block' | 'drop' | 'exit';

export interface AccessLogOptions {
  /** Absolute path, or `stdout`. */
  readonly path: string;
  readonly format: LogFormatName | OwnFormat;
  readonly when?: LogSelection | undefined;
  readonly unless?: LogSelection | undefined;
  readonly rotate?: RotateOptions | undefined;
  /** Default: drop. */
  readonly onFull?: OnFull | undefined;
  /** Default: 5+. */
  readonly tags?: TagProfile | undefined;
  /** Milliseconds that a line waits for others, to be written with them; default 100, 20 unless `onFull` is drop. */
  readonly moment?: number;
  /** Bytes that may wait in memory while nothing can be written, all workers together; default 32 MB. */
  readonly waiting?: number;
}

export const WAITING = 32 * 1024 * 1024;
/** Bytes that a process needs to hold any line at all. */
const LEAST_WAITING = 16_384;

/** What each of so many processes has of them. */
export function logsOfOne(logs: readonly AccessLogOptions[], workers: number): readonly AccessLogOptions[] {
  return logs.map((log) => ({
    ...log,
    waiting: Math.max(LEAST_WAITING, Math.floor((log.waiting ?? WAITING) / workers)),
  }));
}
