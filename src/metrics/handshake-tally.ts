// Counts how TLS handshakes with clients come out, and how long the good ones take. Held by tally.ts; flow/shake-hands tells it.

import { Histogram } from '../core/histogram.ts';
import type { Counts } from './measures.ts';

/** `crowded`: it had no turn in time. */
export type HandshakeEnd = 'secure' | 'rejected' | 'failed' | 'timeout' | 'crowded';

export class HandshakeTally {
  readonly times = new Histogram();
  readonly #ends: Record<HandshakeEnd, number> = { secure: 0, rejected: 0, failed: 0, timeout: 0, crowded: 0 };

  /** `time` in milliseconds; counted where the handshake came to an end that both wanted. */
  count(end: HandshakeEnd, time?: number): void {
    this.#ends[end] += 1;
    if (end === 'secure' && time !== undefined) this.times.observe(time);
  }

  read(): Counts {
    return { ...this.#ends };
  }
}
