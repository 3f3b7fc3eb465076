// A reader over bytes that never reads past their end. client-hello.ts and der.ts walk hostile input with it.

import type { Parsed } from '../core/authority.ts';

/** What a reader throws when the bytes are not what they should be; `readWhole` turns it into a value. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

export class Cursor {
  /** Names the structure under the cursor in every reason. */
  readonly what: string;
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  /** `from` and `to`: the part of `bytes` that is read; a cursor on a part costs less than a view of it. */
  constructor(bytes: Uint8Array, what: string, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.what = what;
    this.#at = from;
    this.#end = to;
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** The next byte without reading it; undefined at the end. */
  peek(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined;
  }

  u8(): number {
    const byte = this.peek();
    if (byte === undefined) throw this.malformed('ends early');
    this.#at += 1;
    return byte;
  }

  u16(): number {
    const at = this.#at;
    this.skip(2);
    return ((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0);
  }

  u24(): number {
    return this.u16() * 0x100 + this.u8();
  }

  /** The next `count` bytes, as a view and not a copy. */
  take(count: number): Uint8Array {
    const from = this.#at;
    this.skip(count);
    return this.#bytes.subarray(from, this.#at);
  }

  /** The next `count` bytes as text, as `latin1` has it. */
  text(count: number): string {
    const from = this.#at;
    this.skip(count);
    return latin1(this.#bytes, from, this.#at);
  }

  skip(count: number): void {
    if (count > this.left) throw this.malformed('ends early');
    this.#at += count;
  }

  /** A vector whose length stands before it in one or two bytes (RFC 8446 section 3.4). */
  vector(lengthBytes: 1 | 2, what: string): Cursor {
    const length = lengthBytes === 1 ? this.u8() : this.u16();
    const from = this.#at;
    this.skip(length);
    return new Cursor(this.#bytes, what, from, this.#at);
  }

  /** Throws when bytes are left: what one reader ignores, another may read. */
  end(): void {
    if (this.left > 0) throw this.malformed('has bytes left over');
  }

  /** The error to throw about this structure; `problem` continues its name to a sentence. */
  malformed(problem: string): Malformed {
    return new Malformed(`${this.what} ${problem}`);
  }
}

/** Runs `read` over all of `bytes`: its value, or the reason why they are malformed, leftover bytes included. */
export function readWhole<T>(bytes: Uint8Array, what: string, read: (cursor: Cursor) => T): Parsed<T> {
  const cursor = new Cursor(bytes, what);
  try {
    const value = read(cursor);
    cursor.end();
    return { ok: true, value };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.message };
    throw error;
  }
}

/** Bytes as text, one character per byte: nothing is lost, nothing is interpreted. For short byte strings. */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1', from, to);
}
