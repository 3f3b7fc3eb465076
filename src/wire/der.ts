// A bounded reader of DER (X.690 section 10): definite minimal lengths, one-byte tags, ceilings on size and depth.
// certificate.ts reads hostile certificates with it. It descends only where its caller asks it to.

import type { Parsed } from '../core/authority.ts';
import { Cursor, type Malformed, readWhole } from './cursor.ts';

/** OpenSSL accepts no longer certificate message from a peer (SSL_MAX_CERT_LIST_DEFAULT). */
export const MAX_DER = 102_400;
/** A subjectAltName lies seven levels deep. */
export const MAX_DEPTH = 12;

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

const HIGH_TAG_NUMBER = 0x1f;
const LONG_LENGTH = 0x80;

export interface DerElement {
  /** The whole identifier octet: class, constructed bit and number. */
  readonly tag: number;
  readonly content: Uint8Array;
}

export class DerReader {
  readonly #cursor: Cursor;
  readonly #depth: number;

  constructor(cursor: Cursor, depth: number) {
    if (depth > MAX_DEPTH) throw cursor.malformed('is nested too deeply');
    this.#cursor = cursor;
    this.#depth = depth;
  }

  get done(): boolean {
    return this.#cursor.left === 0;
  }

  /** Whether the next element has this tag. */
  isNext(tag: number): boolean {
    return this.#cursor.peek() === tag;
  }

  /** The next element, whatever it is. */
  element(): DerElement {
    const tag = this.#cursor.u8();
    if ((tag & HIGH_TAG_NUMBER) === HIGH_TAG_NUMBER) throw this.malformed('has a tag of more than one byte');
    return { tag, content: this.#cursor.take(this.#length()) };
  }

  /** The content of the next element, which must have this tag; `what` names it in the reason. */
  take(tag: number, what: string): Uint8Array {
    if (!this.isNext(tag)) throw this.malformed(`has no ${what} where it belongs`);
    return this.element().content;
  }

  /** The next element as it stands, identifier and length included. */
  whole(tag: number, what: string): Uint8Array {
    const before = this.#cursor.left;
    const content = this.take(tag, what);
    const head = before - this.#cursor.left - content.length;
    return new Uint8Array(content.buffer, content.byteOffset - head, head + content.length);
  }

  /** What `read` makes of the inside of the next element, all of which it must consume. */
  inside<T>(tag: number, what: string, read: (inner: DerReader) => T): T {
    return this.again(this.take(tag, what), what, read);
  }

  /** What `read` makes of bytes that hold DER themselves, all of which it must consume. */
  again<T>(bytes: Uint8Array, what: string, read: (inner: DerReader) => T): T {
    const cursor = new Cursor(bytes, what);
    const value = read(new DerReader(cursor, this.#depth + 1));
    cursor.end();
    return value;
  }

  /** The error to throw about the structure being read. */
  malformed(problem: string): Malformed {
    return this.#cursor.malformed(problem);
  }

  #length(): number {
    const first = this.#cursor.u8();
    if (first < LONG_LENGTH) return first;
    if (first === LONG_LENGTH) throw this.malformed('has an indefinite length');
    const octets = first - LONG_LENGTH;
    // Three octets count far beyond MAX_DER; more would only be a way to overflow somebody.
    if (octets > 3) throw this.malformed('has a length of more than three bytes');
    let length = 0;
    for (let i = 0; i < octets; i += 1) length = length * 0x100 + this.#cursor.u8();
    const least = octets === 1 ? LONG_LENGTH : 0x100 ** (octets - 1);
    if (length < least) throw this.malformed('has a length that is not minimal');
    return length;
  }
}

/** Runs `read` over all of `bytes`, named `what`: its value, or the reason why they are not the DER it asked for. */
export function readDer<T>(bytes: Uint8Array, what: string, read: (reader: DerReader) => T): Parsed<T> {
  if (bytes.length > MAX_DER) return { ok: false, reason: `${what} is longer than ${MAX_DER} bytes` };
  return readWhole(bytes, what, (cursor) => read(new DerReader(cursor, 0)));
}
