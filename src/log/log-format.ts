// The access log's formats by name. Called by access-log.ts; config/ takes the names from here.

import type { AccessLogEntry } from './access-log-entry.ts';
import { jsonLine } from './json-line.ts';
import { combinedLine, commonLine, squidLine } from './text-line.ts';

const FORMATS = { squid: squidLine, common: commonLine, combined: combinedLine, json: jsonLine };

export type LogFormatName = keyof typeof FORMATS;

export const LOG_FORMATS: readonly LogFormatName[] = ['squid', 'common', 'combined', 'json'];

/**
 * The printer of one format: an entry in, one line of printable ASCII out, without the newline; with it, it has at most
 * `most` characters, 8 KB unless told otherwise, and 4 KB at the least.
 */
export function logFormat(name: LogFormatName, most?: number): (entry: AccessLogEntry) => string {
  const format = FORMATS[name];
  return (entry) => format(entry, most);
}
