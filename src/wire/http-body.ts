// Finds the bytes of a body, its trailers and its end, in what comes behind a head (RFC 9112 section 6 and 7). Strict with
// chunks; extensions are read and dropped. Pure; called by http/ for requests and replies alike.

import { fieldValue } from './http-head.ts';

/** `number`: bytes, more than none. */
export type BodyFraming = 'none' | 'chunked' | 'until close' | number;

/** A size as it may be a safe number; behind it, extensions, which mean nothing to us. */
const SIZE_LINE = /^([0-9a-f]{1,13})(;[\t\x20-\x7e\x80-\xff]*)?\r\n$/i;
const TRAILER = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n$/;
/** Framing where nobody looks for it is framing that one reader has and another has not. */
const FRAMING = /^(?:content-length|transfer-encoding)$/i;
/** Bytes of extensions and trailers in one message: each could be without end. */
const MAX_OVERHEAD = 16_384;
/** Trailers in one message. */
const MAX_TRAILERS = 100;
const LF = 10;

export class BodyReader {
  /** Bytes of data to come before the next line, or the end. */
  #left: number;
  #expects: 'data' | 'size' | 'data end' | 'trailer' | 'nothing';
  readonly #chunked: boolean;
  /** A line that is not whole yet. */
  #line = '';
  #overhead = 0;
  #problem: string | undefined;
  #trailers: string[] | undefined;

  constructor(framing: BodyFraming) {
    this.#chunked = framing === 'chunked';
    this.#left = typeof framing === 'number' ? framing : Number.POSITIVE_INFINITY;
    this.#expects = framing === 'none' ? 'nothing' : this.#chunked ? 'size' : 'data';
  }

  /** All of the body was read. */
  get done(): boolean {
    return this.#expects === 'nothing';
  }

  /** Its end is that of the connection. */
  get untilClose(): boolean {
    return this.#left === Number.POSITIVE_INFINITY && !this.#chunked && !this.done;
  }

  /** Why this is no body; nothing is read any more. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Names and values in turn, as they came, in Latin-1; to be used when it is done. */
  get trailers(): readonly string[] | undefined {
    return this.#trailers;
  }

  /** Gives each piece of data to `take`. Returns how much it has read: up to the end of the body, or of the bytes. */
  read(bytes: Buffer, take: (piece: Buffer) => void): number {
    let here = 0;
    while (here < bytes.length && this.#expects !== 'nothing' && this.#problem === undefined) {
      here = this.#expects === 'data' ? this.#readData(bytes, here, take) : this.#readLine(bytes, here);
    }
    return here;
  }

  #readData(bytes: Buffer, at: number, take: (piece: Buffer) => void): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#expects = this.#chunked ? 'data end' : 'nothing';
    take(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    return end;
  }

  #readLine(bytes: Buffer, at: number): number {
    const lineFeed = bytes.indexOf(LF, at);
    const end = lineFeed < 0 ? bytes.length : lineFeed + 1;
    const room = MAX_OVERHEAD - this.#overhead - this.#line.length;
    if (end - at > room) this.#problem = 'Too much beside the data of the chunks';
    else {
      this.#line += bytes.toString('latin1', at, end);
      if (lineFeed >= 0) this.#useLine();
      else if (this.#expects === 'data end' && this.#line !== '\r') this.#problem = 'Chunk longer than its size';
    }
    return end;
  }

  #useLine(): void {
    const line = this.#line;
    this.#line = '';
    if (this.#expects === 'data end') {
      if (line === '\r\n') this.#expects = 'size';
      else this.#problem = 'Chunk longer than its size';
    } else if (this.#expects === 'size') {
      const [, digits, extensions = ''] = SIZE_LINE.exec(line) ?? [];
      if (digits === undefined) this.#problem = 'Malformed chunk size';
      this.#overhead += extensions.length;
      this.#left = Number.parseInt(digits ?? '0', 16);
      this.#expects = this.#left > 0 ? 'data' : 'trailer';
    } else if (line === '\r\n') {
      this.#expects = 'nothing';
    } else {
      this.#useTrailer(line);
    }
  }

  #useTrailer(line: string): void {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    this.#trailers ??= [];
    if (!TRAILER.test(line) || FRAMING.test(name)) this.#problem = 'Malformed trailer';
    else if (this.#trailers.length === 2 * MAX_TRAILERS) this.#problem = 'Too many trailers';
    this.#trailers.push(name, fieldValue(line, colon + 1, line.length - 2));
    this.#overhead += line.length;
  }
}
