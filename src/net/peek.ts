// Looks at the first bytes of an inlet and puts them back, so that whoever reads next sees the stream from its start.

import { ProxyError } from '../core/errors.ts';
import { Deadline } from './deadline.ts';
import type { Inlet } from './inlet.ts';

/** What a reader says of the bytes so far: a value, or that fewer than `atLeast` in all will not be enough. */
export type Look<T> = (
  bytes: Buffer,
) => { readonly more: true; readonly atLeast: number } | { readonly more: false; readonly value: T };

export interface PeekOptions {
  /** Milliseconds for the whole look. */
  readonly timeout: number;
  /** Bytes the look may hold; at this size `look` must answer. */
  readonly ceiling: number;
}

export type Peeked<T> =
  | { readonly seen: 'value'; readonly value: T }
  /** The other side ended or broke the connection first. */
  | { readonly seen: 'end'; readonly bytes: number }
  | { readonly seen: 'timeout'; readonly bytes: number }
  | { readonly seen: 'overflow'; readonly bytes: number };

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Reads until `look` has its answer, then puts back everything that was read. Nobody reads the inlet then. Never rejects: each
 * way it can end is a value.
 */
export function peek<T>(inlet: Inlet, look: Look<T>, { timeout, ceiling }: PeekOptions): Promise<Peeked<T>> {
  return new Promise((resolve) => {
    let held = NOTHING;
    let bytes = 0;
    let atLeast = 1;
    const deadline = new Deadline(() => finish({ seen: 'timeout', bytes }));

    const all = (): Buffer => (held.length === bytes ? held : held.subarray(0, bytes));
    const finish = (result: Peeked<T>): void => {
      deadline.end();
      inlet.hold();
      inlet.putBack(all());
      resolve(result);
    };
    const onEnd = (): void => finish({ seen: 'end', bytes });
    const onPiece = (chunk: Buffer): void => {
      held = bytes === 0 ? chunk : append(held, bytes, chunk);
      bytes += chunk.length;
      if (bytes < atLeast) return;
      const answer = look(all());
      if (!answer.more) finish({ seen: 'value', value: answer.value });
      else if (bytes >= ceiling) finish({ seen: 'overflow', bytes });
      else atLeast = Math.min(answer.atLeast, ceiling);
    };

    deadline.set(timeout);
    inlet.read({ onPiece, onEnd, onClose: onEnd });
  });
}

/** Doubles the room when it is used up, so that many small chunks are not copied over and over. */
function append(held: Buffer, bytes: number, chunk: Buffer): Buffer {
  const wanted = bytes + chunk.length;
  const room = wanted <= held.length ? held : Buffer.alloc(Math.max(2 * held.length, wanted, 4096));
  if (room !== held) held.copy(room, 0, 0, bytes);
  chunk.copy(room, bytes);
  return room;
}

/** A peek that failed, as the error it is when a ClientHello was awaited. */
export function peekError(peeked: Exclude<Peeked<unknown>, { seen: 'value' }>): ProxyError {
  if (peeked.seen === 'timeout') return new ProxyError('hello-timeout');
  if (peeked.seen === 'overflow') return new ProxyError('hello-malformed', `No end within ${peeked.bytes} bytes.`);
  return new ProxyError('client-aborted');
}
