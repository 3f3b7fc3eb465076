// The five ways in which a Squid logformat may ask for a value to be spelled (features.md section L). Called by
// compile-layout.ts. Values come as they came over the wire, a character for each byte; what goes out is one line of printable
// ASCII in each of them: where Squid would let a control character or a raw byte through, it is escaped here.

import { escapeUrl, escapeWith } from './escape.ts';

export type Encoding = '"' | '[' | '#' | '/' | "'";

/**
 * `plain`: nothing was asked for. `url`: likewise, of what is a URL, whose own triplets stay. `pass`: what Squid does then with
 * fields of messages, but for a percent sign that begins no triplet: what is written must be what was read.
 */
export const ENCODINGS: Readonly<Record<Encoding | 'plain' | 'url' | 'pass', (text: string) => string>> = {
  // Backslash escapes; what has none of its own as \xHH.
  '"': (text) => (/["\\]|[^\x20-\x7e]/.test(text) ? escapeWith(text, /["\\]|[^\x20-\x7e]/gu, 'backslash') : text),
  // As Squid writes it into log_mime_hdrs: a backslash before the three characters that have a letter.
  '[': (text) =>
    text
      .replaceAll('\\', '\\\\')
      .replaceAll('\r', '\\r')
      .replaceAll('\n', '\\n')
      .replace(/[%[\]]|[^\x20-\x7e]/gu, (character) => escapeWith(character, /./gsu, 'lower')),
  // RFC 1738: whatever is not safe everywhere in a URL, the percent sign too.
  '#': (text) => escapeWith(text, /[\x00-\x20"#%<>[\\\]^`{|}~]|[^\x20-\x7e]/gu, 'upper'),
  '/': (text) => {
    const escaped = escapeWith(text, /["\\]|[^\x20-\x7e]/gu, 'backslash');
    return escaped.includes(' ') ? `"${escaped}"` : escaped;
  },
  "'": (text) => (/[^\x20-\x7e]/.test(text) ? escapeWith(text, /[^\x20-\x7e]/gu, 'lower') : text),
  plain: (text) => (/[^\x20-\x7e]/.test(text) ? escapeWith(text, /[^\x20-\x7e]/gu, 'lower') : text),
  url: escapeUrl,
  pass: (text) => escapeWith(text, /%(?![0-9A-Fa-f]{2})|["<>#{}|\\^~[\]`']|[^\x21-\x7e]/gu, 'upper'),
};

export const isEncoding = (character: string): character is Encoding => /^["[#/']$/.test(character);
