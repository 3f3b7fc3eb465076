// Writes to a socket one piece at a time: what comes while one is on its way is gathered, and goes out with the next. So
// many records of TLS take one call of the system, and the buffers are used again. Made by http/reply-writer.

import type { Socket } from 'node:net';

/** Of one write: four records of TLS. */
const CHUNK = 65_536;
/** Chunks that may wait for their turn before whoever fills them has to wait. */
const MOST_WAITING = 2;
/** Chunks kept for the next one, of all connections. */
const MOST_SPARE = 32;

const spare: Buffer[] = [];

export class Outbox {
  readonly #socket: Socket;
  readonly #onRoom: () => void;
  /** The last of them is being filled; none of them is being written. */
  readonly #waiting: Buffer[] = [];
  /** Bytes in the last one. */
  #used = 0;
  #writing = false;
  #onOut: (() => void) | undefined;

  /** `onRoom` is called when it is no longer full. */
  constructor(socket: Socket, onRoom: () => void) {
    this.#socket = socket;
    this.#onRoom = onRoom;
  }

  /** Whether some of what was sent is not out yet: whoever writes past this would overtake it. */
  get busy(): boolean {
    return this.#writing;
  }

  /** No more until `onRoom`. */
  get full(): boolean {
    return this.#waiting.length >= MOST_WAITING;
  }

  /**
   * Copies the pieces, text in Latin-1; `onOut`: all is handed to the system. It is not called when the socket breaks, and
   * nothing more may be sent then.
   */
  send(pieces: readonly (string | Buffer)[], onOut?: () => void): void {
    if (onOut) this.#onOut = onOut;
    for (const piece of pieces) this.#add(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    if (!this.#writing) this.#write();
  }

  #add(piece: Buffer): void {
    for (let from = 0; from < piece.length; ) {
      let chunk = this.#waiting.at(-1);
      if (!chunk || this.#used === CHUNK) {
        chunk = spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
        this.#waiting.push(chunk);
        this.#used = 0;
      }
      const copied = piece.copy(chunk, this.#used, from);
      this.#used += copied;
      from += copied;
    }
  }

  #write(): void {
    const chunk = this.#waiting.shift();
    if (!chunk) {
      const onOut = this.#onOut;
      this.#onOut = undefined;
      onOut?.();
      return;
    }
    this.#writing = true;
    const length = this.#waiting.length === 0 ? this.#used : CHUNK;
    this.#socket.write(length === CHUNK ? chunk : chunk.subarray(0, length), (error) => {
      // Of a socket that broke, nobody says when the system has let go of its buffer.
      if (error) return;
      if (spare.length < MOST_SPARE) spare.push(chunk);
      this.#writing = false;
      const wasFull = this.full;
      this.#write();
      if (wasFull && !this.full) this.#onRoom();
    });
  }
}
