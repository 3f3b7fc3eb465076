// Reads one reply after the other from a socket, and of each body only how long it is.

import type { Duplex } from 'node:stream';

export interface Reply {
  readonly status: number;
  readonly bytes: number;
  /** The other side will close, or must be taken to. */
  readonly last: boolean;
}

const END = '\r\n\r\n';

export class ReplyReader {
  readonly #socket: Duplex;
  #head = '';
  #left = 0;
  #reply: Reply | undefined;
  #resolve: ((reply: Reply) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #bodiless = false;
  #failed: Error | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('error', this.#fail);
    socket.on('close', this.#onClose);
  }

  /** The next reply, in full. `bodiless`: that to a CONNECT, behind whose header the tunnel begins. */
  next(bodiless = false): Promise<Reply> {
    this.#bodiless = bodiless;
    return new Promise((resolve, reject) => {
      if (this.#failed) return reject(this.#failed);
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Leaves the socket to somebody else. */
  release(): void {
    this.#socket.off('data', this.#onData).off('error', this.#fail).off('close', this.#onClose);
  }

  get failed(): boolean {
    return this.#failed !== undefined;
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#reply) this.#onBody(chunk.length);
    else this.#onHead(chunk.toString('latin1'));
  };

  #onHead(text: string): void {
    this.#head += text;
    const end = this.#head.indexOf(END);
    if (end < 0) return;
    const status = Number(this.#head.slice(9, 12));
    const head = this.#head.slice(0, end);
    const last = head.startsWith('HTTP/1.0') || /\r\n(?:proxy-)?connection: *close/i.test(head);
    const length =
      this.#bodiless && status === 200 ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length) && !last) {
      this.#fail(new Error(`a reply without length: ${head}`));
      return;
    }
    const over = this.#head.length - end - END.length;
    this.#left = Number.isNaN(length) ? Number.POSITIVE_INFINITY : length;
    this.#reply = { status, bytes: Number.isNaN(length) ? 0 : length, last };
    this.#head = '';
    this.#onBody(over);
  }

  #onBody(size: number): void {
    this.#left -= size;
    if (this.#left > 0) return;
    this.#finish();
  }

  #finish(): void {
    const reply = this.#reply;
    const resolve = this.#resolve;
    this.#reply = undefined;
    this.#resolve = undefined;
    if (reply) resolve?.(reply);
  }

  readonly #fail = (error: Error): void => {
    this.#failed ??= error;
    this.#reject?.(error);
  };

  readonly #onClose = (): void => {
    // A body without length ends with the connection.
    if (this.#left === Number.POSITIVE_INFINITY) this.#finish();
    this.#fail(new Error('closed before the reply was there'));
  };
}
