// A client that waits for a word before it sends the body of its request (RFC 9110 section 10.1.1). The word is that of
// the origin; one that says nothing in time does not know of it, and then we say it. Made by forward.ts.

import type { ReplyPort } from './reply-port.ts';
import type { Request } from './request.ts';

/** Milliseconds that an origin has to say 100: as long as curl waits before it sends its body all the same. */
const PATIENCE = 1_000;

export class Expectation {
  readonly #request: Request;
  readonly #reply: ReplyPort;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = true;

  constructor(request: Request, reply: ReplyPort) {
    this.#request = request;
    this.#reply = reply;
  }

  /** Whether the client still waits. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The origin has the request from now on; called again for a second attempt, the time goes on. */
  begin(): void {
    if (!this.#isOpen) return;
    this.#request.holdBack(true);
    this.#timer ??= setTimeout(() => this.meet(), PATIENCE);
  }

  /** The client is told to go on, unless it has been or has done so by itself. */
  meet(): void {
    if (!this.#isOpen) return;
    this.drop();
    this.#reply.writeContinue();
  }

  /** There is nothing more to wait for: the body comes, or a final reply, or the end of all. */
  drop(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#request.holdBack(false);
  }
}
