// Says what is wrong with the head of an origin's reply that the parser has let pass: what would make `writeHead` throw,
// or the client or the next exchange misread it (RFC 9112 sections 4 and 6). Pure; called by forward.ts.

import { MAX_FIELDS, valuesOf } from './admission.ts';

/** The parser takes other protocols too, versions of the past and the future, and bytes before the line. */
const STATUS_LINE = /^HTTP\/1\.[01] \d{3}(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const REASON_AT = 'HTTP/1.1 200 '.length;

/** One sentence, or undefined when the reply may be passed on. `line`: the status line in Latin-1, byte for byte. */
export function replyProblem(status: number, line: string, raw: readonly string[]): string | undefined {
  if (!STATUS_LINE.test(line)) return 'Malformed status line.';
  if (status > 599) return `Status ${status}.`;
  if (raw.length / 2 > MAX_FIELDS) return `More than ${MAX_FIELDS} fields.`;
  const encodings = valuesOf(raw, 'transfer-encoding');
  const lengths = valuesOf(raw, 'content-length');
  if (encodings.length > 0) {
    if (line.startsWith('HTTP/1.0')) return 'Transfer-Encoding in HTTP/1.0.';
    if (lengths.length > 0) return 'Content-Length beside Transfer-Encoding.';
    if (encodings.length > 1 || encodings[0]?.toLowerCase() !== 'chunked') return 'Transfer-Encoding is not chunked.';
  }
  return lengths.length > 1 ? 'More than one Content-Length.' : undefined;
}

/** The reason phrase of a status line; bytes beyond ASCII stay what they are. */
export function reasonOf(line: string): string {
  return line.slice(REASON_AT);
}
