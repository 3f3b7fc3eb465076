// Gives what comes through a tunnel to an intake that was made for a socket of its own: Node reads into a buffer of ours
// only where it dials itself, so each piece is copied once. Called by net/upstream for connections through a parent.

import type { OnReadOpts, Socket } from 'node:net';

/** The socket is left paused. */
export function feed(socket: Socket, { buffer, callback }: OnReadOpts): void {
  socket.pause();
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length && !socket.destroyed; ) {
      const into = typeof buffer === 'function' ? buffer() : buffer;
      const piece = chunk.subarray(at, at + into.length);
      into.set(piece);
      at += piece.length;
      if (!callback(piece.length, into)) socket.pause();
    }
  });
}
