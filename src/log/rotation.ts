// Begins new log files: by size, by the clock, or when somebody asks for it. One process does so for all that write, and they
// open their files anew behind it. Made by supervisor/operations; what is kept is numbered as by Squid's logfile_rotate, `path.0` the youngest.

import type { Stats } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { messageOf, ProxyError } from '../core/errors.ts';
import type { AccessLogOptions, RotateOptions } from './log-options.ts';
import type { ServiceLog } from './service-log.ts';

export interface RotationParts {
  readonly logs: readonly Pick<AccessLogOptions, 'path' | 'rotate'>[];
  /** All writers go on in files of the old names; resolves when they do. */
  readonly reopen: () => Promise<void>;
  /** Whether another process has taken over what is due by itself; what is asked for goes on to open the files anew. */
  readonly isStopping?: () => boolean;
  readonly service: Pick<ServiceLog, 'info' | 'error'>;
}

/** Milliseconds between two looks at sizes and clock. */
const LOOK = 1_000;
const DAY = 86_400_000;
/** Looks until what has failed is tried again, at most; after the first failure it is one, then twice as many each time. */
const LONGEST_REST = 300;

interface Rotated {
  readonly path: string;
  readonly rotate: RotateOptions;
  /** The hour, day or week that the file is of. */
  period: number;
  /** How often it has failed since it last went well, and how many looks are still passed over. */
  failures: number;
  rest: number;
}

export class LogRotation {
  readonly #parts: RotationParts;
  #logs: Rotated[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #looking = false;

  constructor(parts: RotationParts) {
    this.#parts = parts;
    this.use(parts.logs);
  }

  /** Other logs from now on. */
  use(logs: RotationParts['logs']): void {
    const before = new Map(this.#logs.map((log) => [log.path, log]));
    this.#logs = [];
    clearInterval(this.#timer);
    for (const { path, rotate } of logs) {
      // With 0 there is nothing to rename, as in Squid.
      if (rotate && rotate.keep > 0 && path !== 'stdout') {
        const fresh = { period: Number.NaN, failures: 0, rest: 0 };
        this.#logs.push({ ...(before.get(path) ?? fresh), path, rotate });
      }
    }
    if (this.#logs.some(({ rotate }) => rotate.size !== undefined || rotate.every !== undefined)) {
      this.#timer = setInterval(() => void this.#look(), LOOK).unref();
      void this.#look();
    }
  }

  /**
   * Renames those that have a rotation of their own, and opens all anew: what Squid does at SIGUSR1. Never rejects; resolves
   * with what went wrong.
   */
  rotate(reason: string): Promise<readonly string[]> {
    return this.#enqueue(this.#parts.isStopping?.() ? [] : this.#logs, reason, true);
  }

  /** What has begun is finished. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #enqueue(logs: readonly Rotated[], reason: string, asked = false): Promise<readonly string[]> {
    const problems = this.#running.then(() => this.#carryOut(logs, reason, asked));
    this.#running = problems.then(() => undefined);
    return problems;
  }

  async #carryOut(logs: readonly Rotated[], reason: string, asked: boolean): Promise<readonly string[]> {
    const { reopen, service } = this.#parts;
    const problems: string[] = [];
    const renamed: string[] = [];
    for (const log of logs) {
      try {
        const isAside = await setAside(log.path, log.rotate.keep);
        log.period = periodOf(Date.now(), log.rotate.every);
        if (isAside) {
          renamed.push(log.path);
          await file(log.path, log.rotate.keep);
        }
        log.failures = 0;
      } catch (error) {
        const looks = Math.min(2 ** log.failures, LONGEST_REST);
        log.failures += 1;
        log.rest = looks - 1;
        problems.push(`${log.path}: ${messageOf(error)}`);
        service.error({ log: log.path, error: messageOf(error), delay: looks * LOOK }, 'log cannot be rotated');
      }
    }
    // Nobody has asked, and nothing has another name.
    if (!asked && renamed.length === 0) return problems;
    try {
      await reopen();
      service.info({ by: reason, renamed }, 'logs reopened');
    } catch (error) {
      const why = reasonOf(error);
      problems.push(why);
      service.error({ by: reason, renamed, error: why }, 'logs cannot be reopened');
    }
    return problems;
  }

  async #look(): Promise<void> {
    // A look that takes long is not joined by another.
    if (this.#looking || this.#parts.isStopping?.()) return;
    this.#looking = true;
    const [full, old]: [Rotated[], Rotated[]] = [[], []];
    for (const log of this.#logs) {
      const facts = await factsOf(log.path);
      const { size = Number.POSITIVE_INFINITY, every } = log.rotate;
      const now = periodOf(Date.now(), every);
      // What an earlier process has left is of the time of its last line.
      if (Number.isNaN(log.period)) log.period = facts && facts.size > 0 ? periodOf(facts.mtimeMs, every) : now;
      if (!facts || facts.size === 0) log.period = now;
      else if (log.rest > 0) log.rest -= 1;
      else if (log.period !== now) old.push(log);
      else if (facts.size >= size) full.push(log);
    }
    if (old.length > 0) await this.#enqueue(old, 'time');
    if (full.length > 0) await this.#enqueue(full, 'size');
    this.#looking = false;
  }
}

/** A log that has left its place and has no number yet: nothing of the others is touched before it has. */
const asideOf = (path: string): string => `${path}.rotating`;

/** False: there is nothing in it that could be kept. Throws where it cannot leave its place; then all is as before. */
async function setAside(path: string, keep: number): Promise<boolean> {
  // One that has got no further the last time.
  if ((await factsOf(asideOf(path)))?.isFile()) await file(path, keep);
  const facts = await factsOf(path);
  if (!facts?.isFile() || facts.size === 0) return false;
  await rename(path, asideOf(path));
  return true;
}

/** What is set aside becomes `path.0`, that `path.1`, and so on as far as there is one; what is beyond `keep` is gone. */
async function file(path: string, keep: number): Promise<void> {
  let free = 0;
  while (free < keep - 1 && (await factsOf(`${path}.${free}`))) free += 1;
  for (let number = free; number > 0; number -= 1) await rename(`${path}.${number - 1}`, `${path}.${number}`);
  await rename(asideOf(path), `${path}.0`);
}

function factsOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

const reasonOf = (error: unknown): string => (error instanceof ProxyError ? error.detail : messageOf(error));

/** A number that changes where the local clock begins another hour, day, or week (on Monday). */
function periodOf(time: number, every: RotateOptions['every']): number {
  if (every === undefined) return 0;
  const date = new Date(time);
  const local = time - date.getTimezoneOffset() * 60_000;
  if (every === 'hour') return Math.floor(local / 3_600_000);
  const day = Math.floor(local / DAY);
  // The epoch was a Thursday.
  return every === 'day' ? day : Math.floor((day + 3) / 7);
}
