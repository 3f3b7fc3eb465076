// The body of a client's request on its way upstream: a stream of its own, so that a failing upstream never takes the
// client's connection with it before the reply is written. Counts bytes and watches for a silent client. Called by forward.ts.

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ProxyError } from '../core/errors.ts';
import { sweepAfter } from '../net/buffer-sweep.ts';

export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #timeout: number;
  /** Absent while nothing is awaited from the client. */
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;

  /** `timeout`: milliseconds the client may be silent while we wait for more of the body. */
  constructor(request: IncomingMessage, timeout: number) {
    super();
    this.#request = request;
    this.#timeout = timeout;
    this.#watch();
    request.on('data', this.#onData).once('end', this.#onEnd).once('close', this.#onClose);
    request.pause();
  }

  get bytes(): number {
    return this.#bytes;
  }

  override _read(): void {
    this.#watch();
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#unwatch();
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    sweepAfter(chunk.length);
    if (this.push(chunk)) {
      this.#watch();
      return;
    }
    // The upstream is slow, not the client: its clock stands still meanwhile.
    this.#unwatch();
    this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.#unwatch();
    this.push(null);
  };

  /** The client went away before the end of its body. */
  readonly #onClose = (): void => {
    if (!this.#request.complete) this.destroy(new ProxyError('client-aborted'));
  };

  /** From now on the client may be silent for the whole timeout. A cleared timer cannot be refreshed, so it goes. */
  #watch(): void {
    if (this.#timer) this.#timer.refresh();
    else
      this.#timer = setTimeout(
        () => this.destroy(new ProxyError('request-timeout', 'Its body stalled.')),
        this.#timeout,
      );
  }

  #unwatch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
