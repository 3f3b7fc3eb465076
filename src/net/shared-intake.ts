// Reads sockets into one buffer that all of them share, for whoever has used or copied a piece when the call returns. A
// buffer for each piece lies outside V8's heap, and enough of them bring on its full collections: with some thousand
// contexts in the heap these took half of the processor time of a download. Made by http/origin-pools for each
// connection to an origin, dialled with by net/upstream.

import type { OnReadOpts } from 'node:net';

/** A record of TLS has 16 KB; a plain socket gives as much as there is. */
const SIZE = 65_536;
const shared = Buffer.allocUnsafeSlow(SIZE);

export class SharedIntake {
  /** For net.connect and tls.connect. */
  readonly onread: OnReadOpts = {
    buffer: shared,
    callback: (bytes) => this.#take(bytes),
  };
  #deliver: ((piece: Buffer) => void) | undefined;
  /** What came before anybody could hear it. */
  #early: Buffer[] = [];
  #earlyBytes = 0;

  /**
   * From now on each piece goes to `deliver`; its bytes are others' when that returns. The socket can be paused from there.
   * False: something has come already, and is lost.
   */
  deliverTo(deliver: (piece: Buffer) => void): boolean {
    this.#deliver = deliver;
    return this.#earlyBytes === 0;
  }

  /** What has come already, for a reader that takes the socket itself; undefined: more than anybody may say first. */
  early(): Buffer | undefined {
    return this.#earlyBytes > SIZE ? undefined : Buffer.concat(this.#early);
  }

  #take(bytes: number): boolean {
    if (this.#deliver) this.#deliver(shared.subarray(0, bytes));
    else {
      this.#earlyBytes += bytes;
      if (this.#earlyBytes <= SIZE) this.#early.push(Buffer.from(shared.subarray(0, bytes)));
    }
    return true;
  }
}
