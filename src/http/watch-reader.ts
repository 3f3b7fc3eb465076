// The deadline of a client that takes nothing more of its reply: it holds an origin, or our buffers, or both. Called by
// forward.ts; it goes on when the origin has said all and only the client has still to take it.

import type { ServerResponse } from 'node:http';

/** Looks within the time: a client that stops between two of them has a quarter more. */
const LOOKS = 4;

/** `timeout`: milliseconds in which the client takes no byte, though there are some. Then its connection is destroyed. */
export function watchReader(response: ServerResponse, timeout: number): void {
  const { socket } = response;
  if (!socket) return;
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
  response.once('close', () => clearInterval(timer));
}
