// How text from outside is spelled in a log line, so that one record is one line of printable ASCII and no field can
// pass for another. Called by the formats. Strings come from heads of messages: a code point up to 0xFF is one byte as
// it was on the wire; what is above can only be our own text and is taken as UTF-8.

/** Stands where a text was cut at its cap. No URL and no field can forge it: both escape a stray percent sign. */
export const CUT_MARK = '%...';

const table = (prefix: string, upper: boolean): readonly string[] =>
  Array.from({ length: 256 }, (_, byte) => {
    const hex = byte.toString(16).padStart(2, '0');
    return prefix + (upper ? hex.toUpperCase() : hex);
  });

/** RFC 3986 section 2.1 wants upper case in URLs; Squid writes lower case in its other fields. */
const URL_ESCAPES = table('%', true);
const FIELD_ESCAPES = table('%', false);
const QUOTED_ESCAPES = table('\\x', false);

/**
 * A URL. Valid `%XX` triplets stay as they are, since they are the URL; a stray `%` becomes `%25`. Squid passes quotes,
 * backslashes and raw bytes here; we do not, because they break CSV importers, shells and UTF-8 readers.
 */
export function escapeUrl(text: string): string {
  if (!/["%\\]|[^\x21-\x7e]/.test(text)) return text;
  return text.replace(/%(?![0-9A-Fa-f]{2})|["\\]|[^\x21-\x7e]/gu, (character) => spell(character, URL_ESCAPES));
}

/**
 * Any other bare field (user, method, type): Squid's `%[` encoding with lower-case hex, which also takes `%`, `[`, `]`
 * and backslash, and beyond Squid the space and the quote. Percent-decoding gives the text back, byte for byte.
 */
export function escapeField(text: string): string {
  if (isPlain(text) || !/["%\\[\]]|[^\x21-\x7e]/.test(text)) return text;
  return text.replace(/["%\\[\]]|[^\x21-\x7e]/gu, (character) => spell(character, FIELD_ESCAPES));
}

/** Letters, digits and what joins them: nearly every short field, known without a regular expression. */
function isPlain(text: string): boolean {
  const { length } = text;
  if (length > SHORT) return false;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x2d || code > 0x7a || (code > 0x5a && code < 0x61 && code !== 0x5f)) return false;
  }
  return true;
}

const SHORT = 32;

/** A header value between double quotes: Squid's backslash escapes, and `\xHH` for what Squid would print raw. */
export function escapeQuoted(text: string): string {
  if (!/["\\]|[^\x20-\x7e]/.test(text)) return text;
  return text.replace(/["\\]|[^\x20-\x7e]/gu, (character) => QUOTED[character] ?? spell(character, QUOTED_ESCAPES));
}

const STYLES = { upper: URL_ESCAPES, lower: FIELD_ESCAPES, backslash: QUOTED_ESCAPES } as const;

/** What `unsafe`, with the flags g and u, finds: by percent and two digits, or as `escapeQuoted` does. */
export function escapeWith(text: string, unsafe: RegExp, style: keyof typeof STYLES): string {
  const escapes = STYLES[style];
  return text.replace(unsafe, (character) =>
    style === 'backslash' ? (QUOTED[character] ?? spell(character, escapes)) : spell(character, escapes),
  );
}

const QUOTED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\r': '\\r',
  '\n': '\\n',
  '\t': '\\t',
};

/** JSON text in ASCII alone: DEL, C1 controls, bidi marks and line separators steer terminals and split lines. */
export function asciiJson(json: string): string {
  if (!/[^\n\x20-\x7e]/.test(json)) return json;
  return json.replace(/[^\n\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Escaped text of at most `max` characters, with the mark where something was left out; no escape is cut in two. */
export function cap(escaped: string, max: number): string {
  if (escaped.length <= max) return escaped;
  const room = max - CUT_MARK.length;
  let end = 0;
  for (const [token] of escaped.matchAll(/%[0-9A-Fa-f]{2}|\\x[0-9a-f]{2}|\\?./g)) {
    if (end + token.length > room) break;
    end += token.length;
  }
  return escaped.slice(0, end) + CUT_MARK;
}

function spell(character: string, escapes: readonly string[]): string {
  const point = character.codePointAt(0) ?? 0;
  if (point <= 0xff) return escapes[point] ?? '';
  let out = '';
  for (const byte of Buffer.from(character)) out += escapes[byte] ?? '';
  return out;
}
