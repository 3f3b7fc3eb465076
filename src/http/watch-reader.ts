// The deadline of a client that takes nothing more of its reply, whoever has made it: it holds an origin, or our buffers,
// or both. Called by server.ts for each connection; it goes on when all has been said and only the client has still to
// take it.

import type { Socket } from 'node:net';

/** Looks within the time: a client that stops between two of them has a quarter more. */
const LOOKS = 4;

/**
 * `timeout`: milliseconds in which the client takes no byte, though there are some. Then its connection is destroyed.
 * Gives back how to stop; it ends by itself with the socket.
 */
export function watchReader(socket: Socket, timeout: number): () => void {
  let taken = 0;
  let quiet = 0;
  const timer = setInterval(
    () => {
      const now = socket.bytesWritten - socket.writableLength;
      quiet = socket.writableLength > 0 && now === taken ? quiet + 1 : 0;
      taken = now;
      if (quiet >= LOOKS) socket.destroy();
    },
    Math.ceil(timeout / LOOKS),
  );
  const stop = (): void => clearInterval(timer);
  socket.on('close', stop);
  return stop;
}
