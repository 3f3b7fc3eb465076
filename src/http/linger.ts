// What becomes of a connection on which our last word is said. Called by reply.ts and goaway.ts.

import type { Socket } from 'node:net';

/** Milliseconds a client has to take our last words and close its side. */
const LINGER = 2_000;

/**
 * What else the client sends is dropped, since closing on unread bytes would reset our answer away before the client
 * has it (RFC 9112 section 9.6). Our sockets may be half open, so one that never closes its side is closed here.
 */
export function linger(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.on('close', () => clearTimeout(timer));
  socket.resume();
}
