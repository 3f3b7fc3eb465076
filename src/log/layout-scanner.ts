// Takes a Squid logformat apart into literal text and codes (features.md section L). Called by layout.ts; what the codes are
// is in layout-codes.ts.

import type { Parsed } from '../core/authority.ts';
import { nearest } from '../core/nearest.ts';
import { type Encoding, isEncoding } from './squid-encodings.ts';

export interface CodePiece {
  readonly kind: 'code';
  /** Without `http::`, which says nothing. */
  readonly code: string;
  readonly encoding: Encoding | undefined;
  readonly left: boolean;
  readonly zero: boolean;
  readonly width: number;
  /** Characters at most; undefined: as many as there are. */
  readonly max: number | undefined;
  readonly argument: string | undefined;
  /** Of its percent sign, from 1. */
  readonly position: number;
}

export type Piece = CodePiece | { readonly kind: 'text'; readonly text: string };

/** Squid takes two digits more than anybody needs. */
const MAX_WIDTH = 4096;
/** Squid's own way to write a code that another namespace has too. */
const HTTP = 'http::';

/** `codes`: all that there are, in the order of their length, the longest first. */
export function scanLayout(text: string, codes: readonly string[]): Parsed<readonly Piece[]> {
  const pieces: Piece[] = [];
  // Inside quotes or brackets, a code without an encoding of its own is spelled so that it cannot leave them.
  let around: Encoding | undefined;
  let at = 0;
  while (at < text.length) {
    const percent = text.indexOf('%', at);
    const literal = text.slice(at, percent < 0 ? undefined : percent);
    if (literal !== '') {
      pieces.push({ kind: 'text', text: literal });
      around = after(literal, around);
    }
    if (percent < 0) break;
    const piece = scanCode(text, percent, around, codes);
    if (!piece.ok) return piece;
    pieces.push(piece.value.piece);
    at = piece.value.end;
  }
  return { ok: true, value: pieces };
}

function after(literal: string, around: Encoding | undefined): Encoding | undefined {
  let now = around;
  for (const character of literal) {
    if (character === '"') now = now === undefined ? '"' : now === '"' ? undefined : now;
    else if (character === '[') now ??= '[';
    else if (character === ']' && now === '[') now = undefined;
  }
  return now;
}

/** Encoding, alignment, width, argument before the code; what is left begins with the code. */
const HEAD = /(["[#/']?)(-?)(\d*)(?:\.(\d*))?(?:\{([^}]*)\})?/y;

function scanCode(
  text: string,
  percent: number,
  around: Encoding | undefined,
  codes: readonly string[],
): Parsed<{ readonly piece: Piece; readonly end: number }> {
  const bad = (reason: string): Parsed<never> => ({ ok: false, reason: `position ${percent + 1}: ${reason}` });
  if (text[percent + 1] === '%') return { ok: true, value: { piece: { kind: 'text', text: '%' }, end: percent + 2 } };
  HEAD.lastIndex = percent + 1;
  const [head = '', encoding = '', left, width = '', max, before] = HEAD.exec(text) ?? [];
  const start = percent + 1 + head.length;
  const rest = text.slice(start);
  if (rest.startsWith('{')) return bad(`the "{" of ${show(text.slice(percent))} is never closed`);
  const bare = rest.startsWith(HTTP) ? rest.slice(HTTP.length) : rest;
  const code = codes.find((one) => bare.startsWith(one));
  if (code === undefined) return bad(unknown(bare, codes));
  let end = text.length - bare.length + code.length;
  let argument = before;
  if (text[end] === '{') {
    const close = text.indexOf('}', end);
    if (close < 0) return bad(`the "{" behind %${code} is never closed`);
    if (before !== undefined) return bad(`%${code} has an argument before it and another behind it`);
    argument = text.slice(end + 1, close);
    end = close + 1;
  }
  if (Number(width) > MAX_WIDTH || Number(max ?? 0) > MAX_WIDTH) return bad(`no field is wider than ${MAX_WIDTH}`);
  const piece: CodePiece = {
    kind: 'code',
    code,
    encoding: isEncoding(encoding) ? encoding : around,
    left: left === '-',
    zero: width.startsWith('0'),
    width: Number(width),
    max: max ? Number(max) : undefined,
    argument,
    position: percent + 1,
  };
  return { ok: true, value: { piece, end } };
}

const show = (text: string): string => JSON.stringify(text.slice(0, 24));

/** What stands where a code should, up to where it can no longer be one. */
function unknown(rest: string, codes: readonly string[]): string {
  const word = /^[<>]?[A-Za-z_]*(?:::[<>]?[A-Za-z_]*)?/.exec(rest)?.[0] ?? '';
  if (word === '')
    return rest === '' ? 'there is no code behind this "%"; write %% for a percent sign' : `${show(rest)} is no code`;
  const meant = nearestCode(word, codes);
  return `there is no code %${word}${meant === undefined ? '' : `: did you mean %${meant}?`}`;
}

function nearestCode(word: string, codes: readonly string[]): string | undefined {
  const same = codes.filter((code) => code.toLowerCase() === word.toLowerCase());
  const swapped = word.replace(/[<>]/g, (sign) => (sign === '<' ? '>' : '<'));
  return same[0] ?? codes.find((code) => code === swapped) ?? nearest(word, codes);
}
