// Follows the bytes of HTTP/1 messages beside the parser that reads them, and says what the first line of each one was,
// byte for byte: llhttp hides double spaces, foreign protocol names and bytes before the line. Called by http/.

export type BodyFraming = 'none' | 'chunked' | number;

/** Bytes held at most: one head, and what may come with it in two pieces. */
const MOST_HELD = 262_144;
const EMPTY = Buffer.alloc(0);
const CRLF = '\r\n';
const END_OF_HEAD = '\r\n\r\n';
/** A size line as llhttp takes it; what it says of extensions is of no account here. */
const CHUNK_SIZE = /^([0-9a-f]{1,13})(?:;.*)?$/is;

/**
 * Two readers that must agree on where a message begins: when they do not, the next first line is not what the parser
 * says it is. Holds no more than one head and what came with it.
 */
export class MessageStream {
  #held: Buffer = EMPTY;
  /** Bytes to pass over before the next line or message. */
  #skip = 0;
  #lines: 'none' | 'chunk sizes' | 'trailers' = 'none';
  #overflown = false;

  /** To be called with each piece of the connection before the parser gets it. */
  feed(bytes: Buffer): void {
    if (this.#overflown) return;
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#passBody();
    if (this.#held.length <= MOST_HELD) return;
    this.#overflown = true;
    this.#held = EMPTY;
  }

  /** More came than any head has: from here on nothing is looked at, and `next` knows of no message. */
  get overflown(): boolean {
    return this.#overflown;
  }

  /** Bytes of the first line of the message that is arriving, as far as it is here. */
  get firstLineLength(): number {
    const begin = this.#start();
    const end = this.#held.indexOf(CRLF, begin);
    return (end < 0 ? this.#held.length : end) - begin;
  }

  /**
   * The first line of the message whose head is here, in Latin-1 and without its end; the message is passed over, its
   * body as it comes. Undefined when no whole head is here.
   */
  next(body: BodyFraming): string | undefined {
    const begin = this.#start();
    const end = this.#held.indexOf(END_OF_HEAD, begin);
    if (end < 0) return undefined;
    const line = this.#held.toString('latin1', begin, this.#held.indexOf(CRLF, begin));
    this.#held = this.#held.subarray(end + END_OF_HEAD.length);
    this.#skip = typeof body === 'number' ? body : 0;
    this.#lines = body === 'chunked' ? 'chunk sizes' : 'none';
    this.#passBody();
    return line;
  }

  /** One empty line before a message is let pass (RFC 9112 section 2.2): old clients put it behind a body. */
  #start(): number {
    return this.#held.indexOf(CRLF) === 0 ? CRLF.length : 0;
  }

  #passBody(): void {
    for (;;) {
      const passed = Math.min(this.#skip, this.#held.length);
      this.#skip -= passed;
      if (passed > 0) this.#held = this.#held.subarray(passed);
      if (this.#skip > 0 || this.#lines === 'none') return;
      const end = this.#held.indexOf(CRLF);
      if (end < 0) return;
      const line = this.#held.toString('latin1', 0, end);
      this.#held = this.#held.subarray(end + CRLF.length);
      if (this.#lines === 'trailers') {
        if (line === '') this.#lines = 'none';
        continue;
      }
      const size = Number.parseInt(CHUNK_SIZE.exec(line)?.[1] ?? '0', 16);
      if (size === 0) this.#lines = 'trailers';
      else this.#skip = size + CRLF.length;
    }
  }
}
