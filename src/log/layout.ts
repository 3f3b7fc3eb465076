// A Squid logformat, compiled once at load into a function that prints an entry. Called by log-format.ts; config/ asks it what
// is wrong with one.

import type { Parsed } from '../core/authority.ts';
import type { PrintedEntry } from './access-log-entry.ts';
import { NOTE_NAMES } from './entry-notes.ts';
import { cap, escapeField } from './escape.ts';
import { CODE_NAMES, CODES, type Code, type Read } from './layout-codes.ts';
import { type CodePiece, type Piece, scanLayout } from './layout-scanner.ts';
import type { Particular } from './particulars.ts';
import { ENCODINGS } from './squid-encodings.ts';
import { MAX_RECORD } from './text-line.ts';

export interface Layout {
  /** What is to be collected for it. */
  readonly needs: ReadonlySet<Particular>;
  /** Codes that are always `-` here, each with the reason. */
  readonly absent: readonly string[];
  /** A printer for one log: a sequence number counts by itself in each. No newline; with it, `most` characters at most. */
  printer(): (entry: PrintedEntry, most?: number) => string;
}

/** One piece of the line, of `limit` characters at most. */
type Part = (entry: PrintedEntry, limit: number) => string;

/** What cannot be a format: the reason begins with the position of the code, from 1. */
export function compileLayout(text: string): Parsed<Layout> {
  if (text.trim() === '') return { ok: false, reason: 'it is empty' };
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) return { ok: false, reason: 'a record is one line of text' };
  const pieces = scanLayout(text, CODE_NAMES);
  if (!pieces.ok) return pieces;
  const codes = pieces.value.flatMap((piece) => (piece.kind === 'code' ? [piece] : []));
  for (const { code, argument, position } of codes) {
    const reason = argument === undefined ? undefined : problemOf(code, argument);
    if (reason !== undefined) return { ok: false, reason: `position ${position}: %{${argument}}${code}: ${reason}` };
  }
  const known = codes.map(({ code }): [string, Code] => [code, CODES[code] ?? {}]);
  return {
    ok: true,
    value: {
      needs: new Set(known.flatMap(([, { needs }]) => needs ?? [])),
      absent: [
        ...new Set(known.flatMap(([code, { absent }]) => (absent === undefined ? [] : [`%${code}: ${absent}`]))),
      ],
      printer: () => printerOf(pieces.value),
    },
  };
}

function problemOf(code: string, argument: string): string | undefined {
  if (code === 'note') {
    const name = argument.split(':', 1)[0] ?? '';
    return NOTE_NAMES.includes(name) ? undefined : `the notes are ${NOTE_NAMES.join(', ')}`;
  }
  return CODES[code]?.check?.(argument);
}

/** Room of a single field in the first try, and in the last. */
const MAX_FIELD = 4096;
const LEAST_FIELD = 32;

function printerOf(pieces: readonly Piece[]): (entry: PrintedEntry, most?: number) => string {
  let count = 0;
  const parts = pieces.map((piece) => partOf(piece, () => count));
  const print = (entry: PrintedEntry, limit: number): string => {
    let line = '';
    for (const part of parts) line += part(entry, limit);
    return line;
  };
  return (entry, most = MAX_RECORD) => {
    count += 1;
    let line = print(entry, MAX_FIELD);
    for (let limit = MAX_FIELD / 2; line.length >= most && limit >= LEAST_FIELD; limit /= 2) line = print(entry, limit);
    return line.length < most ? line : cap(line, most - 1);
  };
}

/** `counted`: the number of the record, from 1. */
function partOf(piece: Piece, counted: Read): Part {
  if (piece.kind === 'text') {
    // A literal beyond ASCII goes out as the bytes of its UTF-8.
    const text = Buffer.from(piece.text).toString('latin1').replaceAll('\t', ' ');
    return () => text;
  }
  const read = piece.code === 'sn' ? counted : readerOf(piece);
  const spell = spellingOf(piece);
  const align = alignmentOf(piece);
  return (entry, limit) => {
    const value = read(entry);
    if (value === undefined || value === '') return '-';
    if (typeof value === 'number') return align(number(value, piece));
    // A user, or an agent, that is called so must not read as none.
    if (value === '-') return align('%2d');
    const text = spell(value.length > limit ? value.slice(0, limit + 1) : value);
    return align(text.length > limit ? cap(text, limit) : text);
  };
}

function readerOf({ code, argument }: CodePiece): Read {
  const { read, reader } = CODES[code] ?? {};
  return (argument ? reader?.(argument) : undefined) ?? read ?? (() => undefined);
}

function spellingOf({ code, encoding }: CodePiece): (text: string) => string {
  if (encoding !== undefined) return ENCODINGS[encoding];
  const spelling = CODES[code]?.spelling;
  return spelling === 'word' ? escapeField : ENCODINGS[spelling ?? 'plain'];
}

const number = (value: number, { zero, width }: CodePiece): string =>
  zero ? String(value).padStart(width, '0') : String(value);

function alignmentOf({ left, width, max }: CodePiece): (text: string) => string {
  if (width === 0 && max === undefined) return (text) => text;
  return (text) => {
    const cut = max === undefined || text.length <= max ? text : text.slice(0, max);
    return left ? cut.padEnd(width) : cut.padStart(width);
  };
}
