// Counts how look-ups of names, dials to origins and their TLS handshakes come out, and how long they take. It outlives the
// net/upstream it counts for, which a reload may replace. Made by proxy.ts.

import type { ErrorCode } from '../core/error-kinds.ts';
import { asProxyError } from '../core/errors.ts';
import { type Distribution, Histogram } from '../core/histogram.ts';

export interface UpstreamStats {
  /** Those that came to a connection, or to a verified origin. */
  readonly dials: Distribution;
  readonly handshakes: Distribution;
  /** The others, by what they failed by. */
  readonly failedDials: Readonly<Record<string, number>>;
  readonly failedHandshakes: Readonly<Record<string, number>>;
  /** Names that the hosts map or file had, that were remembered, and that were asked for; how long those took. */
  readonly localNames: number;
  readonly nameHits: number;
  readonly nameMisses: number;
  readonly lookups: Distribution;
}

export class UpstreamMeter {
  readonly #dials = new Histogram();
  readonly #handshakes = new Histogram();
  readonly #lookups = new Histogram();
  #localNames = 0;
  #nameHits = 0;
  #nameMisses = 0;
  readonly #failedDials = new Map<ErrorCode, number>();
  readonly #failedHandshakes = new Map<ErrorCode, number>();

  /** `time` in milliseconds. */
  dialled(time: number): void {
    this.#dials.observe(time);
  }

  shaken(time: number): void {
    this.#handshakes.observe(time);
  }

  named(how: 'local' | 'hit' | 'miss'): void {
    if (how === 'local') this.#localNames += 1;
    else if (how === 'hit') this.#nameHits += 1;
    else this.#nameMisses += 1;
  }

  lookedUp(time: number): void {
    this.#lookups.observe(time);
  }

  dialFailed(thrown: unknown): void {
    countFailure(this.#failedDials, thrown);
  }

  handshakeFailed(thrown: unknown): void {
    countFailure(this.#failedHandshakes, thrown);
  }

  read(): UpstreamStats {
    return {
      dials: this.#dials.read(),
      handshakes: this.#handshakes.read(),
      failedDials: Object.fromEntries(this.#failedDials),
      failedHandshakes: Object.fromEntries(this.#failedHandshakes),
      localNames: this.#localNames,
      nameHits: this.#nameHits,
      nameMisses: this.#nameMisses,
      lookups: this.#lookups.read(),
    };
  }
}

function countFailure(counts: Map<ErrorCode, number>, thrown: unknown): void {
  const { code } = asProxyError(thrown);
  counts.set(code, (counts.get(code) ?? 0) + 1);
}
