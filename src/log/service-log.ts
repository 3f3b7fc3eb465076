// What the proxy says about itself: started, reloaded, failed. Made in main.ts and the workers, handed to whoever
// speaks. JSON lines for machines, plain lines for a person at a terminal; both one line of text per entry.

import { isatty } from 'node:tty';
import { destination as openDestination, pino, stdTimeFunctions } from 'pino';
import { asciiJson } from './escape.ts';
import { readableLine } from './readable-line.ts';
import { redact } from './redact.ts';

export interface ServiceLogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** `fields` are any facts worth searching for; secrets in them are redacted. None of these throws. */
export interface ServiceLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ServiceLogDestination {
  write(text: string): unknown;
  /** A terminal gets plain lines. */
  readonly isTTY?: boolean;
}

const STDERR_FD = 2;
/** Linux' PIPE_BUF: lines of several workers in one pipe keep apart up to here. */
const MAX_WRITE = 4096;

/** Writes to standard error unless told otherwise. `facts` stand in every line: which worker speaks. */
export function createServiceLog(
  options: ServiceLogOptions,
  destination: ServiceLogDestination = standardError(),
  facts: object = {},
): ServiceLog {
  const logger = pino(
    {
      level: options.level,
      base: { pid: process.pid, ...facts },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redact },
      // redact() has made errors plain already.
      serializers: { err: (plain: unknown) => plain },
    },
    {
      write: (json: string) =>
        destination.write(destination.isTTY === true ? `${readableLine(json)}\n` : asciiJson(json)),
    },
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

/** A terminal at once, so that lines keep their place among other output; else a slow reader must not hold us up. */
function standardError(): ServiceLogDestination {
  const isTTY = isatty(STDERR_FD);
  const sink = openDestination({ dest: STDERR_FD, sync: isTTY, maxWrite: MAX_WRITE });
  // Nobody is left to be told that telling failed.
  sink.on('error', () => undefined);
  return { write: (text) => sink.write(text), isTTY };
}
