// What one side says, for whoever reads it now. Listens to the socket once: a connection is handed on three times before
// its first byte goes through, and listeners put off and on, a stop and a new start at each hand-over, and bytes put back
// between them came to a twentieth of what a spliced connection costs. Made for each socket on which a client is heard.

import type { Socket } from 'node:net';

/** Whoever reads. Each call comes in the turn in which the socket has it. */
export interface Reader {
  onPiece(bytes: Buffer): void;
  /** The other side has ended its half; behind all pieces. */
  onEnd(): void;
  /** The socket has closed, whether or not the end was said. */
  onClose(): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Reads and lets fall. */
const NOBODY: Reader = { onPiece: () => undefined, onEnd: () => undefined, onClose: () => undefined };

export class Inlet {
  readonly socket: Socket;
  #reader: Reader | undefined;
  #held: Buffer = NOTHING;
  #ended = false;
  #listens = false;

  /** The socket does not flow yet. Nothing is listened to before somebody reads. */
  constructor(socket: Socket) {
    this.socket = socket;
  }

  /**
   * From now on `reader` has all that comes, at once what is held, and the end behind it, if that has been said; for the rest
   * it may stop the socket, and let it go on.
   */
  read(reader: Reader): void {
    if (this.socket.destroyed) {
      // The event may still be to come.
      this.#reader = undefined;
      reader.onClose();
      return;
    }
    this.#reader = reader;
    if (!this.#listens) this.#listen();
    else if (this.socket.isPaused()) this.socket.resume();
    if (this.#held.length > 0) {
      const held = this.#held;
      this.#held = NOTHING;
      reader.onPiece(held);
    }
    // Somebody else may read by now.
    if (this.#ended && this.#reader === reader) reader.onEnd();
  }

  /** Nobody reads for now: what comes is held, no more of it than one piece. */
  hold(): void {
    this.#reader = undefined;
  }

  /** What comes is of no use to anybody. */
  drop(): void {
    this.#held = NOTHING;
    this.read(NOBODY);
  }

  /** While nobody reads: these are to be read again, before all that comes. */
  putBack(bytes: Buffer): void {
    if (bytes.length > 0) this.#held = this.#held.length === 0 ? bytes : Buffer.concat([bytes, this.#held]);
  }

  /** Of what is held, the first `bytes` are used. */
  skip(bytes: number): void {
    this.#held = this.#held.subarray(bytes);
  }

  /**
   * Leaves the socket to somebody else, paused and with what is held on it; whoever reads here again comes behind that.
   * Undefined: there is nobody left to talk to, and the socket is closed.
   */
  release(): Socket | undefined {
    const { socket } = this;
    this.hold();
    if (this.#listens) socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).pause();
    this.#listens = false;
    if (socket.destroyed || socket.readableEnded) {
      // Its end was told here, and nobody would hear of it again.
      socket.destroy();
      return undefined;
    }
    if (this.#held.length > 0) socket.unshift(this.#held);
    this.#held = NOTHING;
    return socket;
  }

  #listen(): void {
    this.#listens = true;
    // Not `readable`: it costs a tick more for each piece. And `on`, though two of them come once: `once` costs more.
    this.socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).resume();
    // One that has said its end before says it to nobody else.
    this.#ended = this.socket.readableEnded;
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#reader) this.#reader.onPiece(bytes);
    else {
      this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
      this.socket.pause();
    }
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#reader?.onEnd();
  };

  readonly #onClose = (): void => this.#reader?.onClose();
}
