// The body of a client's request on its way upstream: a stream of its own, so that a failing upstream never takes the
// client's connection with it before the reply is written. Counts bytes and watches for a silent client. Called by forward.ts.

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ProxyError } from '../core/errors.ts';
import { sweepAfter } from '../net/buffer-sweep.ts';

export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #timeout: number;
  readonly #slowest: number;
  /** Absent while nothing is awaited from the client. */
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  /** Where the average begins, by the monotonic clock; it stands still while nothing is awaited. */
  #since = performance.now();
  #bytesBefore = 0;
  #pausedAt: number | undefined;

  /**
   * `timeout`: milliseconds the client may be silent while we wait for more of the body; `slowest`: bytes in a second that
   * it must bring on average over that time.
   */
  constructor(request: IncomingMessage, timeout: number, slowest = 0) {
    super();
    this.#request = request;
    this.#timeout = timeout;
    this.#slowest = slowest;
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
    if (this.#isTooSlow()) {
      this.destroy(new ProxyError('request-timeout', 'Its body comes too slowly.'));
      return;
    }
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

  #isTooSlow(): boolean {
    const now = performance.now();
    const elapsed = now - this.#since;
    if (elapsed < this.#timeout) return false;
    const isTooSlow = (this.#bytes - this.#bytesBefore) * 1_000 < this.#slowest * elapsed;
    this.#since = now;
    this.#bytesBefore = this.#bytes;
    return isTooSlow;
  }

  /** From now on the client may be silent for the whole timeout. A cleared timer cannot be refreshed, so it goes. */
  #watch(): void {
    if (this.#pausedAt !== undefined) this.#since += performance.now() - this.#pausedAt;
    this.#pausedAt = undefined;
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
    this.#pausedAt ??= performance.now();
  }
}
