// Reads a socket into a buffer that is used again, where a new one for each piece would cost as much as the piece: twice
// the bytes for the same processor time, measured over loopback. Made by flow/splice, dialled with by net/dial, drained by
// net/pipe.

import type { OnReadOpts } from 'node:net';
import { sweepAfter } from './buffer-sweep.ts';

/** Takes a piece, which is its own until it is written; `held`: that will take a while. False asks for no more. */
export type Deliver = (piece: Uint8Array) => { readonly held: boolean; readonly more: boolean };

/** Enough for a greeting or a flight of TLS; a tunnel that says nothing has no more than this. */
const SMALL = 8_192;
/** For the one that has filled its buffer: what is under way has more. */
const LARGE = 65_536;
/** Large buffers kept for the next one. */
const MOST_SPARE = 32;

const spare: Uint8Array[] = [];

export class Intake {
  /** For net.connect; the socket must be paused until `deliverTo` was called. */
  readonly onread: OnReadOpts = {
    buffer: () => this.#next(),
    callback: (bytes, buffer) => this.#take(bytes, buffer),
  };
  #buffer: Uint8Array | undefined;
  #filled = false;
  #deliver: Deliver = () => ({ held: false, more: false });

  deliverTo(deliver: Deliver): void {
    this.#deliver = deliver;
  }

  #take(bytes: number, buffer: Uint8Array): boolean {
    this.#filled = bytes === buffer.length;
    const { held, more } = this.#deliver(this.#filled ? buffer : buffer.subarray(0, bytes));
    if (held) {
      // It is not ours any more until the system has taken it, and then nobody's.
      this.#buffer = undefined;
      sweepAfter(buffer.length);
    }
    return more;
  }

  /** The buffer for the next piece; called after each one, and once before the first. */
  #next(): Uint8Array {
    const size = this.#filled ? LARGE : SMALL;
    if (this.#buffer?.length === size) return this.#buffer;
    if (this.#buffer?.length === LARGE && spare.length < MOST_SPARE) spare.push(this.#buffer);
    this.#buffer = (size === LARGE ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
    return this.#buffer;
  }
}
