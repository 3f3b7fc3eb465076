// The access log's formats by name. Called by access-log.ts; config/ takes the names from here.

import type { AccessLogEntry } from './access-log-entry.ts';
import { jsonLine } from './json-line.ts';
import { combinedLine, commonLine, squidLine } from './text-line.ts';

const FORMATS = { squid: squidLine, common: commonLine, combined: combinedLine, json: jsonLine };

export type LogFormatName = keyof typeof FORMATS;

export const LOG_FORMATS: readonly LogFormatName[] = ['squid', 'common', 'combined', 'json'];

/** The printer of one format: an entry in, one line of printable ASCII below 8 KB out, without the newline. */
export function logFormat(name: LogFormatName): (entry: AccessLogEntry) => string {
  return FORMATS[name];
}
