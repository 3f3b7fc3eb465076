// What whoever answers a request writes its reply to, whatever carries it: reply-writer.ts for HTTP/1, h2-reply.ts for a
// stream of HTTP/2. Used by flow/ and relay.ts.

import type { ProxyError } from '../core/errors.ts';
import type { Replied } from './reply-writer.ts';

export interface ReplySource {
  /** Bytes at most. */
  readonly ahead: number;
}

export interface ReplyPort {
  /** The connection ends behind this reply, and the client is told so; to be set before the head. Streams do not care. */
  last: boolean;
  /** Resolves when the reply is out or the client is gone. */
  readonly done: Promise<Replied>;
  /** Bytes of its header, once that is written. */
  readonly headSize?: number;
  /** A client that had too much to take can take more. */
  onDrain: (() => void) | undefined;
  /** The client has gone before the end of the reply. */
  onGone: (() => void) | undefined;
  /** Names and values in turn, sent behind the body where that can be; to be set before its end. */
  trailers: readonly string[] | undefined;
  /** Names of fields that must not be indexed; to be set before the head. */
  secret?: readonly string[] | undefined;
  /** Who knows how many bytes of it may have come that were not written here yet. */
  source?: ReplySource | undefined;
  /** Why it was broken off, where that was our doing. */
  readonly failure?: ProxyError | undefined;
  /** Whether the client is gone. */
  readonly gone: boolean;
  /** Behind a change of protocol: who reads from then on; what the client has sent already is put back. */
  takeOver?: (() => Promise<void>) | undefined;
  writeContinue(): void;
  /** A 1xx other than 100 and 101, for a client that can have one. */
  writeInterim(status: number, reason: string, fields: readonly string[]): void;
  /** A 101, or what stands for it on a stream: the end of what is said here in HTTP; absent where that cannot be said. */
  writeSwitch?(reason: string, fields: readonly string[]): void;
  /** Names and values in turn; the framing is made here, of Content-Length when there is one. */
  writeHead(status: number, reason: string, fields: readonly string[]): void;
  /** A piece of the body; its bytes may be others' behind the next `flush` or `end`. */
  write(piece: Buffer): void;
  /** Sends what there is; false when the client has too much to take. */
  flush(): boolean;
  end(piece?: Buffer): void;
}
