// The connections that this process has dialled, as the other end sees them: a firewall that sends those back to us makes
// a loop in which nothing else tells them from a client's. Only where there is a transparent listener; net/upstream adds,
// flow/handle-intercepted asks.

import type { Socket } from 'node:net';
import { type Endpoint, plainAddress } from '../core/session.ts';

export class OwnDials {
  readonly #open = new Set<string>();

  /** The socket is connected; it is forgotten when it closes. */
  add(socket: Socket): void {
    const key = keyOf({ address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 });
    this.#open.add(key);
    socket.once('close', () => this.#open.delete(key));
  }

  /** Whether a connection from there is one of ours. What it brings was written after `add`. */
  has(from: Endpoint): boolean {
    return this.#open.has(keyOf(from));
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}
