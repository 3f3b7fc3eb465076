// Looks at the first bytes of a socket and puts them back, so that whoever reads next sees the stream from its start; or
// takes the first piece, for whoever hands it on.

import type { Socket } from 'node:net';
import { ProxyError } from '../core/errors.ts';

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
 * Reads from a paused socket until `look` has its answer, then unshifts everything that was read.
 * The socket is left paused, with no listener of ours on it. Never rejects: each way it can end is a value.
 */
export function peek<T>(socket: Socket, look: Look<T>, { timeout, ceiling }: PeekOptions): Promise<Peeked<T>> {
  return new Promise((resolve) => {
    let held = NOTHING;
    let bytes = 0;
    let atLeast = 1;
    const timer = setTimeout(() => finish({ seen: 'timeout', bytes }), timeout);

    const all = (): Buffer => (held.length === bytes ? held : held.subarray(0, bytes));
    const finish = (result: Peeked<T>): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).pause();
      if (bytes > 0 && !socket.destroyed && !socket.readableEnded) socket.unshift(all());
      resolve(result);
    };
    const onEnd = (): void => finish({ seen: 'end', bytes });
    const onData = (chunk: Buffer): void => {
      held = bytes === 0 ? chunk : append(held, bytes, chunk);
      bytes += chunk.length;
      if (bytes < atLeast) return;
      const answer = look(all());
      if (!answer.more) finish({ seen: 'value', value: answer.value });
      else if (bytes >= ceiling) finish({ seen: 'overflow', bytes });
      else atLeast = Math.min(answer.atLeast, ceiling);
    };

    if (socket.destroyed || socket.readableEnded) return onEnd();
    // Not `readable`: it costs a tick more for each piece, and another when nobody listens for it any more.
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).resume();
    return undefined;
  });
}

/**
 * The first piece that comes on a paused socket, taken off it: to put it back and let it flow again costs more than all
 * else here, and every connection pays. The socket is left paused, with no listener of ours on it. Never rejects.
 */
export function firstPiece(socket: Socket, timeout: number): Promise<Buffer | 'end' | 'timeout'> {
  return new Promise((resolve) => {
    const finish = (result: Buffer | 'end' | 'timeout'): void => {
      clearTimeout(timer);
      socket.off('data', finish).off('end', onEnd).off('close', onEnd).pause();
      resolve(result);
    };
    const onEnd = (): void => finish('end');
    const timer = setTimeout(() => finish('timeout'), timeout);
    if (socket.destroyed || socket.readableEnded) onEnd();
    else socket.on('data', finish).on('end', onEnd).on('close', onEnd).resume();
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
