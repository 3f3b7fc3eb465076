// The origin's side of a connection that has left HTTP: the bytes that come on a lane's socket, for whoever carries them on
// from here. Made by relay.ts at a 101, drained by net/pipe.

import type { Deliver } from '../net/intake.ts';
import type { UpstreamConnection } from '../net/upstream.ts';

export class Upgraded {
  readonly connection: UpstreamConnection;
  /** As the origin spelled it. */
  readonly protocol: string;
  /** What came before anybody asked: no more than was on its way when the socket was paused. */
  #early: Buffer[] = [];
  #deliver: Deliver | undefined;

  /** `rest`: what came behind the 101. */
  constructor(connection: UpstreamConnection, protocol: string, rest: Buffer) {
    this.connection = connection;
    this.protocol = protocol;
    this.take(rest);
  }

  /** A piece has come; its bytes are others' when this returns. */
  readonly take = (piece: Buffer): void => {
    if (piece.length === 0) return;
    const own = Buffer.from(piece);
    if (!this.#deliver) this.#early.push(own);
    else if (!this.#deliver(own).more) this.connection.socket.pause();
  };

  /** From now on each piece goes to `deliver`, those that are here at once. */
  deliverTo(deliver: Deliver): void {
    this.#deliver = deliver;
    const early = this.#early;
    this.#early = [];
    for (const piece of early) deliver(piece);
  }

  /** The socket is being closed. */
  end(): void {
    this.#deliver = toNobody;
  }
}

const toNobody: Deliver = () => ({ held: false, more: false });
