// LOG-01 and LOG-02: what a client or an origin may put into any field that is logged. Bytes in Latin-1.

import type { Row } from './row.ts';

/** A whole line as an attacker would like to have it in the native log. */
export const FORGED =
  '1795330020.042     12 10.9.9.9 TCP_MISS/200 1512 GET http://forged.test/ - HIER_DIRECT/192.0.2.1 text/html';

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const row = (id: string, name: string, input: string): Row => ({ id, area: 'logs', name, input, expected: 'one line' });

export const UNITS: readonly Row[] = [
  row('LOG-01', 'CR', '\r'),
  row('LOG-01', 'LF', '\n'),
  row('LOG-01', 'CR LF', '\r\n'),
  row('LOG-01', 'CR LF and a forged line', `\r\n${FORGED}\r\n`),
  row('LOG-01', 'encoded CR LF', '%0d%0a'),
  row('LOG-01', 'encoded CR LF and a forged line', `%0d%0a${FORGED.replaceAll(' ', '%20')}%0d%0a`),
  row('LOG-01', 'encoded twice', '%250d%250a'),
  row('LOG-01', 'ESC and a colour', '\x1b[31m'),
  row('LOG-01', 'ESC and a title', '\x1b]0;owned\x07'),
  row('LOG-01', 'BEL', '\x07'),
  row('LOG-01', 'NUL', '\0'),
  row('LOG-01', 'DEL', '\x7f'),
  row('LOG-01', 'NEL', '\x85'),
  row('LOG-01', 'TAB', '\t'),
  row('LOG-01', 'vertical tab and form feed', '\x0b\x0c'),
  row('LOG-01', 'U+2028 and U+2029', utf8('\u2028\u2029')),
  row('LOG-01', 'U+202E', utf8('\u202e')),
  row('LOG-02', 'a space', ' '),
  row('LOG-02', 'many spaces', '     '),
  row('LOG-02', 'a forged line', FORGED),
  row('LOG-02', 'a quote', '"'),
  row('LOG-02', 'a quote that ends a field', '" 200 1 "-" "'),
  row('LOG-02', 'a backslash', '\\'),
  row('LOG-02', 'a backslash before a quote', '\\"'),
  row('LOG-02', 'a percent sign', '%'),
  row('LOG-02', 'a percent sign and letters', '%zz%n%s'),
  row('LOG-02', 'our own mark of a cut', '%...'),
  row('LOG-02', 'byte 80', '\x80'),
  row('LOG-02', 'byte ff', '\xff\xfe'),
  row('LOG-02', 'UTF-8', utf8('bücher')),
  row('LOG-02', 'UTF-8 beyond the first plane', utf8('\u{1f4a9}')),
  row('LOG-02', 'UTF-8 cut off', '\xe2\x80'),
  row('LOG-02', 'overlong UTF-8', '\xc0\x8a'),
  row('LOG-02', 'a surrogate in UTF-8', '\xed\xa0\x80'),
  row('LOG-02', 'braces and brackets', '{"a":[1]}'),
  row('LOG-02', 'markup', '<script>'),
  row('LOG-02', 'a dash alone', '-'),
  row('LOG-02', 'a formula', '=HYPERLINK("x")'),
  row('LOG-02', '20,000 bytes', 'x'.repeat(20_000)),
  row('LOG-02', '20,000 bytes that each take three', '\xff'.repeat(20_000)),
];
