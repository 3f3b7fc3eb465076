// The body of a client's request on its way upstream: a stream of its own, so that a failing upstream never takes the
// client's connection with it before the reply is written. Counts bytes and watches for a silent client. Called by forward.ts.

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ProxyError } from '../core/errors.ts';

export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;

  /** `timeout`: milliseconds the client may be silent while we wait for more of the body. */
  constructor(request: IncomingMessage, timeout: number) {
    super();
    this.#request = request;
    this.#timer = setTimeout(() => this.destroy(new ProxyError('request-timeout', 'Its body stalled.')), timeout);
    request.on('data', this.#onData).once('end', this.#onEnd).once('close', this.#onClose);
    request.pause();
  }

  get bytes(): number {
    return this.#bytes;
  }

  override _read(): void {
    this.#timer.refresh();
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.push(chunk)) this.#timer.refresh();
    else this.#pause();
  };

  readonly #onEnd = (): void => {
    clearTimeout(this.#timer);
    this.push(null);
  };

  /** The client went away before the end of its body. */
  readonly #onClose = (): void => {
    if (!this.#request.complete) this.destroy(new ProxyError('client-aborted'));
  };

  /** The upstream is slow, not the client: its clock stands still meanwhile. */
  #pause(): void {
    clearTimeout(this.#timer);
    this.#request.pause();
  }
}
