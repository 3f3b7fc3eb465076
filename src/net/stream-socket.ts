// A stream of HTTP/2 as the socket that it stands for, behind a CONNECT or an extended one: whoever peeks, shakes hands or
// pipes need not know the difference. Made by http/h2-connect.ts, by h2-stream.ts for a WebSocket of a client, and by
// h2-exchange.ts for one of an origin.

import type { Http2Stream } from 'node:http2';
import { Socket } from 'node:net';

export interface StreamSocketOptions {
  /** What carries the stream: where it comes from and goes to is where the stream does. */
  readonly carrier: Socket;
  /** How the stream is reset where it breaks off (RFC 9113 section 7). */
  readonly code: number;
  /** Whether what has come has come to its end, to be asked from 'end' on; a reset looks the same. */
  readonly isWhole: () => boolean;
  /** Bytes have come. */
  readonly note: (bytes: number) => void;
}

const NO_ERROR = 0;

export class StreamSocket extends Socket {
  readonly #stream: Http2Stream;
  readonly #options: StreamSocketOptions;
  #reading = false;
  #ended = false;
  #onFinal: () => void = ignore;
  override bytesRead = 0;
  override bytesWritten = 0;
  override readonly remoteAddress: string | undefined;
  override readonly remotePort: number | undefined;
  override readonly localAddress: string;
  override readonly localPort: number;

  /** Nothing is read of the stream before somebody reads here. Its head must have been sent with `waitForTrailers`. */
  constructor(stream: Http2Stream, options: StreamSocketOptions) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.#options = options;
    const { remoteAddress, remotePort, localAddress, localPort } = options.carrier;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.localAddress = localAddress ?? '';
    this.localPort = localPort ?? 0;
    this.on('error', ignore);
    stream.on('error', ignore).on('close', this.#onClose);
    if (stream.destroyed) this.destroy();
  }

  override _read(): void {
    if (this.#reading) this.#stream.resume();
    else {
      this.#reading = true;
      this.#stream.on('data', this.#onData).on('end', this.#onEnd);
    }
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.bytesWritten += typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.length;
    this.#stream.write(chunk, encoding, callback);
  }

  override _writev(
    chunks: { chunk: Buffer | string; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    const pieces = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    const whole = Buffer.concat(pieces);
    this.bytesWritten += whole.length;
    this.#stream.write(whole, callback);
  }

  /** A half of it ends by a frame, as that of a connection by a segment. */
  override _final(callback: (error?: Error | null) => void): void {
    this.#onFinal = callback;
    this.#stream.on('wantTrailers', this.#onWantTrailers).end();
  }

  /** One that has said all is not taken back; any other breaks off, so that nobody takes what has come for the whole. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const stream = this.#stream;
    if (!stream.destroyed && !stream.closed) {
      if (!stream.writableEnded) stream.close(this.#options.code);
      else if (!this.#ended) stream.close(NO_ERROR);
    }
    super._destroy(error, callback);
  }

  /** There is no segment to send: the reset is that of the stream. */
  override resetAndDestroy(): this {
    return this.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    this.bytesRead += bytes.length;
    this.#options.note(bytes.length);
    if (!this.push(bytes)) this.#stream.pause();
  };

  readonly #onEnd = (): void => {
    if (!this.#options.isWhole()) return;
    this.#ended = true;
    this.push(null);
  };

  /** Behind both ends what has come may still wait to be read. */
  readonly #onClose = (): void => {
    if (!this.#ended || !this.writableFinished) this.destroy();
  };

  /** What has said all is out only when its end is, which node:http2 sends in a turn of its own. */
  readonly #onWantTrailers = (): void => {
    if (this.#stream.destroyed || this.#stream.closed) return;
    this.#stream.sendTrailers({});
    setImmediate(this.#onFinal);
  };
}

function ignore(): void {
  // The owner of the socket learns of its end by 'close'.
}
