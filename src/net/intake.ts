// Reads a socket into a buffer that is used again, where a new one for each piece would cost as much as the piece: twice
// the bytes for the same processor time, measured over loopback. Made by flow/splice, dialled with by net/upstream,
// drained by net/pipe.

import type { OnReadOpts } from 'node:net';
import { sweepAfter } from './buffer-sweep.ts';

/** Takes a piece, which is its own until it is written; `held`: that will take a while. False asks for no more. */
export type Deliver = (piece: Uint8Array) => { readonly held: boolean; readonly more: boolean };

/** Enough for a greeting or a flight of TLS; a tunnel that says nothing has no more than this. */
const SMALL = 8_192;
/** For the one that has filled its buffer: what is under way has more. */
const LARGE = 65_536;
/** Buffers of either size kept for the next one. */
const MOST_SPARE = 32;

const spareSmall: Uint8Array[] = [];
const spareLarge: Uint8Array[] = [];

export class Intake {
  /** For net.connect; the socket must be paused until `deliverTo` was called. */
  readonly onread: OnReadOpts = {
    buffer: () => this.#next(),
    callback: (bytes, buffer) => this.#take(bytes, buffer),
  };
  /** What the socket reads into. */
  #buffer: Uint8Array | undefined;
  #filled = false;
  #delivering = false;
  #deliver: Deliver = () => ({ held: false, more: false });

  deliverTo(deliver: Deliver): void {
    this.#deliver = deliver;
  }

  /** The socket is being closed: its buffer is for another, unless a piece in it is on its way. */
  end(): void {
    if (!this.#delivering) this.#giveBack();
  }

  #take(bytes: number, buffer: Uint8Array): boolean {
    this.#filled = bytes === buffer.length;
    this.#delivering = true;
    const { held, more } = this.#deliver(this.#filled ? buffer : buffer.subarray(0, bytes));
    this.#delivering = false;
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
    this.#giveBack();
    this.#buffer = (size === LARGE ? spareLarge : spareSmall).pop() ?? Buffer.allocUnsafeSlow(size);
    return this.#buffer;
  }

  #giveBack(): void {
    const buffer = this.#buffer;
    this.#buffer = undefined;
    if (!buffer) return;
    const spare = buffer.length === LARGE ? spareLarge : spareSmall;
    if (spare.length < MOST_SPARE) spare.push(buffer);
  }
}
