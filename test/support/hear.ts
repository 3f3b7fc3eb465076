// Reads an inlet, as whoever comes last on it.

import { Inlet } from '../../src/net/inlet.ts';
import { socketPair } from './socket-pair.ts';

/** What comes until the other side has ended its half, or the socket has closed, one character for each byte. */
export function hear(inlet: Inlet): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    inlet.read({
      onPiece: (bytes) => {
        text += bytes.toString('latin1');
      },
      onEnd: () => resolve(text),
      onClose: () => resolve(text),
    });
  });
}

/** The first `count` bytes of what comes; the rest is put back. */
export function hearBytes(inlet: Inlet, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let got = Buffer.alloc(0);
    const early = (): void => reject(new Error(`${got.length} of ${count} bytes`));
    inlet.read({
      onPiece: (bytes) => {
        got = Buffer.concat([got, bytes]);
        if (got.length < count) return;
        inlet.hold();
        inlet.putBack(got.subarray(count));
        resolve(got.subarray(0, count));
      },
      onEnd: early,
      onClose: early,
    });
  });
}

/** A connection: what is written to `far` comes on the inlet, which is that of `near`. */
export async function ends() {
  const { near, far } = await socketPair();
  return { near, far, inlet: new Inlet(near) };
}
